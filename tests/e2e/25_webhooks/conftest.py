"""Notifiers of a project of its own for each test, and devices that alert."""
import pytest

from lib.alarms import Rules
from lib.http import Api
from lib.receiver import Receiver
from lib.world import Project


class Notifiers:
    """The notifiers of a project, by the command line; how they do, by the API."""

    def __init__(self, server, admin, project):
        self.server, self.admin, self.project = server, admin, project

    def add(self, url, *args, name="hook"):
        """Gives the secret."""
        return self.cli("add", name, "--url", url, *args)["secret"]

    def cli(self, verb, *args):
        return self.server.cli("notifier", verb, *args, "--project", self.project.key)

    def test(self, name="hook"):
        return self.server.cli_run("notifier", "test", name, "--project", self.project.key)

    def status(self, name="hook"):
        return self.admin.get("/api/v1/projects/{project_key}/notifiers/{name}/status",
                              project_key=self.project.key, name=name).json


@pytest.fixture
def admin(server):
    api = Api(server).set_up()
    yield api
    api.close()


@pytest.fixture
def project(server):
    return Project.add(server)


@pytest.fixture
def notifiers(server, admin, project):
    return Notifiers(server, admin, project)


@pytest.fixture
def rules(server, project, tmp_path):
    return Rules(server, project, tmp_path)


@pytest.fixture
def receiver():
    with Receiver() as receiver:
        yield receiver
