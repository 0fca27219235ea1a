"""After each test of a hostile peer, clients that were connected all along must not have noticed."""
import pytest

from lib.bystanders import Bystanders
from lib.world import Project


@pytest.fixture(scope="module")
def bystanders(server):
    """Connected before all tests of the module."""
    found = Bystanders(server, Project.add(server))
    yield found
    found.close()


@pytest.fixture(autouse=True)
def nobody_else_notices(bystanders):
    yield
    bystanders.exchange()


@pytest.fixture
def counted(server):
    """Gives by how much a counter has grown since the test began."""
    before = server.counters()
    return lambda name: server.counters()[name] - before[name]
