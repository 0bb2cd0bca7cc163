"""The actions, by the name that the configuration and the audit give them.

Another action is one file in this folder that ends in `ACTION`, and its name in `ActionName` of config/actions.py: the
one list, which the configuration judges bindings by, and from which this table takes the files.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import get_args

from rabbitwatch.actions.ports import Action
from rabbitwatch.config.actions import ActionName


def _action(name: str) -> Action:
    found: Action = import_module(f"rabbitwatch.actions.{name}").ACTION
    return found


ACTIONS: Mapping[str, Action] = {name: _action(name) for name in get_args(ActionName)}
