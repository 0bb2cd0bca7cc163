"""Words of notices: what templates see, how each medium is kept safe, where a failing template is refused."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from rabbitwatch.config.notices import NotifyConfig
from rabbitwatch.config.receivers import EmailConfig, ReceiverConfig
from rabbitwatch.errors import ConfigError, ConfigFileError
from rabbitwatch.model.notice import Notice, OutAlert, Reason
from rabbitwatch.model.remark import Remark
from rabbitwatch.notify.remarks import remarked
from rabbitwatch.notify.templating import SHIPPED, Texts, of_receivers
from rabbitwatch.notify.texts.library import Library, Source
from rabbitwatch.notify.texts.media import ESCAPES, JOINER, Medium
from rabbitwatch.notify.texts.samples import sample, samples

NOW = 1_700_000_000.0
DEFAULTS = Texts.of()
HOSTILE = {
    "markup": "<script>alert(1)</script>",
    "mention": "<!channel> @everyone",
    "slack link": "<https://evil.example|pay>",
    "markdown link": "[pay](https://evil.example)",
    "bold": "*all* _is_ ~well~ `now`",
    "address": "https://evil.example/ www.evil.example",
    "lines": "a\r\nBcc: victim@example.org\n\n- b",
    "direction": "a\u202egnp.exe\u2066b",
    "terminal": "\x1b]0;owned\x07\x1b[2J\x00",
    "template": "{{ 7 * 7 }}{% for x in y %}",
    "quotes": "\"' onmouseover='alert(1)'",
    "long": "q" * 10_000,
}


def alert(name: str = "RabbitMQQueueDeep", *, ended: float | None = None, **labels: str) -> OutAlert:
    return OutAlert(
        labels={"alertname": name, "severity": "warning", **labels},
        annotations={"summary": f"{name} {labels.get('queue', '')} is deep", "description": "12345 messages"},
        starts_at=NOW - 252,
        ends_at=ended,
        updated_at=NOW,
    )


def notice(*alerts: OutAlert, group: dict[str, str] | None = None) -> Notice:
    return Notice(
        receiver="oncall",
        group_key='{}:{cluster="orders"}',
        group_labels=group or {},
        alerts=alerts,
        reason=Reason.FIRST,
        at=NOW,
        external_url="https://rabbitwatch.example.org/",
    )


def rendered(text: str, told: Notice | None = None, medium: Medium = Medium.PLAIN, *files: Path) -> str:
    return Library(files).render(Source(text, "template"), told or sample(), medium)


def refused(text: str, *files: Path) -> str:
    with pytest.raises(ConfigFileError) as raised:
        Texts.of({"email.text": text}, files, where="receivers[0].email_configs[1]")
    return str(raised.value)


@pytest.mark.parametrize("name", SHIPPED)
@pytest.mark.parametrize("medium", Medium)
def test_every_shipped_text_copes_with_every_sample(name: str, medium: Medium) -> None:
    library = Library(())
    for what, told in samples():
        text = library.render(library.shipped(name), told, medium)
        assert text.strip(), what
        assert len(text) < 50_000, what
        assert "None" not in text
        assert "Undefined" not in text


@pytest.mark.parametrize("name", [name for name, kind in SHIPPED.items() if kind.one_line])
def test_titles_are_one_line_whatever_comes(name: str) -> None:
    for value in HOSTILE.values():
        told = notice(alert(queue=value), group={"queue": value})
        title = DEFAULTS.render(name, told)
        assert title.isprintable() or JOINER in title
        assert "\n" not in title
        assert len(title) < 1000


@pytest.mark.parametrize(
    ("alerts", "group", "title"),
    [
        ([alert("RabbitMQClusterSplit", cluster="orders")] * 2, {}, "[FIRING:2] RabbitMQClusterSplit orders"),
        ([alert("A", cluster="orders", queue="q")], {"queue": "q"}, "[FIRING:1] A q orders"),
        ([alert("A"), alert("B"), alert("C"), alert("D")], {"cluster": "c"}, "[FIRING:4] A, B and 2 more c"),
        ([alert("A", ended=NOW)], {"alertname": "A", "cluster": "c"}, "[RESOLVED] A c"),
        ([alert("A", ended=NOW), alert("B")], {}, "[FIRING:1] B"),
    ],
)
def test_the_title_says_what_and_where(alerts: list[OutAlert], group: dict[str, str], title: str) -> None:
    assert DEFAULTS.render("email.subject", notice(*alerts, group=group)) == title


@pytest.mark.parametrize("name", ["email.text", "email.html", "slack.text", "apprise.text", "file.text"])
def test_what_is_left_out_is_counted(name: str) -> None:
    shown = 10 if name in {"slack.text", "apprise.text"} else 20
    told = notice(*(alert(queue=f"queue-{number}.") for number in range(shown + 37)))
    text = DEFAULTS.render(name, told, Medium.PLAIN)
    assert text.count(" is deep") in {shown, shown + 1}  # the HTML begins with a preview
    assert "and 37 more" in text
    ended = notice(*(alert(queue=f"queue-{number}.", ended=NOW) for number in range(shown + 5)))
    assert "and 5 more" in DEFAULTS.render(name, ended, Medium.PLAIN)


def test_a_sleepy_person_learns_what_since_when_and_what_to_do() -> None:
    text = DEFAULTS.render("email.text", sample())
    assert "CRITICAL: This is a sample: orders.created in vhost / of orders holds 12345 messages" in text
    assert "since 2023-11-14 22:09:08 UTC, 4 m 12 s" in text
    assert "What to do: https://runbooks.example.org/SampleAlert" in text
    assert "first notification" in text


def test_a_link_to_silence_is_for_the_group_and_only_while_it_fires() -> None:
    def link(*alerts: OutAlert, **group: str) -> str:
        return rendered("{{ silence_url }}", notice(*alerts, group=group)).replace(JOINER, "")

    address = (
        "https://rabbitwatch.example.org/silences?filter=%7Bcluster%3D%22a%26b%22%2Cqueue%3D%22q%22%7D&duration=1h"
    )
    assert link(alert(), queue="q", cluster="a&b") == address
    assert link(alert(ended=NOW), queue="q") == ""
    assert link(alert(), alert("Other")) == ""
    assert link(alert(), queue="q" * 10_000) == ""
    assert f"Silence this for 1 h: {address}" in DEFAULTS.render(
        "email.text", notice(alert(), group={"queue": "q", "cluster": "a&b"})
    )


def test_the_worst_comes_first() -> None:
    told = notice(
        alert("Info", severity="info"),
        alert("Odd", severity="whatever"),
        alert("Critical", severity="critical"),
        alert("Over", severity="critical", ended=NOW),
    )
    assert rendered("{{ severity }}: {{ names|join(' ') }}", told) == "critical: Critical Odd Info"
    assert rendered("{% for a in alerts %}{{ a.name }} {% endfor %}", told) == "Critical Odd Info Over "


def test_an_alert_held_without_data_says_so() -> None:
    told = notice(replace(alert(), blind_since=NOW - 30))
    for name in ("email.text", "email.html", "slack.text", "apprise.text"):
        assert "not seen since 22:12:50 UTC" in DEFAULTS.render(name, told)


@pytest.mark.parametrize("medium", Medium)
@pytest.mark.parametrize("what", HOSTILE)
def test_hostile_text_is_only_text(medium: Medium, what: str) -> None:
    escaped = ESCAPES[medium].value(HOSTILE[what])
    assert "://evil" not in escaped
    assert "www.evil" not in escaped
    assert not {"\x00", "\x1b", "\x07", "\r", "\u202e", "\u2066"} & set(escaped)
    if medium is Medium.HTML:
        assert not {"<", ">", '"', "'"} & set(escaped)
    if medium is Medium.SLACK:
        assert not {"<", ">", "*", "~", "`"} & set(escaped)
    if medium is Medium.MARKDOWN:
        assert "@everyone" not in escaped
        for mark in "<>[]*_`":
            assert escaped.count(mark) == escaped.count(f"\\{mark}")


@pytest.mark.parametrize("name", SHIPPED)
@pytest.mark.parametrize("what", HOSTILE)
def test_hostile_names_in_every_place_of_every_shipped_text(name: str, what: str) -> None:
    value = HOSTILE[what]
    one = OutAlert(
        labels={"alertname": value, "severity": value, "cluster": value, "queue": value},
        annotations={"summary": value, "description": f"queue {value}", "runbook_url": value},
        starts_at=NOW - 1,
        ends_at=None,
        updated_at=NOW,
        generator_url=f"javascript:{value}",
    )
    for told in (notice(one, group={"queue": value}), notice(replace(one, ends_at=NOW))):
        text = DEFAULTS.render(name, told)
        assert len(text) < 50_000
        assert not {"\x00", "\x1b", "\x07", "\r", "\u202e", "\u2066"} & set(text)
        assert "<script>alert" not in text or SHIPPED[name].medium is Medium.PLAIN
        assert "<!channel>" not in text or SHIPPED[name].medium is Medium.PLAIN
        assert "<https://evil" not in text.replace("<https://evil.example/%20", "")
        assert 'href="javascript' not in text
        assert not any(line.startswith("Bcc:") for line in text.splitlines())
        assert "49" not in text.replace(value, "")


def test_only_web_addresses_become_links() -> None:
    def link(url: str, medium: Medium) -> str:
        told = notice(replace(alert(), generator_url=url))
        return rendered("{{ alerts[0].generator_url|url }}", told, medium)

    for bad in ("javascript:alert(1)", "data:text/html,x", "//evil.example", "http://", "http://[", "x", " "):
        assert link(bad, Medium.HTML) == ""
    assert link("https://a.example/g?x=1&y=<2>", Medium.HTML) == "https://a.example/g?x=1&amp;y=%3C2%3E"
    assert link('https://a.example/"onclick="x', Medium.HTML) == "https://a.example/%22onclick=%22x"
    assert link("https://a.example/a|b>c", Medium.SLACK) == "https://a.example/a%7Cb%3Ec"
    assert link("https://a.example/(a)\nb", Medium.MARKDOWN) == "https://a.example/%28a%29%0Ab"


def test_line_breaks_of_a_rules_author_stay_and_those_of_a_name_do_not() -> None:
    name = "a\nRunbook: evil"
    one = replace(alert(queue=name), annotations={"description": f"First line.\nQueue {name}."})
    assert rendered("{{ alerts[0].description }}", notice(one)) == "First line.\nQueue a\\nRunbook: evil."


def test_what_is_missing_in_an_alert_is_empty_and_a_wrong_name_is_an_error() -> None:
    assert rendered("[{{ alerts[0].labels.nothing }}{{ common_labels['no'] }}]") == "[]"
    assert "'nothing' is undefined" in refused("{{ nothing }}")
    assert "an alert has no attribute 'lables'" in refused("{{ alerts[0].lables.queue }}")


def test_filters() -> None:
    told = notice(alert(queue="q", node="rabbit@a"))
    cases = {
        "{{ 252|duration }} {{ 0|duration }} {{ 86400|duration }} {{ 93784|duration }}": "4 m 12 s 0 s 1 d 1 d 2 h",
        "{{ alerts[0].starts_at|ago }}": "4 m 12 s ago",
        "{{ now|time }} {{ now|time('%H:%M') }}": "2023-11-14 22:13:20 UTC 22:13",
        "{{ 1234567|humanize }}": "1.235M",
        "{{ 'abcdef'|truncate(4) }}": "abc…",
        "{{ alerts[0].labels|labels('alertname', 'severity') }}": "node=rabbit@a, queue=q",
        "{{ '%.1f %s'|format(3.14159, 'x') }}": "3.1 x",
        "{{ 'a b'|title }} {{ ['a', 'b']|join('-') }}": "A B a-b",
        "{{ None }}{{ 3 }}": "3",
    }
    for text, expected in cases.items():
        assert rendered(text, told) == expected


def test_what_is_put_together_is_escaped_by_the_medium_wherever_it_comes_from() -> None:
    told = notice(alert(queue="*<b>*"))
    ways = [
        "{{ q }}",
        "{% macro m(x) %}{{ x }}{% endmacro %}{{ m(q) }}",
        "{% set x %}{{ q }}{% endset %}{{ x }}",
        "{% set x %}{% endset %}{{ x ~ q }}",
        "{% set x %}{% endset %}{{ x + q }}",
        "{% set x %}{% endset %}{{ q + x }}",
        "{% set x %}{% endset %}{{ [x, q]|join }}",
        "{{ q|e }}",
        "{{ q|e|e }}",
        "{% filter trim %}{{ q }}{% endfilter %}",
        "{% autoescape false %}{{ q }}{% endautoescape %}",
        "{% call wrap() %}{{ q }}{% endcall %}",
        "{{ 'Z'|replace('Z', q) }}",
    ]
    prefix = "{%- set q = alerts[0].labels.queue -%}{%- macro wrap() -%}{{ caller() }}{%- endmacro -%}"
    expected = {medium: ESCAPES[medium].value("*<b>*") for medium in Medium}
    for medium, shown in expected.items():
        for way in ways:
            assert rendered(prefix + way, told, medium) == shown, (medium, way)


@pytest.mark.parametrize(
    "text",
    [
        "{{ ''.__class__ }}",
        "{{ alerts.__class__.__mro__ }}",
        "{{ notice.__init__.__globals__ }}",
        "{{ alerts|map(attribute='__class__')|list }}",
        "{{ '{0.__class__}'.format(1) }}",
        "{{ namespace.__init__ }}",
        "{{ alerts[0].labels.clear() }}",
        "{{ alerts[0].labels.update(a=1) }}",
        "{{ range.__self__ }}",
        "{{ self.__init__ }}",
        "{{ q|safe }}",
        "{{ q|attr('x') }}",
        "{{ lipsum() }}",
        "{% include '/etc/passwd' %}",
        "{% include '../receivers/email.py' %}",
        "{% import 'os' as os %}",
    ],
)
def test_there_is_no_way_out(text: str) -> None:
    assert "receivers[0].email_configs[1].text" in refused(text)


@pytest.mark.parametrize(
    "text",
    [
        "{% for a in range(9000) %}{% for b in range(9000) %}{% endfor %}{% endfor %}",
        "{% for a in range(10**9) %}{% endfor %}",
        "{% for a in range(100000) %}{% endfor %}",
        "{{ 'a' * 1000000000 }}",
        "{{ [1] * 1000000000 }}",
        "{{ 2 ** 99999999 }}",
        "{{ '%999999999d' % 1 }}",
        "{{ '%999999999d'|format(1) }}",
        "{{ 'a'.ljust(1000000000) }}",
        "{{ 'a'|center(1000000000) }}",
        "{% set n = namespace(x='aa') %}{% for i in range(60) %}{% set n.x = n.x ~ n.x %}{% endfor %}",
        "{% set n = namespace(x='aa') %}{% for i in range(60) %}{% set n.x = n.x + n.x %}{% endfor %}",
        "{% set n = namespace(x=[1]) %}{% for i in range(60) %}{% set n.x = n.x + n.x %}{% endfor %}",
        (
            "{% set n = namespace(x='aa') %}{% for i in range(60) %}{% set n.x %}{{ n.x }}{{ n.x }}{% endset %}"
            "{% endfor %}"
        ),
        "{% set n = namespace(x='aa') %}{% for i in range(60) %}{% set n.x = n.x|replace('a', n.x) %}{% endfor %}",
        "{% set n = namespace(x=9) %}{% for i in range(60) %}{% set n.x = n.x * n.x %}{% endfor %}",
        "{% macro m(n) %}{% if n %}{{ m(n - 1) }}{{ m(n - 1) }}{% endif %}{% endmacro %}{{ m(100) }}",
        "{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}",
        "{% for a in [[1]] recursive %}{{ loop(a) }}{% endfor %}",
        "{% for i in range(9000) %}{{ 'x' }}" + "y" * 100 + "{% endfor %}",
    ],
)
def test_nothing_grows_or_goes_on_without_end(text: str) -> None:
    began = time.monotonic()
    assert refused(text)
    assert time.monotonic() - began < 20


def test_a_broken_template_is_refused_with_its_place() -> None:
    assert refused("line one\n  {{ alerts[0].nam }}") == (
        "receivers[0].email_configs[1].text: line 2, column 16: an alert has no attribute 'nam'"
        " (tried on one firing alert)"
    )
    assert "text: line 1, column 4: Expected an expression" in refused("{% if %}")
    assert "No filter named 'shout'" in refused("{{ status|shout }}")


def test_what_fails_only_on_some_notices_is_found_too() -> None:
    assert "(tried on a resolved alert)" in refused("{{ firing[0].name }}")
    assert "(tried on an alert with no labels and no annotations)" in refused("{{ alerts[0].labels.vhost[0] }}")


def test_all_that_fails_is_told_at_once() -> None:
    mail = {"to": "a@example.org", "from": "b@example.org", "smarthost": "h:25", "encryption": "none"}
    bad = EmailConfig.model_validate({**mail, "subject": "{{ a }}", "html": "{{ b }}"})
    good = EmailConfig.model_validate(mail)
    receivers = [
        ReceiverConfig(name="one", email_configs=(good, bad)),
        ReceiverConfig(name="two", email_configs=(bad,)),
    ]
    with pytest.raises(ConfigFileError) as raised:
        of_receivers(receivers, NotifyConfig())
    assert [str(error).partition(": ")[0] for error in raised.value.errors] == [
        "receivers[0].email_configs[1].subject",
        "receivers[0].email_configs[1].html",
        "receivers[1].email_configs[0].subject",
        "receivers[1].email_configs[0].html",
    ]


def test_macros_of_files_know_the_notice(tmp_path: Path) -> None:
    file = tmp_path / "macros.j2"
    file.write_text("{% macro who(x) %}{{ receiver }} hears of {{ x }}{% endmacro %}")
    told = notice(alert(queue="<q>"))
    assert rendered("{{ who(alerts[0].labels.queue) }}", told, Medium.HTML, file) == "oncall hears of &lt;q&gt;"


def test_own_words_may_use_the_shipped_ones() -> None:
    texts = Texts.of({"email.subject": "Team X: {% include 'email.subject.j2' %}"})
    assert texts.render("email.subject", sample()) == "Team X: [FIRING:1] SampleAlert orders"


def test_a_faulty_macro_is_refused_with_the_place_in_its_file(tmp_path: Path) -> None:
    file = tmp_path / "macros.j2"
    file.write_text("{% macro who() %}\n{{ nobody }}\n{% endmacro %}")
    assert refused("{{ who() }}", file).startswith(
        f"{file}:2:4: 'nobody' is undefined (tried on one firing alert), used by"
    )


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"\n{% macro %}", ":2:"),
        (b"\xff\xfe", "not text in UTF-8"),
        (None, "cannot read"),
        (b"x" * 2_000_000, "larger than"),
    ],
)
def test_files_that_cannot_be_used(tmp_path: Path, content: bytes | None, why: str) -> None:
    file = tmp_path / "macros.j2"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(ConfigError) as raised:
        Texts.of(files=[file])
    assert why in str(raised.value)
    assert "macros.j2" in str(raised.value)


def test_a_template_that_fails_later_does_not_keep_the_notice_from_being_told() -> None:
    texts = Texts.of({"email.subject": "{% if alerts|length == 2 %}{{ 1 / 0 }}{% endif %}fine"})
    assert texts.render("email.subject", sample()) == "fine"
    two = notice(alert("A"), alert("B"))
    with capture_logs() as logs:
        assert texts.render("email.subject", two) == "[FIRING:2] A, B"
        assert texts.render("email.subject", two) == "[FIRING:2] A, B"
    assert len(logs) == 1
    assert "ZeroDivisionError" in logs[0]["error"]
    assert texts.render("email.subject", sample()) == "fine"


def test_the_same_notice_reads_the_same() -> None:
    texts = Texts.of({"email.text": "{{ alerts[0].starts_at|ago }} {{ now }}"})
    assert texts.render("email.text", sample()) == texts.render("email.text", sample())


@pytest.mark.parametrize("name", ["email.text", "email.html", "file.text", "apprise.text"])
def test_what_is_done_keeps_its_lines_and_a_question_has_a_link(name: str) -> None:
    asked = Remark(id="1", at=0.0, text="would sync <b>2</b> queues:\norders", loud=True, approval="q1")
    text = Texts.of().render(name, notice(remarked(alert(), asked)))
    lines = text.splitlines()
    first = next(number for number, line in enumerate(lines) if "would sync" in line)
    assert "orders" in lines[first + 1]
    assert "/actions/approvals/q1" in text
    if name == "email.html":
        assert "&lt;b&gt;" in text
        assert "WAITS FOR AN APPROVAL" in text
    without = Texts.of().render(name, notice(remarked(alert(), replace(asked, approval=""))))
    assert "would sync" in without
    assert "approvals" not in without
