"""What comes on `$open/<pk>/errors`, member by member, for each refusal."""
import json

import pytest

from lib.cases import V4, V5, each_qos, table, versions
from lib.packets import Prop

ROWS = {  # topic, payload, code, members that come besides
    "no such device": ("open/{pk}/DU_0000000000/command_send", b'{"method":"m"}', 0x90, {}),
    "no json": ("open/{pk}/{du}/attributes_push", b'{\n "a": 01}', 0x99, {"line", "column"}),
    "no object": ("open/{pk}/{du}/attributes_push", b"[1]", 0x99, {"line", "column"}),
    "wrong members": ("open/{pk}/{du}/command_send", b"{}", 0x99, {}),
    "type: out of range": ("open/{pk}/{du}/attributes_push", b'{"t":200}', 0x83, {}),
    "type: report only": ("open/{pk}/{du}/attributes_push", b'{"up":1}', 0x83, {}),
    "type: private": ("open/{pk}/{du}/attributes_push", b'{"own":1}', 0x83, {}),
    "receive only": ("open/{pk}/{du}/online", b"{}", 0x87, {}),
    "other topic": ("elsewhere", b"{}", 0x87, {}),
}
DEFINITION = {"attributes": [
    {"id": "t", "direction": "both", "type": "number", "maximum": 100},
    {"id": "up", "direction": "report", "type": "number"},
    {"id": "own", "direction": "private", "type": "number"}]}


@pytest.fixture(scope="module")
def typed(server, projects, tmp_path_factory):
    """A device of each project with a type."""
    made = {}

    def give(project):
        if project.key not in made:
            path = tmp_path_factory.mktemp("type") / "type.json"
            path.write_text(json.dumps({"name": "type", "definition": DEFINITION}))
            key = server.cli("type", "add", "--project", project.key, "--file", path)["product_key"]
            made[project.key] = project.device()
            server.cli("device", "set", made[project.key].username, "--project", project.key,
                       "--type", key)
        return made[project.key]
    return give


@versions
@each_qos
@table("topic, payload, code, more", ROWS)
def test_members(net, typed, version, qos, topic, payload, code, more):
    """open-api 3.2, 3.3: topic, code, message, line and column for JSON, packet identifier; for
    every version and QoS, and the message is the acknowledgement's reason."""
    app, device = net.app(version), typed(net.project)
    app.subscribe(net.project.errors())
    topic = topic.format(pk=net.project.key, du=device.username)
    answer = app.publish(topic, payload, qos)
    message = app.receive(net.project.errors())
    told = json.loads(message.payload)
    members = {"topic", "code", "message", *more}
    assert told.keys() == members | ({"packet_id"} if qos else set()), told
    assert (told["topic"], told["code"]) == (topic, code)
    assert qos == 0 or told["packet_id"] == answer.pid
    assert told["message"] and (qos == 0 or version == V4 or
                                told["message"] == answer.props.get(Prop.REASON_STRING))
    if "line" in more:
        assert f"line {told['line']}, column {told['column']}" in told["message"]


def test_full_ledger(net):
    """open-api 3.2: too many outstanding commands: told as every refusal."""
    device, app = net.device(subscribe=["command_send"]), net.app(V5)
    app.subscribe(net.project.errors())
    for number in range(256):
        assert app.publish(device.open("command_send"), b'{"method":"m","id":%d}' % number).code == 0
    answer = app.publish(device.open("command_send"), b'{"method":"m","id":256}')
    told = json.loads(app.receive(net.project.errors()).payload)
    assert (answer.code, told["code"], told["packet_id"]) == (0x97, 0x97, answer.pid)
    assert told["message"] == answer.props.get(Prop.REASON_STRING)
