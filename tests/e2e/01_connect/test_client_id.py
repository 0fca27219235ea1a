"""Client identifiers: their forms, and who they belong to."""
import pytest

from lib import packets
from lib.cases import BAD_UTF8, table, versions
from lib.client import refusal
from lib.packets import V4, Prop
from lib.world import Project


@versions
@pytest.mark.parametrize("side", ["app", "device"])
@pytest.mark.parametrize("client_id", [
    "a", "0123456789abcdefghijklm", "ABCDEFGHIJKLMNOPQRSTUVW", "name with spaces/+#$", "编号-ü",
], ids=["1", "23", "capitals", "signs", "utf-8"])
def test_accepted_forms(net, version, side, client_id):
    """[MQTT-3.1.3-5], 3.1.1 [MQTT-3.1.3-5]: 1 to 23 letters and digits must work; open-api 4: an
    identifier is free."""
    getattr(net, side)(version=version, client_id=client_id).ping()


@pytest.mark.parametrize("side", ["app", "device"])
def test_empty_gets_one_assigned(net, side):
    """[MQTT-3.1.3-6], [MQTT-3.1.3-7], [MQTT-3.2.2-16]: each empty identifier gets one of its own,
    which resumes the session."""
    connect = getattr(net, side)
    keep = ((Prop.SESSION_EXPIRY, 60),)
    first, second = (connect(client_id="", props=keep) for _ in range(2))
    names = [c.connack.props.get(Prop.ASSIGNED_CLIENT_ID) for c in (first, second)]
    assert all(names) and names[0] != names[1]
    login = {"login": second.login} if side == "device" else {}
    second.disconnect()
    again = connect(client_id=names[1], clean=False, props=keep, **login)
    assert again.connack.session_present
    assert again.connack.props.get(Prop.ASSIGNED_CLIENT_ID) is None
    first.ping()


def test_empty_in_3_1_1(net):
    """3.1.1 [MQTT-3.1.3-6], [MQTT-3.1.3-7]: with clean session 1 an empty identifier is a fresh
    one."""
    first, second = (net.app(V4, client_id="") for _ in range(2))
    first.ping()
    second.ping()


@pytest.mark.parametrize("side", ["app", "device"])
def test_empty_with_a_session_in_3_1_1(net, project, side):
    """3.1.1 [MQTT-3.1.3-8]: 20 02 00 02 and the end."""
    login = project.device()
    if side == "app":
        net.raw("app", V4).connect("", project.key, project.secret, clean=False, code=2)
    else:
        net.raw("device", V4).connect("", login.username, login.password, clean=False, code=2)


@versions
@pytest.mark.parametrize("side", ["app", "device"])
def test_too_long(net, project, version, side):
    """[MQTT-3.1.3-8], 3.1.1 [MQTT-3.1.3-9]: more than 256 bytes: 0x85 / 2, and the end; 256 are
    taken."""
    login = project.device()
    name, secret = (project.key, project.secret) if side == "app" else (
        login.username, login.password)
    net.raw(side, version).connect("ü" * 128 + "x", name, secret, code=refusal(version, 0x85, 2))
    net.raw(side, version).connect("ü" * 128, name, secret).ping()


@versions
@table("client_id", BAD_UTF8)
def test_not_utf8(net, project, version, client_id):
    """[MQTT-3.1.3-4], [MQTT-1.5.4-1], [MQTT-1.5.4-2], 3.1.1 [MQTT-1.5.3-1], [MQTT-1.5.3-2]: 0x81
    and the end, in 3.1.1 the end."""
    client = net.raw("app", version)
    client.send(packets.connect(version, client_id, project.key, project.secret))
    client.expect_refused(0x81)


@versions
def test_byte_order_mark_is_part_of_it(net, version):
    """[MQTT-1.5.4-3], 3.1.1 [MQTT-1.5.3-3]: an identifier with a byte order mark is another."""
    plain, marked = (net.app(version, client_id=name) for name in ("bom", "\ufeffbom"))
    plain.ping()
    marked.ping()


@versions
def test_same_identifier_in_two_projects(net, server, version):
    """open-api 3: client identifiers live inside their project."""
    other = Project.add(server)
    clients = [net.app(version, project=owner, client_id="same") for owner in (net.project, other)]
    for client in clients:
        client.ping()


@versions
def test_same_identifier_on_two_devices(net, version):
    """open-api 4: a device's session is (device, client identifier)."""
    devices = [net.device(version=version, client_id="same") for _ in range(2)]
    for device in devices:
        device.ping()


@versions
def test_same_identifier_on_both_services(net, version):
    """open-api 2: the two MQTT services are separate."""
    app, device = (make(version=version, client_id="same") for make in (net.app, net.device))
    app.ping()
    device.ping()
