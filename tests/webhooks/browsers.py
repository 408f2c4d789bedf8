"""Chromium for the tests: one way to start it, and browsers that go from test to test.

Rule: a browser is lent as new. Whoever had it before leaves no login, no draft, no choice and no page behind; only the
second it takes to start one is saved.

- `MARKS`: of whatever drives a browser.
- `chromium()`: a browser of one's own. `Browsers.lend(origin)`: one that is free, or a new one.
"""

import shutil
import tempfile
from contextlib import ExitStack, contextmanager

import pytest
from selenium import webdriver

from tests.programs import needs

CHROMIUM, DRIVER = shutil.which("chromium"), shutil.which("chromedriver")
WIDE, NARROW = (1440, 1160), (320, 900)
"""What people look at, in CSS pixels: a screen, and what is left of one at 400 % (WCAG 1.4.10)."""

MARKS = (pytest.mark.browser, needs("chromium", "chromedriver"))


@contextmanager
def chromium():
    """A browser with a profile of its own."""
    options = webdriver.ChromeOptions()
    options.binary_location = CHROMIUM
    with tempfile.TemporaryDirectory(prefix="touchtone-chromium-", ignore_cleanup_errors=True) as profile:
        for flag in (
            "--headless=new",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-quic",
            "--no-first-run",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
            "--disable-dev-shm-usage",
            "--force-device-scale-factor=1",
            f"--window-size={WIDE[0]},{WIDE[1]}",
            f"--user-data-dir={profile}",
        ):
            options.add_argument(flag)
        options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
        driver = webdriver.Chrome(options=options, service=webdriver.ChromeService(DRIVER))
        try:
            yield driver
        finally:
            driver.quit()


class Browsers:
    """Those that were started so far; all are stopped with this."""

    def __init__(self):
        self._free, self._started = [], ExitStack()

    def close(self):
        self._started.close()

    @contextmanager
    def lend(self, origin):
        """One for the block, as new for the pages of this origin."""
        driver = self._free.pop() if self._free else self._started.enter_context(chromium())
        yield driver
        leave(driver, origin)
        self._free.append(driver)  # not where leaving failed: that one is stopped at the end


def leave(driver, origin):
    """Close the page, and forget all that it and its cookies knew. What was set for a page is gone with its tab."""
    before = driver.window_handles
    driver.switch_to.new_window("tab")
    fresh = driver.current_window_handle
    for page in before:
        driver.switch_to.window(page)
        driver.close()
    driver.switch_to.window(fresh)
    driver.execute_cdp_cmd("Network.clearBrowserCookies", {})
    driver.execute_cdp_cmd("Storage.clearDataForOrigin", {"origin": origin, "storageTypes": "all"})
    driver.execute_cdp_cmd("Browser.resetPermissions", {})
    driver.set_window_size(*WIDE)
    driver.get_log("browser")
