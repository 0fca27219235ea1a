"""Refused logins: which code, and that nothing behind them counts."""
import pytest

from lib import packets
from lib.cases import table, versions
from lib.client import refusal
from lib.packets import V5, Prop

WRONG = "x" * 40

# What is presented, from the good credentials of a project and of a device.
APP_CASES = {
    "wrong secret": lambda p, d: (p.key, WRONG),
    "empty secret": lambda p, d: (p.key, ""),
    "secret cut short": lambda p, d: (p.key, p.secret[:-1]),
    "secret and more": lambda p, d: (p.key, p.secret + "x"),
    "unknown key": lambda p, d: ("PR_0000000000", p.secret),
    "no key at all": lambda p, d: ("", p.secret),
    "not a key": lambda p, d: ("' OR 1=1 --", p.secret),
    "key in lower case": lambda p, d: (p.key.lower(), p.secret),
    "the project's token": lambda p, d: (p.key, p.token),
    "a device's credentials": lambda p, d: (d.username, d.password),
}
DEVICE_CASES = {
    "wrong password": lambda p, d: (d.username, WRONG),
    "empty password": lambda p, d: (d.username, ""),
    "unknown device": lambda p, d: ("DU_0000000000", d.password),
    "no name": lambda p, d: ("", d.password),
    "the project's credentials": lambda p, d: (p.key, p.secret),
}
CASES = {
    **{f"app: {name}": ("tls", make) for name, make in APP_CASES.items()},
    **{f"device: {name}": ("tcp", make) for name, make in DEVICE_CASES.items()},
}


@versions
@table("transport, credentials", CASES)
def test_wrong_credentials(net, project, version, transport, credentials):
    """open-api 2 and 3, [MQTT-3.1.4-2], [MQTT-3.2.2-6], -7, -8, 3.1.1 [MQTT-3.2.2-4],
    -5, -6: 4 / 0x86, session present 0, then the end. A service knows nothing of the
    other's credentials."""
    username, password = credentials(project, project.device())
    net.raw(transport, version).connect(None, username, password, code=refusal(version, 0x86, 4))


@versions
@pytest.mark.parametrize("side", ["app", "device"])
@table("username, password", {"nothing": (None, None), "empty": ("", ""), "name only": ("x", None)})
def test_missing_credentials(net, version, side, username, password):
    """X-3.1.4-nocreds: 0x86, 3.1.1 4."""
    client = net.raw(side, version)
    client.send(packets.connect(version, "id", username, password))
    client.expect_refused(0x86, v4=4)


@pytest.mark.parametrize("side", ["app", "device"])
def test_password_without_user_name(net, project, side):
    """MQTT-3.1.2-19: legal in v5, so that only the login fails."""
    client = net.raw(side)
    client.send(packets.connect(V5, "id", None, project.secret))
    client.expect_refused(0x86)


@versions
def test_nothing_behind_a_refusal_counts(net, project, version):
    """[MQTT-3.1.4-6], 3.1.1 [MQTT-3.1.4-5]: packets behind a refused CONNECT are not processed."""
    device, watcher = net.device(subscribe=["attributes_push"]), net.app()
    watcher.subscribe(device.open("attributes_push"))
    client = net.raw("app", version)
    client.send(packets.connect(version, "id", project.key, WRONG),
                packets.publish(version, device.open("attributes_push"), b'{"no":1}', qos=1, pid=1),
                packets.PINGREQ)
    client.expect_refused(0x86, v4=4)
    net.app().publish(device.open("attributes_push"), b'{"yes":1}')
    watcher.receive(payload=b'{"yes":1}')
    device.receive(payload=b'{"yes":1}')


@versions
def test_refused_with_a_session(net, project, version):
    """[MQTT-3.2.2-6], 3.1.1 [MQTT-3.2.2-4]: session present is 0 although a session exists, and
    the session is still there afterwards."""
    keep = ((Prop.SESSION_EXPIRY, 60),)
    net.app(version, client_id="kept", clean=False, props=keep).disconnect()
    net.raw("app", version).connect("kept", project.key, WRONG, clean=True,
                                    code=refusal(version, 0x86, 4))
    assert net.app(version, client_id="kept", clean=False, props=keep).connack.session_present


NO_METHOD = b"no authentication method is offered"
SHORT = bytes.fromhex("2003008c00")
LONG = bytes.fromhex("2029008c261f0023") + NO_METHOD


@pytest.mark.parametrize("size, answer", [(43, LONG), (42, SHORT), (5, SHORT), (4, b"")])
def test_small_maximum_packet_size(net, project, size, answer):
    """[MQTT-3.2.2-19], [MQTT-3.2.2-20]: a refusal fits the client's Maximum Packet Size, without
    its reason string if need be, or is left out."""
    client = net.raw("app")
    client.send(packets.connect(V5, "id", project.key, project.secret, props=(
        (Prop.MAXIMUM_PACKET_SIZE, size), (Prop.AUTH_METHOD, "X"))))
    assert client.stream.read() == answer
