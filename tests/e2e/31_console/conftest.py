"""A browser for each module, an administrator, and pages that must be clean when a test ends."""
import shutil

import pytest

from lib.clients import JS
from lib.console import LANGUAGES, Browser
from lib.http import Api


def pytest_collection_modifyitems(items):
    for item in items:
        if not shutil.which("chromium-headless-shell") or not (JS / "node_modules").exists():
            item.add_marker(pytest.mark.skip(reason="no Chromium, or npm ci in tests/e2e/js"))


@pytest.fixture(scope="module")
def browser(server):
    running = Browser(server.demo["endpoints"]["https"])
    yield running
    running.close()


@pytest.fixture(scope="module")
def admin(server):
    """The API as its first operator, whom it makes."""
    api = Api(server).set_up()
    yield api
    api.close()


@pytest.fixture(params=LANGUAGES)
def language(request):
    return request.param


@pytest.fixture
def page(browser, admin):
    """A page of the administrator, in English."""
    fresh = browser.page()
    fresh.be(admin)
    yield fresh
    fresh.assert_clean()
