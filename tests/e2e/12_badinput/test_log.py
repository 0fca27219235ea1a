"""Bad input is logged, with a limit, and never with a secret or a payload."""
import pytest

from lib import packets, ws
from lib.server import wait_until


def said(server, before, what):
    wait_until(lambda: len(server.log()) > before, f"a log line about {what}")


@pytest.mark.parametrize("what", ["wrong secret", "garbage", "malformed", "plain", "text frame"])
def test_is_logged(net, server, what):
    """Bad input: each is logged."""
    before = len(server.log())
    if what == "wrong secret":
        net.raw("tls").connect(None, net.project.key, "wrong-secret-of-a-test", code=0x86)
    elif what == "garbage":
        net.tcp().send(b"\xff" * 64)
    elif what == "malformed":
        net.device().send(packets.packet(0xC1))
    elif what == "plain":
        net.tcp("app_mqtts").send(packets.connect(5, "x", "y", "z"))
    else:
        net.wss().open().below.send(ws.frame(ws.TEXT, b"hello"))
    said(server, before, what)


def test_is_limited_in_rate(net, server):
    """Bad input: what a peer can cause a hundred times is not logged a hundred times."""
    before = server.log().count("\n")
    for _ in range(100):
        net.tcp().send(b"\xff" * 64)
    net.device().ping()
    assert server.log().count("\n") - before < 100


def test_no_secrets(net, server, project):
    """Neither secrets nor payloads get into the log."""
    net.raw("tls").connect(None, project.key, "wrong-secret-of-a-test", code=0x86)
    device = net.device()
    device.send(packets.publish(5, device.own("attributes"), b"payload-of-a-test", qos=1, pid=1))
    device.expect(packets.Ack)
    device.expect_closed(0x99, why="the payload is not a JSON object")
    log = server.log()
    for secret in (project.secret, project.token, device.login.password,
                   "wrong-secret-of-a-test", "payload-of-a-test"):
        assert secret not in log
