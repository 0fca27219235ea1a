"""What these tests start is ended with them."""
import pytest

from lib.clients import Paho


@pytest.fixture
def connect():
    """Connects a paho client; disconnects it after the test."""
    made = []

    def connect(version, port, username, password, ca=None, **more):
        client = Paho(version, **more)
        made.append(client)
        assert client.open(port, username, password, ca) == 0
        return client

    yield connect
    for client in made:
        client.close()
