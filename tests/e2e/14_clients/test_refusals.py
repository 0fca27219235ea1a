"""What each client tells its user when the server refuses."""
import pytest

from lib.interop import APP_SERVICES, rows
from lib.packets import V5


@pytest.fixture
def options(server, project, drivers):
    def options(kind, version, transport, **more):
        return drivers.options(kind, version, transport, server.port(APP_SERVICES[transport]),
                               project.key, **{"password": project.secret, **more})
    return options


@rows()
def test_wrong_secret(drivers, options, kind, version, transport, qos):
    """open-api 3: the code of the refusal reaches the application."""
    app = drivers.client(kind)
    app.do("open", **options(kind, version, transport, password="wrong"))
    assert app.expect("refused") == kind.refused[version]


@rows(1, 2)
def test_refused_publish(net, drivers, options, kind, version, transport, qos):
    """open-api 3.3: it learns the code in v5, if it tells any; in 3.1.1 the connection goes on."""
    app, device = drivers.client(kind), net.device()
    app.open(**options(kind, version, transport))
    app.subscribe(device.open("data/s"), qos)
    code = app.publish(device.open("attributes"), b"{}", qos)
    if kind.tells_codes and version == V5:
        assert code == 0x87
    device.publish(device.own("data", "s"), b"goes on")
    assert app.receive() == (device.open("data/s"), b"goes on", qos)
