"""The application API of a project that is switched off."""
import sqlite3

import pytest

from lib.cases import versions
from lib.client import refusal
from lib.server import Server
from lib.world import Net, Project


@pytest.fixture(scope="module", params=["open_mqtt", "enabled"])
def switched_off(request):
    """A running server with a project whose switch was put to 0 while it stood still."""
    made = Server()
    try:
        project = Project.add(made)
        login = project.device()
        database, = (path for path in made.data.rglob("*") if path.suffix in (".db", ".sqlite"))
        with sqlite3.connect(database) as registry:
            registry.execute(f"UPDATE project SET {request.param} = 0 WHERE name = 'e2e'")
        yield Net(made.start(), project), project, login, request.param
        made.stop()
    finally:
        made.remove()


@versions
def test_application_is_not_authorized(switched_off, version):
    """open-api 2 and 3: `open_mqtt` off or the project disabled: 5 / 0x87; a wrong secret is still
    4 / 0x86."""
    net, project, _, _ = switched_off
    net.raw("app", version).connect(None, project.key, project.secret,
                                    code=refusal(version, 0x87, 5))
    net.raw("app", version).connect(None, project.key, "wrong", code=refusal(version, 0x86, 4))


def test_devices_need_only_the_project(switched_off):
    """open-api 2: the switch concerns the application API alone."""
    net, _, login, switch = switched_off
    if switch == "open_mqtt":
        net.device(login).ping()
