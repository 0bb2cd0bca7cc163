"""The schema, as the list of steps that lead to it. A step that was released is never edited: add the next one.

The file's `user_version` is the number of steps taken, so an empty file is at 0.
"""

from __future__ import annotations

_ALERTS_AND_WINDOW = """
CREATE TABLE alert_groups (
    name TEXT PRIMARY KEY,
    evaluated_at REAL NOT NULL,
    alerts BLOB NOT NULL
);

CREATE TABLE window_keys (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    digest BLOB NOT NULL UNIQUE,
    keys BLOB NOT NULL
);

CREATE TABLE window_chunks (
    id INTEGER PRIMARY KEY,
    scope TEXT NOT NULL,
    family TEXT NOT NULL,
    to_ms INTEGER NOT NULL,
    keys INTEGER NOT NULL REFERENCES window_keys (id),
    times BLOB NOT NULL,
    cells BLOB NOT NULL
);

CREATE INDEX window_chunks_age ON window_chunks (family, to_ms);

CREATE TABLE window_rules (
    id INTEGER PRIMARY KEY,
    family TEXT NOT NULL,
    to_ms INTEGER NOT NULL,
    series BLOB NOT NULL
);

CREATE INDEX window_rules_age ON window_rules (family, to_ms);
"""

_SILENCES = """
CREATE TABLE silences (
    id TEXT PRIMARY KEY,
    record TEXT NOT NULL
);
"""

_DELIVERIES = """
CREATE TABLE delivery_entries (
    integration TEXT NOT NULL,
    group_key TEXT NOT NULL,
    sent_at REAL NOT NULL,
    entry BLOB NOT NULL,
    told BLOB NOT NULL,
    PRIMARY KEY (integration, group_key)
) WITHOUT ROWID;

CREATE TABLE delivery_attempts (
    number INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    integration TEXT NOT NULL,
    group_key TEXT NOT NULL,
    reason TEXT NOT NULL,
    firing BLOB NOT NULL,
    resolved BLOB NOT NULL,
    began_at REAL NOT NULL,
    ended_at REAL,
    tries INTEGER NOT NULL,
    result TEXT NOT NULL,
    why TEXT NOT NULL
);

CREATE INDEX delivery_attempts_of_group ON delivery_attempts (integration, group_key);
"""

_REMARKS = """
CREATE TABLE remarks (
    fingerprint TEXT PRIMARY KEY,
    remarks TEXT NOT NULL
);
"""

_ACTIONS = """
CREATE TABLE action_audit (
    number INTEGER PRIMARY KEY,
    line TEXT NOT NULL,
    at REAL AS (CASE WHEN json_valid(line) THEN json_extract(line, '$.at') END),
    event TEXT AS (CASE WHEN json_valid(line) THEN json_extract(line, '$.event') END),
    deed TEXT AS (CASE WHEN json_valid(line) THEN json_extract(line, '$.deed') END),
    outcome TEXT AS (CASE WHEN json_valid(line) THEN json_extract(line, '$.outcome') END),
    cluster TEXT AS (CASE WHEN json_valid(line) THEN coalesce(json_extract(line, '$.step.cluster'),
        json_extract(line, '$.target.cluster'), json_extract(line, '$.cause.labels.cluster')) END)
);

CREATE INDEX action_audit_age ON action_audit (at);
CREATE INDEX action_audit_event ON action_audit (event, at, deed);
CREATE INDEX action_audit_deed ON action_audit (deed, event, outcome);
CREATE INDEX action_audit_cluster ON action_audit (cluster, number);

CREATE TABLE action_approvals (
    id TEXT PRIMARY KEY,
    cluster TEXT NOT NULL,
    digest TEXT NOT NULL,
    summary TEXT NOT NULL,
    cause TEXT NOT NULL,
    plan TEXT NOT NULL,
    made_at REAL NOT NULL,
    expires_at REAL NOT NULL,
    decided_at REAL,
    decided_by TEXT NOT NULL,
    granted INTEGER
) WITHOUT ROWID;

CREATE TABLE action_pause (
    only_one INTEGER PRIMARY KEY CHECK (only_one = 1),
    paused_by TEXT NOT NULL,
    paused_at REAL NOT NULL
);
"""

_PEER = """
CREATE TABLE action_peer_deeds (
    id TEXT PRIMARY KEY,
    cluster TEXT NOT NULL,
    action TEXT NOT NULL,
    vhost TEXT NOT NULL,
    operator INTEGER NOT NULL,
    object TEXT NOT NULL,
    at REAL NOT NULL,
    outcome TEXT NOT NULL,
    told_by TEXT NOT NULL
) WITHOUT ROWID;

CREATE INDEX action_peer_deeds_age ON action_peer_deeds (at);

CREATE TABLE action_peer_pause (
    only_one INTEGER PRIMARY KEY CHECK (only_one = 1),
    paused_by TEXT NOT NULL,
    paused_at REAL NOT NULL
);
"""

_FOREIGN_ALERTS = """
CREATE TABLE action_foreign_alerts (
    number INTEGER PRIMARY KEY,
    fingerprint TEXT NOT NULL UNIQUE,
    alert TEXT NOT NULL,
    updated_at REAL NOT NULL
);
"""

MIGRATIONS: tuple[str, ...] = (_ALERTS_AND_WINDOW, _SILENCES, _DELIVERIES, _REMARKS, _ACTIONS, _PEER, _FOREIGN_ALERTS)
