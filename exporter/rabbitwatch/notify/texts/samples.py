"""Notices to try templates on: each differs in something that templates forget."""

from __future__ import annotations

from collections.abc import Iterator

from rabbitwatch.model.notice import Notice, OutAlert, Reason
from rabbitwatch.model.remark import Remark
from rabbitwatch.notify.remarks import remarked

_NOW = 1_700_000_000.0
_SEVERITIES = ("critical", "warning", "info")
_HOSTILE = "<script>alert(1)</script> <!channel> *b* [a](http://x.example) \r\nBcc: x@x.example \u202e " + "q" * 10_000


def samples() -> Iterator[tuple[str, Notice]]:
    """What each one is, and the notice."""
    yield "one firing alert", sample()
    yield "60 firing alerts", _notice([_alert(number) for number in range(60)], Reason.NEW)
    yield "a resolved alert", _notice([_alert(0, ended=True)], Reason.ALL_RESOLVED)
    some = [_alert(0), _alert(1, ended=True), _alert(2, ended=True)]
    yield "alerts of which some are resolved", _notice(some, Reason.SOME_RESOLVED)
    bare = OutAlert(labels={"alertname": "Bare"}, annotations={}, starts_at=_NOW, ends_at=None, updated_at=_NOW)
    yield "an alert with no labels and no annotations", _notice([bare], Reason.FIRST, group_by=())
    yield "an alert whose data is missing", _notice([_alert(0, blind_since=_NOW - 30)], Reason.REPEAT)
    waits = Remark(id="1", at=_NOW, text=f"would sync {_HOSTILE}\non 2 nodes", loud=True, approval="a" * 43)
    yield "an alert with a remark that waits for an answer", _notice([remarked(_alert(0), waits)], Reason.REMARKED)
    yield "an alert with a hostile queue name", _notice([_alert(0, queue=_HOSTILE)], Reason.FIRST, group_by=("queue",))


def sample(receiver: str = "sample", at: float = _NOW) -> Notice:
    """One firing alert, for tries and tests of a receiver. at: seconds since the epoch."""
    return _notice([_alert(0, at=at)], Reason.FIRST, receiver=receiver, at=at)


def _alert(
    number: int,
    *,
    queue: str = "orders.created",
    ended: bool = False,
    blind_since: float | None = None,
    at: float = _NOW,
) -> OutAlert:
    shown = f"{queue}-{number}" if number else queue
    return OutAlert(
        labels={
            "alertname": f"SampleAlert{number % 3 or ''}",
            "cluster": "orders",
            "vhost": "/",
            "queue": shown,
            "severity": _SEVERITIES[number % 3],
        },
        annotations={
            "summary": f"This is a sample: {shown} in vhost / of orders holds 12345 messages",
            "description": "Nothing is wrong. Somebody tries whether notices arrive.",
            "runbook_url": "https://runbooks.example.org/SampleAlert",
        },
        starts_at=at - 252 - number,
        ends_at=at - 12 if ended else None,
        updated_at=at,
        generator_url="https://rabbitwatch.example.org/graph?g0.expr=up",
        blind_since=blind_since,
    )


def _notice(
    alerts: list[OutAlert],
    reason: Reason,
    *,
    group_by: tuple[str, ...] = ("cluster",),
    receiver: str = "sample",
    at: float = _NOW,
) -> Notice:
    labels = {name: alerts[0].labels[name] for name in group_by}
    spelt = ", ".join(f'{name}="{value}"' for name, value in labels.items())
    return Notice(
        receiver=receiver,
        group_key=f"{{}}:{{{spelt}}}",
        group_labels=labels,
        alerts=alerts,
        reason=reason,
        at=at,
        external_url="https://rabbitwatch.example.org",
    )
