"""Where the server listens, what it calls itself, and how much it says."""
import socket

import pytest

from lib.cases import table
from lib.packets import Prop
from lib.ports import free_port_block
from lib.server import Server
from lib.world import Net, Project


@pytest.fixture
def serve():
    """Starts a server with these options; stops it after the test."""
    made = []

    def serve(*options, yaml=None, env=None):
        server = Server(*options, env=env)
        made.append(server)
        if yaml is not None:
            config = server.root / "config.yaml"
            config.write_text(yaml)
            server.options += ["--config", str(config)]
        return server.start()

    yield serve
    try:
        for server in made:
            server.stop()
    finally:
        for server in made:
            server.remove()


@table("flag, environment, yaml, told", {
    "flag first": (11, 22, 33, 11), "then environment": (None, 22, 33, 22),
    "then yaml": (None, None, 33, 33), "then default": (None, None, None, 64)})
def test_precedence(serve, flag, environment, yaml, told):
    """Flags before environment before YAML: read from what CONNACK announces."""
    server = serve(*(("--receive-maximum", flag) if flag else ()),
                   env={"EZTCLOUD_RECEIVE_MAXIMUM": str(environment)} if environment else None,
                   yaml=f"receive_maximum: {yaml}\n" if yaml else "log_level: info\n")
    net = Net(server, Project.add(server))
    assert net.app().connack.props.get(Prop.RECEIVE_MAXIMUM) == told
    net.close()


def test_every_port_can_be_set(serve):
    """Each port by its own option; demo.json says which they are."""
    base = free_port_block()
    names = ["device-mqtt", "device-mqtts", "app-wss", "app-mqtts", "https"]
    options = [part for number, name in enumerate(names)
               for part in (f"--{name}-port", base + 5 - number)]
    server = serve(*options)
    for number, name in enumerate(names):
        assert server.port(name.replace("-", "_")) == base + 5 - number
    net = Net(server, Project.add(server))
    net.app().ping()
    net.app(transport="wss").ping()
    net.device().ping()
    net.device(transport="mqtts").ping()
    net.close()


def test_bind(serve):
    """`--bind`: on no other address."""
    server = serve("--bind", "127.0.0.1")
    socket.create_connection(("127.0.0.1", server.port("device_mqtt"))).close()
    for service in server.demo["endpoints"]:
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.2", server.port(service)))


def test_public_host(serve):
    """`--public-host`: in the endpoints, and the certificate is for it."""
    server = serve("--public-host", "iot.example")
    assert all("//iot.example:" in url for url in server.demo["endpoints"].values())
    net = Net(server, None)
    net.tls(server_name="iot.example")
    net.tls(server_name="localhost")
    net.close()


def test_log_level(serve):
    """`--log-level error`: a good day is silent; what is printed for a person stays."""
    server = serve("--log-level", "error")
    assert " INFO " not in server.log() and " WARN " not in server.log()
    assert server.demo["project_key"] in server.log()
