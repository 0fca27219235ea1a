"""What a device's type leaves out or refuses, in its log."""
import json

import pytest

from lib.cases import table

DEFINITION = {
    "attributes": [{"id": "t", "direction": "both", "type": "number", "maximum": 100}],
    "streams": [{"id": "s", "format": "json"}], "max_rate": 1000}
MESSAGES = {
    "a part is left out": ("attributes/{du}", b'{"t":200,"u":1}', "accepted"),
    "nothing is left": ("attributes/{du}", b'{"t":200}', "refused"),
    "a stream's format": ("data/{du}/s", b"{", "refused"),
}


def give_type(server, login, path, definition):
    path.write_text(json.dumps({"name": "type", "definition": definition}))
    made = server.cli("type", "add", "--project", login.project_key, "--file", path)
    server.cli("device", "set", login.username, "--project", login.project_key,
               "--type", made["product_key"])


@table("topic, payload, verdict", MESSAGES)
@pytest.mark.parametrize("on", [True, False], ids=["on", "off"])
def test_left_out(net, server, tmp_path, follow, on, topic, payload, verdict):
    """open-api 5, 3.3: a member that fails is dropped and recorded."""
    device = net.device()
    give_type(server, device.login, tmp_path / "type.json", DEFINITION)
    log = follow(device.login, on)
    topic = topic.format(du=device.login.username)
    device.publish(topic, payload)
    log.next("up", topic, verdict, any, payload=payload.decode())


def test_too_fast(net, server, tmp_path, follow):
    """open-api 4: above `max_rate` a message is dropped and recorded."""
    device = net.device()
    give_type(server, device.login, tmp_path / "type.json", {"max_rate": 1})
    log = follow(device.login, on=False)
    codes = [device.publish(device.own("data", "s"), b"%d" % i).code for i in range(10)]
    first = codes.index(0x97)
    log.next("up", device.own("data", "s"), "dropped",
             "more messages a second than the type allows", payload=str(first))


def test_refused_downlink(net, server, tmp_path, follow):
    """open-api 3.3: what the type refuses of an application's publishes is recorded."""
    device = net.device(subscribe=["attributes_push"])
    give_type(server, device.login, tmp_path / "type.json", DEFINITION)
    log = follow(device.login, on=False)
    assert net.app().publish(device.open("attributes_push"), b'{"t":200}').code == 0x83
    log.next("down", device.own("attributes_push"), "refused", any, payload='{"t":200}')
