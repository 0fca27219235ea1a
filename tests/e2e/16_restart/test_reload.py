"""SIGHUP: certificates are read again, and no connection is dropped."""
import signal
import ssl

import pytest

from lib.certificates import self_signed
from lib.server import wait_until
from lib.streams import TcpStream
from lib.world import Net, Project


def served(server, name="localhost", service="app_mqtts"):
    """The certificate that a client gets when it asks for `name`."""
    stream = TcpStream(server.port(service))
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    stream.socket = context.wrap_socket(stream.socket, server_hostname=name)
    certificate = stream.socket.getpeercert(True)
    stream.close()
    return certificate


@pytest.fixture
def talk(own):
    """Clients that were connected before, and the proof that they still are."""
    net = Net(own, Project.add(own))
    device = net.device(transport="mqtts", subscribe=["command_send"])
    apps = [net.app(version, transport) for version in (4, 5) for transport in ("tls", "wss")]
    for app in apps:
        app.subscribe(device.open("data/s"))

    def exchange():
        device.publish(device.own("data", "s"), b"still here")
        for app in apps:
            app.receive(payload=b"still here")
            app.ping()

    yield exchange
    net.close()


@pytest.mark.fast_tsan
def test_new_certificate(own, talk):
    """open-api 2: on every port; connections under the old one stay."""
    services = ("app_mqtts", "app_wss", "device_mqtts")
    before = served(own)
    self_signed("localhost", own.data / "tls/server.pem", own.data / "tls/server.key")
    own.signal(signal.SIGHUP)
    wait_until(lambda: served(own) != before, "the new certificate")
    assert len({served(own, service=service) for service in services}) == 1
    talk()


def test_broken_certificate(own, talk):
    """open-api 2: what cannot be read changes nothing, and the log says which file it is."""
    before = served(own)
    (own.data / "tls/server.pem").write_text("no certificate")
    own.signal(signal.SIGHUP)
    wait_until(lambda: "server.pem" in own.log(), "a log line that names the file")
    assert served(own) == before
    talk()


def test_several_by_name(own, talk):
    """open-api 2: several certificates are chosen by SNI."""
    sni = own.data / "tls" / "sni"
    sni.mkdir(exist_ok=True)
    own_certificate = served(own)
    for name in ("a.example", "b.example"):
        self_signed(name, sni / f"{name}.pem", sni / f"{name}.key")
    own.signal(signal.SIGHUP)
    wait_until(lambda: served(own, "a.example") != own_certificate, "the certificate by name")
    certificates = {served(own, name) for name in ("a.example", "b.example", "localhost")}
    assert len(certificates) == 3
    assert served(own, "unknown.example") == own_certificate
    talk()
