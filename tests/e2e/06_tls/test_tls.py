"""TLS: versions, certificates, and clients that do not speak it."""
import socket
import ssl
import stat

import pytest

from lib import packets
from lib.cases import V4, V5, table, versions
from lib.server import wait_until
from lib.streams import TlsStream

SERVICES = ["app_mqtts", "app_wss", "device_mqtts"]
TLS_SERVICES = pytest.mark.parametrize("service", SERVICES)


@TLS_SERVICES
@table("version, name", {"1.2": (ssl.TLSVersion.TLSv1_2, "TLSv1.2"),
                         "1.3": (ssl.TLSVersion.TLSv1_3, "TLSv1.3")})
def test_versions(net, service, version, name):
    """open-api 2: TLS 1.2 and 1.3, verified against the CA of the first start."""
    assert net.tls(service, version=version).socket.version() == name


@TLS_SERVICES
def test_older_versions_are_refused(net, service):
    """open-api 2: nothing below TLS 1.2."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.minimum_version = ssl.TLSVersion.MINIMUM_SUPPORTED
    context.maximum_version = ssl.TLSVersion.TLSv1_1
    context.set_ciphers("ALL:@SECLEVEL=0")
    with pytest.raises((ssl.SSLError, ConnectionError)):
        context.wrap_socket(net.tcp(service).socket)


@TLS_SERVICES
def test_certificate_is_for_the_public_host(net, server, service):
    """open-api 2: a client can verify from the first minute: chain and host name."""
    names = [name for _, name in net.tls(service).socket.getpeercert()["subjectAltName"]]
    assert "localhost" in names
    with pytest.raises(ssl.SSLCertVerificationError):
        TlsStream(server.port(service), server.ca, server_name="elsewhere.example")


def test_unknown_authority_is_noticed(net, server):
    """open-api 2: the CA is the server's own; the system's authorities do not vouch for it."""
    with pytest.raises(ssl.SSLCertVerificationError):
        TlsStream(server.port("app_mqtts"), None)


def test_files(server):
    """open-api 2: `<data>/tls/ca.pem`; no private key is readable for others."""
    assert server.ca == str(server.data / "tls" / "ca.pem")
    keys = [path for path in (server.data / "tls").iterdir()
            if "PRIVATE KEY" in path.read_text(errors="replace")]
    assert keys
    assert {stat.S_IMODE(path.stat().st_mode) for path in keys} == {0o600}


@TLS_SERVICES
@versions
def test_plain_mqtt_is_closed(net, server, service, version):
    """open-api 2, bad input: plain MQTT on a TLS port gets nothing but a closed connection, and a
    log line says why."""
    before = len(server.log())
    client = net.client(net.tcp(service), version)
    client.send(packets.connect(version, "id", net.project.key, net.project.secret))
    answer = b""
    while data := client.stream.read():
        answer += data
    assert answer[:1] in (b"", b"\x15"), "neither an answer in plain text nor a TLS alert"
    wait_until(lambda: "TLS" in server.log()[before:] or "tls" in server.log()[before:],
               "a log line about TLS")


@TLS_SERVICES
def test_plain_http_is_closed(net, service):
    """open-api 2: so is plain HTTP."""
    stream = net.tcp(service)
    stream.send(b"GET /mqtt HTTP/1.1\r\nHost: localhost\r\n\r\n")
    answer = stream.read()
    assert answer[:1] in (b"", b"\x15")


def test_tls_on_the_plain_port(net):
    """Bad input: a TLS hello is no MQTT."""
    with pytest.raises((ssl.SSLError, ConnectionError)):
        net.tls("device_mqtt")


@TLS_SERVICES
@pytest.mark.parametrize("end", ["shutdown", "abort"])
def test_hello_cut_off(net, service, end):
    """Bad input: a TLS client hello cut off; the next client is served."""
    stream = net.tcp(service)
    stream.send(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(20))
    if end == "shutdown":
        stream.socket.shutdown(socket.SHUT_WR)
        assert stream.read()[:1] in (b"", b"\x15")
    else:
        stream.abort()
    net.tls(service)


@TLS_SERVICES
def test_hello_byte_by_byte(net, service):
    """Bad input: a handshake in single bytes is a handshake."""
    stream = net.tcp(service)
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    context = ssl.create_default_context(cafile=net.server.ca)
    tls = context.wrap_bio(incoming, outgoing, server_hostname="localhost")
    while True:
        try:
            tls.do_handshake()
            break
        except ssl.SSLWantReadError:
            for byte in outgoing.read():
                stream.send(bytes([byte]))
            incoming.write(stream.read())
    assert tls.version()


@TLS_SERVICES
@pytest.mark.parametrize("record", [b"\x16\x03\x01\x00\x04junk", b"\x17\x03\x03\x00\x04junk",
                                    b"\x16\x03\x01\xff\xff" + bytes(100), b"\x80\x2e\x01\x00\x02"],
                         ids=["handshake", "data", "too long", "sslv2"])
def test_garbage_records(net, service, record):
    """Bad input: records that are none."""
    stream = net.tcp(service)
    stream.send(record)
    stream.socket.shutdown(socket.SHUT_WR)
    assert stream.read()[:1] in (b"", b"\x15")
    net.tls(service)


@versions
def test_packets_over_many_records(net, version):
    """[MQTT-4.2.0-1]: a packet in single-byte records, and several packets in one record."""
    app = net.app(version)
    device = net.project.device()
    for byte in packets.subscribe(version, 5, [(device.open("#"), 0)]):
        app.send(bytes([byte]))
    app.expect(packets.Suback, pid=5)
    app.send(packets.PINGREQ * 50)
    for _ in range(50):
        app.expect(packets.Pingresp)


@pytest.mark.fast_tsan
@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_bytes_behind_the_handshake(net, version):
    """open-api 2, X-3.1.4-pipeline: what follows the handshake at once is not lost when the
    connection moves to its home, and each side may go on writing."""
    for number in range(8):
        stream = net.tls("app_mqtts", version=version)
        app = net.client(stream, V4)
        app.send(packets.connect(V4, f"move{number}", net.project.key, net.project.secret),
                 packets.PINGREQ * 3)
        assert app.recv().code == 0
        for _ in range(3):
            app.expect(packets.Pingresp)
        app.ping()


def test_session_resumption(net, server):
    """open-api 2: a TLS session ticket, used on a later connection, gives a working one."""
    context = ssl.create_default_context(cafile=server.ca)
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    session = None
    for _ in range(2):
        stream = net.tcp("app_mqtts")
        stream.socket = context.wrap_socket(stream.socket, server_hostname="localhost",
                                            session=session)
        net.client(stream, V5).connect(None, net.project.key, net.project.secret).ping()
        session = stream.socket.session
    assert session is not None
