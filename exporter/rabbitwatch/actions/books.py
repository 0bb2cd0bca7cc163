"""What one agent keeps of its repairs."""

from __future__ import annotations

from dataclasses import dataclass

from rabbitwatch.actions.approvals import Approvals
from rabbitwatch.actions.audit import Audit
from rabbitwatch.actions.metrics import ActionCounts
from rabbitwatch.actions.peer import PeerRepairs
from rabbitwatch.actions.ports import AuditStore, PauseStore


@dataclass(frozen=True, slots=True, kw_only=True)
class Books:
    """history: what the audit is asked of. peer: what the other agent of a pair has done."""

    audit: Audit
    history: AuditStore
    approvals: Approvals
    pause: PauseStore
    counts: ActionCounts
    peer: PeerRepairs
