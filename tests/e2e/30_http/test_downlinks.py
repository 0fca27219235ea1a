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


# ---- custom data

DATA = DEVICE + "/data/{stream}"


def test_custom_data(net, app, device, place):
    """open-api 4, 7: any bytes reach the device unchanged on data_set, whatever their media type."""
    device.subscribe(device.own("data_set", "raw"))
    for raw in (b"\0\xff{", b"", b"x" * 262144):
        answer = app.call("POST", DATA, raw=raw, expect=200, stream="raw", **place)
        assert answer["delivered"] is True
        device.receive(device.own("data_set", "raw"), raw)
    assert app.post(DATA, "a JSON text", stream="raw", **place)["delivered"] is True
    device.receive(device.own("data_set", "raw"), b'"a JSON text"')


def test_custom_data_that_nobody_takes(app, device, place, project):
    """open-api 4, 7: not subscribed to this stream; or the device is away."""
    answer = app.call("POST", DATA, raw=b"x", expect=200, stream="other", **place)
    assert answer["delivered"] is False and answer["detail"]
    answer = app.call("POST", DATA, raw=b"x", expect=200, stream="raw", project_key=project.key,
                      device=project.device().username)
    assert answer["delivered"] is False


def test_custom_data_that_is_refused(admin, app, viewer, device, place):
    """open-api 4, 5, 8: what the stream's format forbids, what is no stream, what is too large."""
    made = admin.post("/api/v1/projects/{project_key}/types",
                      {"name": "t", "definition": {"streams": [{"id": "j", "format": "json"}]}},
                      project_key=place["project_key"])
    admin.patch(DEVICE, {"type": made["product_key"]}, **place)
    answer = app.call("POST", DATA, raw=b"{", expect=422, stream="j", **place)
    assert answer["type"].endswith("refused")
    app.call("POST", DATA, raw=b"{}", expect=200, stream="j", **place)
    app.call("POST", DATA, raw=b"x", expect=404, stream="a b", **place)
    app.call("POST", DATA, raw=b"x", expect=404, stream="s" * 65, **place)
    answer = app.call("POST", DATA, raw=b"x" * 262145, expect=413, stream="raw", **place)
    assert answer["type"].endswith("too_large") and "262144" in answer["detail"]
    viewer.call("POST", DATA, raw=b"x", expect=403, stream="raw", **place)


def test_custom_data_on_a_mapped_topic(net, admin, app, project):
    """device-protocol "Topic mapping": it goes where the device has subscribed."""
    stream = {"id": "raw", "format": "binary", "subscribe_topic": "meters/{sn}/down"}
    made = admin.post("/api/v1/projects/{project_key}/types",
                      {"name": "m", "definition": {"streams": [stream]}}, project_key=project.key)
    login = project.device()
    place = {"project_key": project.key, "device": login.username}
    admin.patch(DEVICE, {"type": made["product_key"], "sn": "M-1"}, **place)
    device = net.device(login, subscribe=())
    device.subscribe("meters/M-1/down")
    assert app.call("POST", DATA, raw=b"\1", expect=200, stream="raw", **place)["delivered"] is True
    device.receive("meters/M-1/down", b"\1")


# ---- sub-devices


def test_sub_devices(net, admin, app, project):
    """open-api 4, 7, device-protocol: what is asked of a sub-device is asked at its gateway's home,
    however deep it stands; custom data it has none."""
    gateway = net.device(subscribe=("sub_attributes_push", "sub_command_send"))
    path, parent = [], gateway.login.username
    for step in range(6):  # their own hashes lead to every worker
        path.append(str(step))
        parent = admin.post("/api/v1/projects/{project_key}/devices",
                            {"parent": parent, "address": str(step)},
                            project_key=project.key)["username"]
        place = {"project_key": project.key, "device": parent}
        gateway.publish(gateway.own("sub_attributes"),
                        json.dumps([{"device": path, "attributes": {"t": step}}]).encode())
        assert app.get(DEVICE + "/attributes", **place)["attributes"]["t"]["value"] == step
        assert app.post(DEVICE + "/attributes_push", {"a": 1}, **place)["delivered"] is True
        pushed = json.loads(gateway.receive(gateway.own("sub_attributes_push")).payload)
        assert pushed == {"device": path, "attributes": {"a": 1}}
        app.post(DEVICE + "/commands", {"method": "m", "id": step}, **place)
        gateway.receive(gateway.own("sub_command_send"))
        assert app.get(DEVICE + "/commands/{id}", id=step, **place)["status"] != "offline"
        app.patch(DEVICE + "/attributes", {"owner": "Ada"}, **place)
        answer = app.call("POST", DATA, raw=b"x", expect=200, stream="raw", **place)
        assert answer["delivered"] is False
        entry, = app.get(DEVICE + "/log", **place)["items"]
        assert (entry["verdict"], entry["topic"]) == ("dropped", f"data_set/{parent}/raw")


# ---- values of the cloud's own

VALUES = DEVICE + "/attributes"


@pytest.fixture
def private(admin, place):
    """The device's type has an attribute of each direction."""
    attributes = [{"id": d, "direction": d, "type": "number", "maximum": 10}
                  for d in ("report", "push", "both", "private")]
    made = admin.post("/api/v1/projects/{project_key}/types",
                      {"name": "p", "definition": {"attributes": attributes}},
                      project_key=place["project_key"])
    admin.patch(DEVICE, {"type": made["product_key"]}, **place)


@pytest.mark.fast_tsan
def test_a_private_value(net, app, device, place, private):
    """open-api 3.2, 4, 7: the cloud keeps it, applications hear of it with the source cloud, byte
    for byte; the device does not."""
    watcher = net.app()
    watcher.subscribe(device.open("+"))
    text = '{"private":  2.50, "undefined": [1]}'
    app.call("PATCH", VALUES, raw=text, expect=204, headers={"Content-Type": "application/json"},
             **place)
    told = watcher.receive(device.open("attributes"), text.encode())
    assert ("source", "cloud") in told.props.all(Prop.USER_PROPERTY)
    answer = app.get(VALUES, **place)
    assert b'"private":{"value":2.50,' in answer.body
    assert answer["attributes"]["undefined"]["value"] == [1]
    app.post(DEVICE + "/attributes_push", {"push": 1}, **place)
    device.receive(device.own("attributes_push"), b'{"push": 1}')  # before it came nothing


def test_a_private_value_of_a_device_that_is_away(app, project):
    """open-api 3.2: whether it is there is nothing to it."""
    place = {"project_key": project.key, "device": project.device().username}
    app.patch(VALUES, {"owner": "Ada"}, **place)
    assert app.get(VALUES, **place)["attributes"]["owner"]["value"] == "Ada"


def test_a_private_value_that_somebody_is_owed(net, app, device, place):
    """open-api 3.4: it is answered when the journal has it."""
    net.app(client_id="owed", props=[(Prop.SESSION_EXPIRY, 100)]).subscribe(
        (device.open("attributes"), 1))
    app.patch(VALUES, {"x": 1}, **place)


@pytest.mark.parametrize("body", [
    {"report": 1}, {"push": 1}, {"both": 1}, {"private": 11}, {"private": "x"},
    {"private": 1, "both": 1}])
def test_values_that_the_type_forbids(app, place, private, body):
    """open-api 5, 7: none of it is set: 422, refused."""
    answer = app.patch(VALUES, body, expect=422, **place)
    assert answer["type"].endswith("refused") and 'attribute "' in answer["detail"]
    assert app.get(VALUES, **place)["attributes"] == {}


@pytest.mark.parametrize("text", ["{", "[1]", "", "1"])
def test_values_that_are_none(app, place, text):
    """open-api 3.3: not a JSON object."""
    answer = app.call("PATCH", VALUES, raw=text, expect=400, **place,
                      headers={"Content-Type": "application/json"})
    assert answer["type"].endswith("malformed")


def test_values_that_have_changed_meanwhile(app, device, place):
    """open-api 7: ETag and If-Match. The tag is of the values, not of the time at which they were
    read."""
    app.patch(VALUES, {"a": 1}, **place)
    tag = app.get(VALUES, **place).headers["ETag"]
    app.get(VALUES, expect=304, headers={"If-None-Match": tag}, **place)
    app.patch(VALUES, {"a": 2}, headers={"If-Match": tag}, **place)
    late = app.patch(VALUES, {"a": 3}, headers={"If-Match": tag}, expect=412, **place)
    assert late["type"].endswith("gone_stale")
    tag = app.get(VALUES, **place).headers["ETag"]
    device.publish(device.own("attributes"), b'{"t": 1}')
    app.patch(VALUES, {"a": 3}, headers={"If-Match": tag}, expect=412, **place)
    app.patch(VALUES, {"a": 4}, headers={"If-Match": f'"x", {app.get(VALUES, **place).headers["ETag"]}'},
              **place)
    assert app.get(VALUES, **place)["attributes"]["a"]["value"] == 4


def test_who_may_set_values(viewer, nobody, place):
    """open-api 7: as with pushes."""
    viewer.patch(VALUES, {"a": 1}, expect=403, **place)
    nobody.patch(VALUES, {"a": 1}, expect=401, **place)


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
