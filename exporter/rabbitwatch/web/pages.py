"""What the pages for people share: templates that escape everything, the stylesheet, times and durations in words."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from rabbitwatch.logs import escape_controls

_HERE = Path(__file__).parent
STYLESHEET = "assets/rabbitwatch.css"
_MEDIA = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}
_OUTER_BLANKS = re.compile(r"\A +| +\Z")
_STEPS = ((86_400, "d"), (3_600, "h"), (60, "min"))


def moment(at: float) -> str:
    """For people: to the minute, in UTC."""
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%M UTC")


def instant(at: float) -> str:
    """For people who compare with logs: to the second, in UTC."""
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


def machine_moment(at: float) -> str:
    """For the attribute of a <time>."""
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="seconds")


def span(seconds: float) -> str:
    """A length of time in its two largest units, such as `2 h 5 min`."""
    left = round(abs(seconds))
    if left < 60:
        return f"{left} s"
    parts = []
    for size, unit in _STEPS:
        count, left = divmod(left, size)
        if count:
            parts.append(f"{count} {unit}")
    return " ".join(parts[:2])


def plain(text: str) -> str:
    """A name from a broker, or words that hold one, with what turns the direction of the text around it and what hides
    at its ends spelt out: a queue may be named by a single blank."""
    return _OUTER_BLANKS.sub(lambda blanks: r"\x20" * len(blanks[0]), escape_controls(text))


_environment = Environment(
    loader=FileSystemLoader(_HERE / "templates"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
_environment.filters |= {
    "moment": moment,
    "instant": instant,
    "machine_moment": machine_moment,
    "span": span,
    "json": lambda value: json.dumps(value, ensure_ascii=False, default=str),
    "plain": plain,
}


def rendered(template: str, *, root: str = "", **content: Any) -> str:
    """A page's text. root: the way from its address to the agent's first page, such as `../`: links are relative, so
    that they lead right behind a proxy that serves the agent below a path of its own."""
    return _environment.get_template(template).render(root=root, stylesheet=root + STYLESHEET, **content)


def page(template: str, status: int = 200, *, root: str = "", **content: Any) -> Response:
    """A page that is made for this request alone; see `rendered`."""
    return HTMLResponse(rendered(template, root=root, **content), status, {"cache-control": "no-store"})


def asset_route(name: str) -> Route:
    """Serves a stylesheet or script of ours under /assets."""
    content = (_HERE / "static" / name).read_bytes()
    media = _MEDIA[Path(name).suffix]

    async def asset(_: Request) -> Response:
        return Response(content, media_type=media, headers={"cache-control": "max-age=300"})

    return Route(f"/assets/{name}", asset)


def stylesheet_route() -> Route:
    """Serves what the pages look like."""
    return asset_route("rabbitwatch.css")
