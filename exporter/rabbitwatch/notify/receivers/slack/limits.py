"""Slack's limits, and ours below them.

Documented (docs.slack.dev, Block Kit reference): a text object has 3,000 characters, a button's label 75, its value
2,000, its URL 3,000; the dialog that asks again has 100 in its title, 300 in its text, 30 on each button; a message has
50 blocks. Not documented, reported by users and maintainers: `chat.postMessage`
refuses blocks with `msg_blocks_too_long` when their texts have about 12,000 characters together, of which blocks
themselves take a share (slackapi/bolt-js issues 2509, 2867), and an attachment with more than 20 blocks with
`invalid_attachments` (slackapi/bolt-python issue 914).
"""

from __future__ import annotations

TEXT = 3000
BUTTON_VALUE = 2000
BUTTON_URL = 3000

ALERTS = 12
"""Alerts shown in a message; with heading, counts and buttons that stays below 20 blocks."""

BODY = 7500
"""Characters of all alerts together."""

TITLE = 600
SUMMARY = 300
DESCRIPTION = 600
NAMES = 120
LABELS = 8

ACTIONS = 3
"""Remarks shown in a message, each with its buttons."""

ACTION = 1200
"""Characters of one."""

CONFIRM_TITLE = 100
CONFIRM_TEXT = 300
CONFIRM_BUTTON = 30
