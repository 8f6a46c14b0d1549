"""A real browser on the live site: the test's database, its standing clock and the simulator in this process."""

import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from playwright.sync_api import Browser, Page, sync_playwright
from pytest_django.live_server_helper import LiveServer

from instainstru.accounts.models import User
from tests.stage import Stage

CHROMIUM = Path(os.environ.get("CHROMIUM", "/usr/bin/chromium"))
CHECKS = (Path(__file__).parent / "checks.js").read_text()
PATIENCE = 10_000  # milliseconds; a page takes a tenth of a second

DESKTOP = {"width": 1280, "height": 900}
PHONE = {"width": 390, "height": 844}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    if CHROMIUM.exists():
        return
    no_browser = pytest.mark.skip(reason=f"There is no Chromium at {CHROMIUM}: apt-get install chromium.")
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(no_browser)


@pytest.fixture(scope="package")  # not beside the hundreds of tests that follow
def chromium() -> Iterator[Browser]:
    # Playwright's synchronous calls run a loop in this thread, and Django would take every query for one inside it.
    with pytest.MonkeyPatch.context() as patch, sync_playwright() as playwright:
        patch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "1")
        sandboxed = hasattr(os, "geteuid") and os.geteuid() != 0  # Chromium's sandbox refuses root
        browser = playwright.chromium.launch(executable_path=CHROMIUM, chromium_sandbox=sandboxed)
        yield browser
        browser.close()


@pytest.fixture
def site(live_server: LiveServer, stage: Stage, settings: Any) -> str:
    """The address of the live site. The stage is set, and the bank's and Stripe's pages lead back here."""
    settings.SITE_URL = live_server.url
    policy = settings.CONTENT_SECURITY_POLICY
    form_action = [*policy["DIRECTIVES"]["form-action"], stage.simulator.url]
    settings.CONTENT_SECURITY_POLICY = {"DIRECTIVES": {**policy["DIRECTIVES"], "form-action": form_action}}
    return live_server.url


class Tab:
    """One user's window on the site. Every page that it comes to is checked, and nothing may go wrong on the way."""

    def __init__(self, page: Page, site: str) -> None:
        self.page = page
        self.site = site
        self.faults: list[str] = []
        page.set_default_timeout(PATIENCE)
        page.on("pageerror", lambda error: self.faults.append(f"{page.url}: {error}"))
        page.on("console", self._listen)

    def go(self, path: str) -> None:
        self.page.goto(self.site + path)

    def press(self, name: str | re.Pattern[str]) -> None:
        """Press the button or follow the link of that name, and wait for the page that it leads to."""
        ours = self.page.url.startswith(self.site)
        content = self.page.locator("main" if ours else "body")
        either = content.get_by_role("button", name=name).or_(content.get_by_role("link", name=name))
        with self.page.expect_navigation():
            either.first.click()

    def says(self, *texts: str) -> None:
        """Assert that the page shows these texts."""
        shown = " ".join(self.page.locator("main").inner_text().split())
        for text in texts:
            assert text in shown, f"{self.page.url} does not say “{text}”:\n{shown}"

    @property
    def heading(self) -> str:
        return self.page.get_by_role("heading", level=1).inner_text()

    def check(self) -> None:
        """Note where the page can't be used by everybody, as far as a script can tell."""
        self.faults += [f"{self.page.url}: {fault}" for fault in self.page.evaluate(CHECKS)]

    def _listen(self, message: object) -> None:
        # A refused request is logged by the browser as well; what was asked for then is the test's own matter.
        if message.type == "error" and "Failed to load resource" not in message.text:  # type: ignore[attr-defined]
            self.faults.append(f"{self.page.url}: {message.text}")  # type: ignore[attr-defined]


Opens = Callable[..., Tab]


@pytest.fixture
def opens(chromium: Browser, site: str) -> Iterator[Opens]:
    """Open a window for a user who is logged in, or for nobody."""
    tabs: list[Tab] = []

    def open_tab(user: User | None = None, *, viewport: dict[str, int] = DESKTOP, dark: bool = False) -> Tab:
        window = chromium.new_context(
            viewport=viewport, color_scheme="dark" if dark else "light", reduced_motion="reduce"
        )
        if user is not None:
            client = Client()
            client.force_login(user)
            window.add_cookies([{"name": "sessionid", "value": client.cookies["sessionid"].value, "url": site}])
        tabs.append(Tab(window.new_page(), site))
        return tabs[-1]

    yield open_tab
    for tab in tabs:
        tab.page.context.close()
    faults = [fault for tab in tabs for fault in tab.faults]
    assert not faults, "\n".join(faults)
