"""Commands that the device's type refuses."""
import json

import pytest

from lib.cases import table
from lib.packets import Prop

DEFINITION = {"strict": True, "commands": [
    {"id": "open", "params": [{"id": "door", "type": "number", "minimum": 0}]}]}
REFUSED = {
    "not defined": (b'{"method":"close","id":4}', 4, "close"),
    "out of range": (b'{"method":"open","params":{"door":-1},"id":"x"}', "x", "open"),
    "without id": (b'{"method":"open","params":{"door":-1}}', None, "open"),
}


@pytest.fixture(scope="module")
def lock(server, tmp_path_factory):
    """Gives a device a strict type with one command."""
    def make(login):
        path = tmp_path_factory.mktemp("type") / "type.json"
        path.write_text(json.dumps({"name": "lock", "definition": DEFINITION}))
        made = server.cli("type", "add", "--project", login.project_key, "--file", path)
        server.cli("device", "set", login.username, "--project", login.project_key,
                   "--type", made["product_key"])
    return make


@table("payload, id, method", REFUSED)
def test_rejected(net, watch, lock, payload, id, method):
    """open-api 3.2, 3.3: the type definition refuses: 0x83 for the publisher, `rejected` for those
    who watch, with the same reason; nothing else follows."""
    device, app = net.device(subscribe=["command_send"]), net.app()
    lock(device.login)
    seen = watch(net.app(), device.login)
    answer = app.publish(device.open("command_send"), payload)
    assert answer.code == 0x83
    assert seen.next("rejected", id, method) == answer.props.get(Prop.REASON_STRING)
    app.publish(device.open("command_send"), b'{"method":"open","params":{"door":1},"id":4}')
    device.receive()
    seen.chain("accepted", "sent", "delivered", id=4)


def test_reply_that_is_no_good(net, watch, lock):
    """open-api 3.3, 5: a reply whose params are no object is recorded and not handed on; the
    command has had its reply all the same."""
    device = net.device(subscribe=["command_send"])
    lock(device.login)
    seen = watch(net.app(), device.login, "command_reply")
    net.app().publish(device.open("command_send"), b'{"method":"open","id":1}')
    device.receive()
    seen.chain("accepted", "sent", "delivered")
    device.publish(device.own("command_reply"), b'{"method":"open","params":5,"id":1}')
    assert seen.next("replied") == '"params" must be an object'
