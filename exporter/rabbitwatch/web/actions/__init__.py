"""Repairs over HTTP: the page, the API for commands, and the webhook by which an Alertmanager starts them.

All of them ask actions.facade.Repairs, and nothing here decides anything about a repair.

page.py       /actions and /actions/approvals/<id>, for people
api.py        /api/v1/actions, for programs
documents.py  what both show, as plain data
webhook.py    /api/v1/webhook/alertmanager
sender.py     whether a webhook's request comes from whom it should
payload.py    what Alertmanager posts, read
"""
