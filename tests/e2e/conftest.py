"""Fixtures: a server for each test module, a project in it, connections for each test."""
import pytest

from lib.server import BINARY, Server
from lib.world import Net, Project


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config, log):
    """A module's tests share a server, so they stay on one worker."""
    from xdist.scheduler import LoadFileScheduling
    return LoadFileScheduling(config, log)


def pytest_sessionstart():
    if not BINARY.exists():
        pytest.exit(f"{BINARY} is missing: build it, or name another with EZTCLOUD_BIN", 2)


@pytest.fixture(scope="module")
def server(request):
    """A running server; `SERVER_OPTIONS` of the module goes to its command line."""
    running = Server(*getattr(request.module, "SERVER_OPTIONS", ()))
    try:
        yield running.start()
        running.stop()
    finally:
        running.remove()


@pytest.fixture(scope="module")
def project(server):
    return Project.add(server)


@pytest.fixture
def net(server, project):
    connections = Net(server, project)
    yield connections
    connections.close()


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item):
    """A failed test shows the last lines of its server's log."""
    report = (yield).get_result()
    running = getattr(item, "funcargs", {}).get("server")
    if report.failed and running is not None:
        report.sections.append(("server log", running.log()[-6000:]))
