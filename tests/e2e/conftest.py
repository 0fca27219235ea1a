"""Fixtures: a server for each test module, a project in it, connections for each test."""
import pytest

from lib.clients import Lines
from lib.server import BINARY, Server
from lib.world import ROUTES, Net, Project

# What MQTT promises holds over every transport: the tests of these directories run on each route.
ROUTED = ("01_connect", "02_publish", "03_subscribe", "04_qos", "05_session", "08_device",
          "09_downlink", "11_will", "15_shared", "22_sub_devices")


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config, log):
    """A module's tests share a server, so they stay on one worker."""
    from xdist.scheduler import LoadFileScheduling
    return LoadFileScheduling(config, log)


def pytest_collection_modifyitems(items):
    """The console's tests are spread over the run: side by side they wait for each other's
    browsers, and while a page waits other tests have the machine."""
    files = {}
    for item in items:
        files.setdefault(item.path, []).append(item)
    pages = [path for path in files if path.parent.name == "31_console"]
    order = [path for path in files if path not in pages]
    others = len(order)
    for number, path in enumerate(pages, 1):
        order.insert(others * (len(pages) - number) // len(pages), path)
    items[:] = [item for path in order for item in files[path]]


def pytest_sessionstart():
    if not BINARY.exists():
        pytest.exit(f"{BINARY} is missing: build it, or name another with EZTCLOUD_BIN", 2)


def pytest_generate_tests(metafunc):
    """A test that names its transport itself (`transport`) stays on that one."""
    names = metafunc.fixturenames
    if "net" in names and "transport" not in names and \
            metafunc.definition.path.parent.name in ROUTED:
        metafunc.parametrize("route", ROUTES, indirect=True)


@pytest.fixture
def route(request):
    """The name of a row of ROUTES."""
    return getattr(request, "param", "tcp")


@pytest.fixture(scope="module")
def server(request):
    """A running server; `SERVER_OPTIONS` of the module goes to its command line."""
    running = Server(*getattr(request.module, "SERVER_OPTIONS", ()))
    try:
        yield running.start()
        running.stop()
    finally:
        running.remove()


@pytest.fixture
def own():
    """A server of the test's own, which it may stop and start."""
    made = Server()
    try:
        yield made.start()
        made.stop()
    finally:
        made.remove()


@pytest.fixture(scope="module")
def projects(server):
    """The module's project of each route, so that its tests share no client identifiers."""
    return {}


@pytest.fixture
def project(server, projects, route):
    if route not in projects:
        projects[route] = Project.add(server)
    return projects[route]


@pytest.fixture
def net(server, project, route):
    connections = Net(server, project, route)
    yield connections
    connections.close()


@pytest.fixture
def start():
    """Starts a program whose lines are read; ends it after the test."""
    made = []

    def start(*command):
        made.append(Lines(*command))
        return made[-1]

    yield start
    for program in made:
        program.close()


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item):
    """A failed test shows the last lines of its server's log."""
    report = (yield).get_result()
    running = getattr(item, "funcargs", {}).get("server")
    if report.failed and running is not None:
        report.sections.append(("server log", running.log()[-6000:]))
