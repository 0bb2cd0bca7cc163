"""What a command of the lab may raise."""

from __future__ import annotations


class LabError(Exception):
    """Something the caller can mend: the message is one line that names the place and the remedy. Exit code 2."""
