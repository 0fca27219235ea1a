"""What these tests start is ended with them."""
import pytest

from lib.clients import Lines, Paho


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
