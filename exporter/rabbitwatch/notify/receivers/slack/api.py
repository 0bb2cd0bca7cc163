"""Slack's Web API through slack-sdk, and which of its errors are final.

slack-sdk logs requests, answers and addresses of webhooks at level DEBUG, and every failure at ERROR; it gets a logger
that says nothing, for receivers/base.py tells each failure once and without secrets. Its own retries are off for the
same reason.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Mapping
from http.client import HTTPException
from socket import gaierror
from ssl import SSLError
from typing import Any
from urllib.error import URLError

from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError, SlackClientError

from rabbitwatch.errors import DeliveryError

MUTE = logging.Logger("slack_sdk", logging.CRITICAL + 1)  # noqa: LOG001 - not in the tree of loggers on purpose
"""A logger of its own, known to nobody."""

RATE_LIMIT_PAUSE_S = 30.0
"""Where a 429 does not say how long; slack-sdk assumes the same."""

_LIMITED = frozenset({"ratelimited", "rate_limited", "message_limit_exceeded"})

TOO_RICH = frozenset(
    {
        "invalid_attachments",
        "invalid_blocks",
        "invalid_blocks_format",
        "invalid_metadata_format",
        "invalid_metadata_schema",
        "metadata_too_large",
        "msg_blocks_too_long",
        "msg_too_long",
        "too_many_attachments",
    }
)
"""A message that Slack refuses for its form; plain text will do."""

GONE = frozenset(
    {
        "cannot_reply_to_message",
        "cant_update_message",
        "channel_not_found",
        "edit_window_closed",
        "message_not_found",
        "thread_not_found",
    }
)
"""The message that was to be edited or replied to is out of reach: a new one will do."""

_ADVICE = {
    "account_inactive": "the app was removed from the workspace: install it again and renew the token",
    "invalid_auth": "the token is wrong or comes from a forbidden address: check it",
    "not_authed": "the token is empty: check it",
    "token_expired": "renew the token",
    "token_revoked": "renew the token",
    "channel_not_found": "no such channel, or the app may not see it: check the name and invite the app",
    "not_in_channel": "invite the app to the channel",
    "is_archived": "the channel is archived: name another",
    "missing_scope": "grant the app this scope and install it again",
}
_FINAL = (
    TOO_RICH
    | frozenset(_ADVICE)
    | frozenset(
        {
            "access_denied",
            "accesslimited",
            "action_prohibited",
            "as_user_not_supported",
            "cannot_reply_to_message",
            "cant_update_message",
            "channel_is_archived",
            "channel_type_not_supported",
            "deprecated_endpoint",
            "edit_window_closed",
            "ekm_access_denied",
            "enterprise_is_restricted",
            "invalid_arg_name",
            "invalid_arguments",
            "invalid_array_arg",
            "invalid_charset",
            "invalid_form_data",
            "invalid_payload",
            "invalid_post_type",
            "invalid_token",
            "is_inactive",
            "message_not_found",
            "messages_tab_disabled",
            "method_deprecated",
            "missing_post_type",
            "no_active_hooks",
            "no_permission",
            "no_service",
            "no_team",
            "no_text",
            "not_allowed_token_type",
            "org_login_required",
            "restricted_action",
            "restricted_action_non_threadable_channel",
            "restricted_action_read_only_channel",
            "restricted_action_thread_locked",
            "restricted_action_thread_only_channel",
            "team_access_not_granted",
            "team_disabled",
            "thread_not_found",
            "two_factor_setup_required",
            "unknown_method",
            "user_not_found",
        }
    )
)
_NOT_SENT = (ConnectionRefusedError, gaierror, SSLError)
_CODE = re.compile(r"[a-z][a-z0-9_]{2,60}")


class SlackError(DeliveryError):
    """Slack did not do it. code: its word for that, empty where it said none. doubtful: it may have done it all the
    same (a broken connection, or an error after which "some aspect of the operation" may have succeeded)."""

    def __init__(
        self,
        reason: str,
        *,
        code: str = "",
        doubtful: bool = False,
        permanent: bool = False,
        retry_after: float | None = None,
    ) -> None:
        super().__init__(reason, permanent=permanent, retry_after=retry_after)
        self.code = code
        self.doubtful = doubtful


class SlackApi:
    """The methods that we use, with the answer's fields or a SlackError. For one thread at a time."""

    def __init__(self, token: str, base_url: str) -> None:
        self._client = WebClient(token, base_url=base_url, logger=MUTE, retry_handlers=[])

    def call(self, method: str, timeout: float, **arguments: Any) -> Mapping[str, Any]:
        """method: as slack-sdk spells it, such as `chat_postMessage`. timeout: seconds of each wait for the network."""
        name = method.replace("_", ".", 1) if method != "apps_connections_open" else "apps.connections.open"
        self._client.timeout = timeout  # type: ignore[assignment]  # urllib takes fractions of seconds
        return answered(name, lambda: getattr(self._client, method)(**arguments).data)


def answered(what: str, ask: Callable[[], Any]) -> Mapping[str, Any]:
    """What `ask` returns, when that is an object; every failure of slack-sdk and below it as a SlackError."""
    try:
        data = ask()
    except SlackError:
        raise
    except SlackApiError as error:
        raise refusal(what, error.response) from None
    except URLError as error:
        raise SlackError(f"{what}: {_unreachable(error)}", doubtful=not isinstance(error.reason, _NOT_SENT)) from None
    except TimeoutError:
        raise SlackError(f"{what}: no answer in time", doubtful=True) from None
    except (OSError, HTTPException, SlackClientError) as error:
        raise SlackError(f"{what}: {type(error).__name__}", doubtful=True) from None
    except (ValueError, LookupError, AttributeError, TypeError):
        raise SlackError(f"{what}: the answer cannot be read", doubtful=True) from None
    if not isinstance(data, dict):
        raise SlackError(f"{what}: the answer cannot be read", doubtful=True)
    return data


def refusal(what: str, response: Any) -> SlackError:
    """From slack-sdk's response, or one like it (status_code, headers, data or body)."""
    data = response.data if isinstance(getattr(response, "data", None), dict) else {}
    said = str(data.get("error", ""))
    return classified(
        what, response.status_code, said, dict(response.headers), needed=str(data.get("needed", "")) if data else ""
    )


def classified(what: str, status: int, said: str, headers: Mapping[str, str], *, needed: str = "") -> SlackError:
    """said: Slack's word for the error. Unknown words are tried again: an alert is worth it."""
    code = said if _CODE.fullmatch(said) else ""
    if status == 429 or code in _LIMITED:
        return SlackError(f"{what}: rate limited", code="ratelimited", retry_after=_retry_after(headers))
    advice = _ADVICE.get(code, "")
    if code == "missing_scope" and re.fullmatch(r"[\w:.,]{1,80}", needed):
        advice = f"grant the app the scope {needed} and install it again"
    told = code or ("the answer cannot be read" if status < 400 else f"HTTP {status}")
    reason = f"{what}: {told} ({advice})" if advice else f"{what}: {told}"
    final = code in _FINAL or (not code and 400 <= status < 500 and status != 408)
    return SlackError(reason, code=code, permanent=final, doubtful=not final)


def _retry_after(headers: Mapping[str, str]) -> float:
    told = next((value for name, value in headers.items() if name.lower() == "retry-after"), "")
    return float(told) if re.fullmatch(r"\d{1,6}", str(told).strip()) else RATE_LIMIT_PAUSE_S


def _unreachable(error: URLError) -> str:
    reason = error.reason
    if isinstance(reason, TimeoutError):
        return "no connection in time"
    return f"cannot connect: {getattr(reason, 'strerror', None) or type(reason).__name__}"
