"""`rabbitwatch query` and `rabbitwatch alerts`: questions to a running agent, over its API.

The answers look like those of `promtool query instant` and `amtool alert`.
"""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated, Any
from urllib.parse import urlsplit

import msgspec
import requests
import typer
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from rabbitwatch.cli.table import safe
from rabbitwatch.errors import RabbitwatchError
from rabbitwatch.logs import escape_controls
from rabbitwatch.promql.labels import LabelSet

PIPE_WIDTH = 160
TIMEOUT_SECONDS = 60.0

Url = Annotated[
    str, typer.Option("--url", envvar="RABBITWATCH_URL", help="The agent to ask; user:password@ before the host works.")
]
DEFAULT_URL = "http://localhost:9419"


class Form(StrEnum):
    """How to print an answer."""

    TEXT = "text"
    JSON = "json"


Output = Annotated[Form, typer.Option("--output", "-o", help="What to print.")]


class AskError(RabbitwatchError):
    """The agent cannot be asked, or answers with an error; the text names what to do."""


def query(
    expression: Annotated[str, typer.Argument(metavar="EXPR", help="A PromQL expression.")],
    url: Url = DEFAULT_URL,
    time: Annotated[str, typer.Option("--time", help="When: RFC3339 or unix seconds; now without it.")] = "",
    output: Output = Form.TEXT,
) -> None:
    """Evaluate an expression in a running agent, at one time."""
    form = {"query": expression, **({"time": time} if time else {})}
    data = ask(url, "/api/v1/query", form)
    if output is Form.JSON:
        _print_json(data["result"])
        return
    for line in lines(data):
        typer.echo(escape_controls(line))


def alerts(url: Url = DEFAULT_URL, output: Output = Form.TEXT) -> None:
    """Show what is pending or firing in a running agent."""
    found = ask(url, "/api/v1/alerts")["alerts"]
    if output is Form.JSON:
        _print_json(found)
        return
    console = Console() if sys.stdout.isatty() else Console(width=PIPE_WIDTH, no_color=True)
    console.print(table(found) if found else "No alert is pending or firing.")


def ask(url: str, path: str, form: dict[str, str] | None = None) -> Any:
    """The data of the agent's answer; AskError where there is none."""
    try:
        got = requests.request(
            "POST" if form else "GET", url.rstrip("/") + path, data=form, timeout=TIMEOUT_SECONDS, allow_redirects=False
        )
        body = msgspec.json.decode(got.content) if got.headers.get("content-type") == "application/json" else None
    except (requests.RequestException, msgspec.DecodeError) as error:
        raise AskError(f"{shown(url)}: {reason(error)}; name the agent's address with --url") from None
    if not isinstance(body, dict):
        raise AskError(f"{shown(url)}: answers {got.status_code} and no API: is that the address of a rabbitwatch?")
    if body.get("status") != "success":
        raise AskError(str(body.get("error") or f"{shown(url)} answers {got.status_code}"))
    return body["data"]


def shown(url: str) -> str:
    """The address without a password."""
    parts = urlsplit(url)
    return parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()


def reason(error: Exception) -> str:
    """Why a request had no answer, in a few words."""
    match error:
        case requests.exceptions.SSLError():
            return "its certificate is not trusted (REQUESTS_CA_BUNDLE names a file with the right one)"
        case requests.ConnectionError():
            return "no connection"
        case requests.Timeout():
            return f"no answer within {TIMEOUT_SECONDS:g} s"
        case _:
            return "no usable answer"


def lines(data: dict[str, Any]) -> list[str]:
    """The result of a query as `promtool query instant` prints it."""
    result = data["result"]
    match data["resultType"]:
        case "scalar":
            return [f"scalar: {result[1]} @[{_time(result[0])}]"]
        case "string":
            return [f"{result[1]} @[{_time(result[0])}]"]
        case "vector":
            return [f"{_metric(row)} => {row['value'][1]} @[{_time(row['value'][0])}]" for row in result]
        case _:
            found = []
            for row in result:
                found.append(f"{_metric(row)} =>")
                found.extend(f"{value} @[{_time(at)}]" for at, value in row["values"])
            return found


def _metric(row: dict[str, Any]) -> str:
    return str(LabelSet.of(row["metric"]))


def _time(at: float) -> str:
    return f"{at:.3f}".rstrip("0").rstrip(".")


def table(found: list[dict[str, Any]]) -> Table:
    """Alerts as `amtool alert` shows them, firing ones first."""
    shown = Table("Alert", "State", "Since", "Labels", "Summary", box=SIMPLE_HEAD)
    order = {"firing": 0, "pending": 1}
    for alert in sorted(found, key=lambda each: (order.get(each["state"], 2), each["labels"].get("alertname", ""))):
        labels = {name: value for name, value in alert["labels"].items() if name != "alertname"}
        state = alert["state"] + (" (blind)" if "blindSince" in alert else "")
        cells = (
            alert["labels"].get("alertname", ""),
            state,
            _moment(alert["activeAt"]),
            " ".join(f'{name}="{value}"' for name, value in labels.items()),
            alert["annotations"].get("summary", ""),
        )
        shown.add_row(*map(safe, cells))
    return shown


def _moment(text: str) -> str:
    moment = datetime.fromisoformat(text)
    return moment.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


def _print_json(data: Any) -> None:
    typer.echo(msgspec.json.format(msgspec.json.encode(data), indent=2).decode())
