import pytest

from lib.server import Server


@pytest.fixture
def own():
    """A server of the test's own, which it may stop and start."""
    made = Server()
    try:
        yield made.start()
        made.stop()
    finally:
        made.remove()
