"""The pages of the runbooks, as a browser without scripts reads them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urljoin

import pytest
from tests.unit.web.serving import FakeView, ask, serving

from rabbitwatch import assets
from rabbitwatch.web.app import application
from rabbitwatch.web.runbooks import RunbookPages
from rabbitwatch.web.server import HttpServer

NAMES = sorted(path.stem for path in assets.shipped("runbooks").glob("*.md"))
LINK = re.compile(r'<a [^>]*href="([^"#]*)')


@pytest.fixture
def server() -> Iterator[HttpServer]:
    view = FakeView()
    with serving(application(view, view.reload, RunbookPages().routes())) as running:
        yield running


def test_every_page_leads_to_the_list_and_the_list_to_each(server: HttpServer) -> None:
    assert 'href="../runbooks"' in ask(server, f"/runbooks/{NAMES[0]}").body.decode()
    found = LINK.findall(ask(server, "/runbooks").body.decode())
    assert [link.removeprefix("runbooks/") for link in found if link.startswith("runbooks/")] == NAMES


def test_every_link_of_every_page_leads_somewhere(server: HttpServer) -> None:
    followed = set()
    for name in NAMES:
        got = ask(server, f"/runbooks/{name}")
        assert got.status == 200
        assert f"<h1>{name}</h1>" in got.body.decode()
        followed |= {urljoin(f"/runbooks/{name}", link) for link in LINK.findall(got.body.decode())}
    assert "/runbooks/RabbitMQPartitionReported.md" in followed
    header = {f"/{page}" for page in ("", "wall", "silences", "actions", "metrics")}  # see status/test_wired.py
    local = {link for link in followed if "://" not in link and link} - header
    assert {link: ask(server, link).status for link in local} == dict.fromkeys(local, 200)


def test_a_page_is_plain_html_without_scripts(server: HttpServer) -> None:
    got = ask(server, "/runbooks/RabbitMQClusterSplit.md")
    text = got.body.decode()
    assert "<title>RabbitMQClusterSplit · rabbitwatch</title>" in text
    assert "<h2>What to do</h2>" in text
    assert "<pre><code>rabbitwatch query 'rabbitwatch_view_running == 0'" in text
    assert "<script" not in text
    assert "style=" not in text
    assert got.headers["content-security-policy"].startswith("default-src 'self'")
    (sheet,) = re.findall(r'rel="stylesheet" href="([^"]+)"', text)
    assert ask(server, urljoin("/runbooks/x", sheet)).status == 200


@pytest.mark.parametrize(
    "path",
    [
        "Unknown",
        "..%2fhttp",
        "..%2F..%2Fpyproject.toml",
        "..%2f..%2fREADME.md",
        "%2fetc%2fpasswd",
        "..",
        ".md",
        "RabbitMQClusterSplit%00",
        "RabbitMQClusterSplit.md.md",
    ],
)
def test_what_is_no_runbook_is_not_found(server: HttpServer, path: str) -> None:
    got = ask(server, f"/runbooks/{path}")
    assert got.status == 404
    assert b"[project]" not in got.body


def test_a_name_that_nobody_knows_gets_a_page_that_shows_it_harmlessly(server: HttpServer) -> None:
    text = ask(server, "/runbooks/%3Cscript%3Ealert(1)").body.decode()
    assert "&lt;script&gt;alert(1)" in text
    assert 'href="../runbooks"' in text


def test_markdown_is_rendered_once_and_its_html_is_text(tmp_path: Path) -> None:
    file = tmp_path / "A.md"
    file.write_text("# A\n\n<script>x</script> [go](javascript:x)\n\n| a | b |\n|---|---|\n| 1 | 2 |\n")
    view = FakeView()
    with serving(application(view, view.reload, RunbookPages(tmp_path).routes())) as running:
        first = ask(running, "/runbooks/A").body
        file.unlink()
        assert ask(running, "/runbooks/A").body == first
    assert b"&lt;script&gt;x&lt;/script&gt; [go](javascript:x)" in first
    assert b"<td>1</td>" in first
