"""Debian's chromium, driven by playwright: pages that remember every fault, and what can be measured on them.

Playwright brings no browser along, and axe-core comes from npm into the checkout's cache (tests/browser/package.json).
"""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, Request, Response, sync_playwright

TOP = Path(__file__).resolve().parents[2]
EXECUTABLE = Path("/usr/bin/chromium")
FLAGS = (
    "--no-sandbox",  # it may run as root, and looks at nothing but our own pages
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
ZONE = "Asia/Kolkata"
"""Of every page: half an hour off, so that a time in UTC is no local time whatever the hour."""
PATIENCE_MS = 60_000.0
_PACKAGE = TOP / "tests/browser/package.json"
_LOCK = TOP / "tests/browser/package-lock.json"
_NPM_SECONDS = 180.0
_VIOLATIONS = """
addEventListener("securitypolicyviolation", (event) =>
  console.error(`policy violated: ${event.violatedDirective} ${event.blockedURI} ${event.sourceFile}`));
"""
_AXE = """async (tags) => {
  const found = await axe.run(document, { runOnly: { type: "tag", values: tags }, resultTypes: ["violations"] });
  return found.violations.map((each) =>
    `${each.id}: ` + each.nodes.slice(0, 3).map((node) => `${node.target} ${node.html.slice(0, 120)}`).join(" | "));
}"""

Scheme = Literal["light", "dark"]


def missing() -> str | None:
    """Why this machine cannot run tests in a browser, None when it can."""
    if not EXECUTABLE.exists():
        return "chromium is not installed: apt-get install chromium"
    if shutil.which("npm") is None:
        return "npm is not installed: apt-get install npm"
    return None


def axe(cache: Path = TOP / ".cache/npm") -> str:
    """The script of axe-core, installed into the cache where that has not the locked version yet."""
    wanted = json.loads(_PACKAGE.read_text())["devDependencies"]["axe-core"]
    installed = cache / "node_modules/axe-core/package.json"
    if not installed.exists() or json.loads(installed.read_text())["version"] != wanted:
        cache.mkdir(parents=True, exist_ok=True)
        for path in (_PACKAGE, _LOCK):
            shutil.copy(path, cache)
        command = ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"]
        done = subprocess.run(command, cwd=cache, capture_output=True, text=True, timeout=_NPM_SECONDS, check=False)
        assert done.returncode == 0, f"npm could not install axe-core, is the network up?\n{done.stderr[-2000:]}"
    return installed.with_name("axe.min.js").read_text(encoding="utf-8")


@contextmanager
def chromium(folder: Path) -> Iterator[Browser]:
    """A browser with a profile of its own, that is new. folder: for what it stores."""
    folder.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=EXECUTABLE, args=list(FLAGS), timeout=PATIENCE_MS, downloads_path=folder
        )
        try:
            yield browser
        finally:
            browser.close()


class Look:
    """One page, as one person sees it. faults: errors of scripts, of loading and of the policy, in order. deaf: the
    agent is gone on purpose, so what cannot be loaded is no fault."""

    def __init__(self, page: Page, axe_script: Callable[[], str]) -> None:
        self.page = page
        self.faults: list[str] = []
        self.deaf = False
        self._axe_script = axe_script
        page.on("console", self._said)
        page.on("pageerror", lambda error: self.faults.append(f"script: {error}"))
        page.on("requestfailed", self._failed)
        page.on("response", self._answered)

    def go(self, url: str) -> None:
        """Open it, and wait until its script has asked for the first time."""
        self.page.goto(url, wait_until="networkidle")

    def evaluate(self, script: str, *arguments: Any) -> Any:
        """What the script says."""
        return self.page.evaluate(script, *arguments)

    def until(self, script: str, within: float, what: str) -> None:
        """Wait until the script says something true."""
        try:
            self.page.wait_for_function(script, timeout=within * 1000, polling=100)
        except Exception as error:
            text = self.page.inner_text("body")[:600]
            raise AssertionError(f"not within {within:.0f} s: {what}; the page says: {text}") from error

    def against_accessibility(self, tags: Sequence[str] = ("wcag2a", "wcag2aa")) -> list[str]:
        """What axe-core finds wrong."""
        if not self.evaluate("() => typeof axe === 'object'"):
            self.evaluate(self._axe_script())
        found: list[str] = self.evaluate(_AXE, list(tags))
        return found

    def sideways(self) -> list[str]:
        """What makes the page wider than its window."""
        found: list[str] = self.evaluate(
            """() => {
              const room = document.documentElement.clientWidth;
              if (document.documentElement.scrollWidth <= room) return [];
              return [...document.body.querySelectorAll("*")]
                .filter((each) => each.getBoundingClientRect().right > room + 1)
                .map((each) => `${each.tagName}.${each.className} ${each.textContent.slice(0, 40)}`).slice(0, 5)
                .concat([`${document.documentElement.scrollWidth} wide in ${room}`]);
            }"""
        )
        return found

    def _said(self, message: ConsoleMessage) -> None:
        if message.type == "error" and not self.deaf:
            self.faults.append(f"console: {message.text}")

    def _failed(self, request: Request) -> None:
        # a page gives a question up that an agent on a busy machine answers too late, and asks again
        if not self.deaf and request.failure != "net::ERR_ABORTED":
            self.faults.append(f"not loaded: {request.url}: {request.failure}")

    def _answered(self, response: Response) -> None:
        if response.status >= 400:
            self.faults.append(f"{response.status}: {response.url}")


class Looking:
    """Opens pages, each with no memory of the others."""

    def __init__(self, browser: Browser, axe_script: Callable[[], str] = axe) -> None:
        self._browser = browser
        self._axe_script = axe_script
        self._open: list[Callable[[], None]] = []

    def __call__(self, url: str, width: int = 1920, height: int = 1080, scheme: Scheme = "light", **more: Any) -> Look:
        """The page at this address. more: options of playwright's new_context, such as http_credentials."""
        options: dict[str, Any] = {"timezone_id": ZONE, "locale": "en-GB", "reduced_motion": "reduce", **more}
        context = self._browser.new_context(viewport={"width": width, "height": height}, color_scheme=scheme, **options)
        self._open.append(context.close)
        context.set_default_timeout(PATIENCE_MS)
        context.add_init_script(_VIOLATIONS)
        look = Look(context.new_page(), self._axe_script)
        look.go(url)
        return look

    def close(self) -> None:
        """Close all."""
        while self._open:
            self._open.pop()()


@contextmanager
def browsing(folder: Path) -> Iterator[Browser]:
    """As `chromium`; skips the test where this machine cannot."""
    reason = missing()
    if reason:
        pytest.skip(reason)
    with chromium(folder) as browser:
        yield browser
