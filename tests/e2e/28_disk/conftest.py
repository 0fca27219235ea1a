import pytest

from lib.disk import Disk
from lib.server import Server


@pytest.fixture
def disk():
    made = Disk()
    yield made
    made.remove()


@pytest.fixture
def own(disk):
    """A server of the test's own, on a disk that fails when it is told to."""
    made = Server("--journal-waiting-size", 1, env=disk.env)
    try:
        yield made.start()
        disk.heal()
        made.stop()
    finally:
        made.remove()
