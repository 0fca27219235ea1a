"""What goes to devices over the API, and what is known of them. (open-api 3.2, 3.3, 7)"""
import json
import time

import pytest

from lib.http import Api
from lib.packets import Prop

DEVICE = "/api/v1/projects/{project_key}/devices/{device}"


@pytest.fixture
def device(net):
    return net.device(subscribe=("attributes_push", "command_send"))


@pytest.fixture
def place(device):
    """The parameters of its path."""
    return {"project_key": device.login.project_key, "device": device.login.username}


def test_values(net, admin, device, place):
    """open-api 3.2, 7: the newest value of each attribute with its time, numbers as they were."""
    before = time.time() * 1000 - 1
    device.publish(device.own("attributes"),
                   b'{"t": 21.50, "n": 123456789012345678901234567890, "s": "\xc3\xa4\\n", "o": {}}')
    answer = admin.get(DEVICE + "/attributes", **place)
    assert b'"t":{"value":21.50,' in answer.body
    assert b'{"value":123456789012345678901234567890,' in answer.body
    assert answer["attributes"]["s"]["value"] == "ä\n" and answer["attributes"]["o"]["value"] == {}
    assert before <= answer["attributes"]["t"]["ts"] <= answer["ts"]
    some = admin.get(DEVICE + "/attributes", query={"keys": "s,none,t"}, **place)
    assert list(some["attributes"]) == ["s", "t"]
    fresh = net.device()
    assert admin.get(DEVICE + "/attributes", project_key=place["project_key"],
                     device=fresh.login.username)["attributes"] == {}


def test_a_push_is_a_publish(net, app, device, place):
    """open-api 3.2, 3.3, 7: the device gets it byte for byte; watchers see it, and attributes with
    the source push; the value is there."""
    watcher = net.app()
    watcher.subscribe(device.open("+"))
    text = '{"led":  "on", "n": 1.0}'
    answer = app.call("POST", DEVICE + "/attributes_push", raw=text, expect=200,
                      headers={"Content-Type": "application/json"}, **place)
    assert answer["delivered"] is True
    device.receive(device.own("attributes_push"), text.encode())
    watcher.receive(device.open("attributes_push"), text.encode())
    told = watcher.receive(device.open("attributes"), text.encode())
    assert ("source", "push") in told.props.all(Prop.USER_PROPERTY)
    assert app.get(DEVICE + "/attributes", **place)["attributes"]["led"]["value"] == "on"


def test_a_push_to_a_device_that_is_away(app, project):
    """open-api 3.3: its cloud values are updated at once; nobody takes it."""
    place = {"project_key": project.key, "device": project.device().username}
    answer = app.post(DEVICE + "/attributes_push", {"led": "off"}, **place)
    assert answer["delivered"] is False and answer["detail"]
    assert app.get(DEVICE + "/attributes", **place)["attributes"]["led"]["value"] == "off"


def test_a_push_that_somebody_is_owed(net, app, device, place):
    """open-api 3.4: it is answered when the journal has it."""
    net.app(client_id="owed", props=[(Prop.SESSION_EXPIRY, 100)]).subscribe((device.open("attributes"), 1))
    assert app.post(DEVICE + "/attributes_push", {"x": 1}, **place)["delivered"] is True


def test_a_command(net, app, device, place):
    """open-api 3.3, 7: an id is given when there is none; the reply goes to who watches."""
    watcher = net.app()
    watcher.subscribe(device.open("command_reply"))
    answer = app.post(DEVICE + "/commands", {"method": "open", "params": {"w": 1}}, **place)
    assert answer["delivered"] is True and isinstance(answer["id"], int)
    came = json.loads(device.receive(device.own("command_send")).payload)
    assert came == {"method": "open", "params": {"w": 1}, "id": answer["id"]}
    reply = json.dumps({"method": "open", "params": {}, "id": answer["id"]}).encode()
    device.publish(device.own("command_reply"), reply)
    watcher.receive(device.open("command_reply"), reply)
    own = app.post(DEVICE + "/commands", {"method": "open", "id": "my-own"}, **place)
    assert own["id"] == "my-own"


def test_a_command_to_a_device_that_is_away(app, project):
    """open-api 3.3: a late command is worse than none."""
    answer = app.post(DEVICE + "/commands", {"method": "open"}, project_key=project.key,
                      device=project.device().username)
    assert answer["delivered"] is False


@pytest.mark.parametrize("noun, text, status, code", [
    ("attributes_push", "{", 400, "malformed"), ("attributes_push", "[1]", 400, "malformed"),
    ("attributes_push", "", 400, "malformed"), ("commands", "{}", 400, "malformed"),
    ("commands", '{"method": 1}', 400, "malformed"),
    ("commands", '{"method": "m",\n "id": {}}', 400, "malformed")])
def test_what_is_refused(app, device, place, noun, text, status, code):
    """open-api 3.3: not JSON, not an object, wrong members."""
    answer = app.call("POST", DEVICE + "/" + noun, raw=text, expect=status,
                      headers={"Content-Type": "application/json"}, **place)
    assert answer["type"].endswith(code)
    if text == "{":
        assert answer["line"] == 1


def test_what_the_type_refuses(admin, app, device, place):
    """open-api 3.3, 5: a strict type refuses what it does not know: 422, refused."""
    made = admin.post("/api/v1/projects/{project_key}/types",
                      {"name": "strict", "definition": {"strict": True}},
                      project_key=place["project_key"])
    admin.patch(DEVICE, {"type": made["product_key"]}, **place)
    answer = app.post(DEVICE + "/attributes_push", {"x": 1}, expect=422, **place)
    assert answer["type"].endswith("refused") and "x" in answer["detail"]
    app.post(DEVICE + "/commands", {"method": "x"}, expect=422, **place)


def test_who_may(viewer, nobody, place):
    """open-api 7: a viewer sends nothing."""
    for noun in ("/attributes_push", "/commands"):
        viewer.call("POST", DEVICE + noun, {"method": "m"}, expect=403, **place)
        nobody.call("POST", DEVICE + noun, {"method": "m"}, expect=401, **place)
    viewer.get(DEVICE + "/attributes", **place)


# ---- as the hosted platform has it

DOWN_ATTR = "/api/devices/{device}/down_attr/"


def test_the_hosted_push(server, device, project):
    """open-api 7: POST /api/devices/<du>/down_attr/ with {"attrs": "<JSON text>"}, by token or
    signed."""
    signed = Api(server).signed(project.key, project.token)
    text = '{"led": "on"}'
    answer = signed.post("/api/devices/{device}/down_attr/", {"attrs": text},
                         device=device.login.username)
    assert answer.status == 200
    device.receive(device.own("attributes_push"), text.encode())
    plain = signed.request("POST", f"/api/devices/{device.login.username}/down_attr/",
                           json.dumps({"attrs": text}), {"Content-Type": "text/plain"})
    assert plain.status == 200
    device.receive(device.own("attributes_push"), text.encode())


@pytest.mark.parametrize("body, status", [
    ({"attrs": "{"}, 400), ({"attrs": "[]"}, 400), ({"attrs": {}}, 422), ({}, 422), ([], 422)])
def test_hosted_pushes_that_are_none(app, device, body, status):
    """open-api 7: anything but 200 is a failure."""
    app.post(DOWN_ATTR, body, device=device.login.username, expect=status)


def test_hosted_pushes_to_others(server, admin, app, nobody, device):
    """open-api 7: a device of another project does not exist."""
    other = admin.post("/api/v1/projects", {"name": "other"})["project_key"]
    name = admin.post("/api/v1/projects/{project_key}/devices", {}, project_key=other)["username"]
    app.post(DOWN_ATTR, {"attrs": "{}"}, device=name, expect=404)
    app.post(DOWN_ATTR, {"attrs": "{}"}, device="DU_0000000000", expect=404)
    nobody.post(DOWN_ATTR, {"attrs": "{}"}, device=device.login.username, expect=401)
