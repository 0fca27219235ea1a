"""What these tests start is ended with them."""
import pytest

from lib.interop import APP_SERVICES, LONG_S, Drivers, told
from lib.relay import Relay


@pytest.fixture(scope="module")
def module_drivers(server, tmp_path_factory):
    """The programs of the other clients, one of each for a module."""
    drivers = Drivers(server, tmp_path_factory.mktemp("clients"))
    yield drivers
    drivers.close()


@pytest.fixture
def relay(server):
    """Makes relays to a service of the server."""
    made = []

    def relay(service):
        made.append(Relay(server.port(service)))
        return made[-1]

    yield relay
    for each in made:
        each.close()


@pytest.fixture
def drivers(module_drivers, relay):
    """Depends on `relay`, so that no client is left without the relay that it goes through."""
    yield module_drivers
    module_drivers.end_clients()


@pytest.fixture
def kept(project, drivers, relay):
    """Connects a client through a relay, with a session that is kept; gives both and how to come
    back as another program."""
    def kept(kind, version, transport, **more):
        cable = relay(APP_SERVICES[transport])
        options = drivers.options(kind, version, transport, cable.port, project.key,
                                  project.secret, clean=False, expiry=LONG_S)
        app = drivers.client(kind)
        assert app.open(**options, **more) is told(kind, False)
        return app, cable, options
    return kept
