"""Devices over the API. (open-api 1, 4, 7)"""
import pytest

from lib.http import Api
from lib.world import Login

PROJECT = "/api/v1/projects/{project_key}"
DEVICES = PROJECT + "/devices"
DEVICE = DEVICES + "/{device}"


@pytest.fixture
def own(admin):
    """The key of a project of this test alone."""
    return admin.post("/api/v1/projects", {"name": "own"})["project_key"]


def add(admin, key, **form):
    return admin.post(DEVICES, form, project_key=key).json


def listed(admin, key, **query):
    """The user names that a list gives, page by page."""
    found, cursor = [], None
    while True:
        page = admin.get(DEVICES, project_key=key,
                         query={**query, **({"cursor": cursor} if cursor else {})})
        found += [d["username"] for d in page["items"]]
        cursor = page["next"]
        if not cursor:
            return found


def test_a_new_device_connects_at_once(net, admin, own):
    """open-api 1, 7: when the answer is there, the device can log in; its password is made."""
    made = admin.post(DEVICES, {"name": "Sensor 感知"}, project_key=own)
    assert made["username"].startswith("DU_") and len(made["password"]) == 16
    assert admin.request("GET", made.headers["Location"]).json == made.json
    device = net.device(Login(made["username"], made["password"], own))
    assert admin.get(DEVICE, project_key=own, device=made["username"])["online"] is True
    device.disconnect()


def test_what_is_given_is_taken(net, admin, own):
    """open-api 1, 7: user name, password, serial number of one's own."""
    form = {"username": "DU_abcde12345", "password": "a b c", "name": "n", "sn": "SN-1",
            "enabled": False}
    made = add(admin, own, **form)
    assert {name: made[name] for name in form} == form and made["type"] is None
    again = admin.post(DEVICES, form, project_key=own, expect=409)
    assert again["type"] == "urn:eztcloud:problem:conflict"
    net.raw("tcp").connect(None, "DU_abcde12345", "a b c", code=0x87)
    admin.patch(DEVICE, {"enabled": True}, project_key=own, device="DU_abcde12345")
    net.raw("tcp").connect(None, "DU_abcde12345", "a b c")


def test_changes_count_at_once(net, admin, own):
    """open-api 4, 7: a new password from the next CONNECT on, switching off for what is there."""
    made = add(admin, own)
    login = Login(made["username"], made["password"], own)
    device = net.device(login)
    changed = admin.patch(DEVICE, {"password": "another", "name": "renamed"}, project_key=own,
                          device=login.username)
    assert changed["password"] == "another" and changed["name"] == "renamed"
    device.ping()
    net.raw("tcp").connect(None, login.username, login.password, code=0x86)
    admin.patch(DEVICE, {"enabled": False}, project_key=own, device=login.username)
    device.expect_closed(0x87, why="the device or its project is disabled")
    admin.delete(DEVICE, project_key=own, device=login.username)
    admin.get(DEVICE, project_key=own, device=login.username, expect=404)
    net.raw("tcp").connect(None, login.username, "another", code=0x86)


def test_many_at_once(admin, own):
    """open-api 7: all or none."""
    made = admin.post(DEVICES + "/batch", {"count": 250, "name": "Meter"}, project_key=own)["items"]
    assert len({d["username"] for d in made}) == 250 and made[249]["name"] == "Meter 250"
    form = [{"name": "a"}, {"name": "b", "sn": "s1"}]
    two = admin.post(DEVICES + "/batch", {"devices": form}, project_key=own)["items"]
    assert [d["name"] for d in two] == ["a", "b"]
    clash = [{"name": "c"}, {"name": "d", "username": two[0]["username"]}]
    admin.post(DEVICES + "/batch", {"devices": clash}, project_key=own, expect=409)
    assert len(listed(admin, own, limit=1000)) == 252
    assert admin.get(PROJECT, project_key=own)["device_count"] == 252
    for wrong in ({"count": 0}, {"count": 10001}, {"count": 1.5}, {}, {"devices": []}):
        admin.post(DEVICES + "/batch", wrong, project_key=own, expect=422)


def test_pages_and_filters(net, admin, own):
    """open-api 7: lists in pages; filters by text, type, presence."""
    product = admin.post(PROJECT + "/types", {"name": "t"}, project_key=own)["product_key"]
    made = [add(admin, own, name=f"Room {i}", sn=f"sn{i}",
                **({"type": product} if i % 2 else {})) for i in range(7)]
    names = [d["username"] for d in made]
    assert listed(admin, own) == names
    assert listed(admin, own, limit=3) == names
    assert listed(admin, own, type=product, limit=1) == names[1::2]
    assert listed(admin, own, type="none") == names[::2]
    assert listed(admin, own, q="room 3") == [names[3]]
    assert listed(admin, own, q=names[4][3:].lower()) == [names[4]]
    assert listed(admin, own, q="SN5", limit=1) == [names[5]]
    assert listed(admin, own, q="nothing") == []
    net.device(Login(names[2], made[2]["password"], own))
    assert listed(admin, own, online="true", limit=1) == [names[2]]
    assert listed(admin, own, online="false", limit=2) == names[:2] + names[3:]
    assert listed(admin, own, alarm="true") == []
    for query in ({"online": "yes"}, {"type": "x"}, {"parent": "x"}, {"cursor": "x"}):
        admin.get(DEVICES, project_key=own, query=query, expect=422)


def test_sub_devices(admin, own):
    """device-protocol sub-devices: a place below another device, one device a place."""
    parent = add(admin, own, name="gateway")["username"]
    child = add(admin, own, parent=parent, address="1")
    assert child["parent"] == parent and child["address"] == "1"
    assert listed(admin, own, parent=parent) == [child["username"]]
    assert listed(admin, own, parent="none") == [parent]
    admin.post(DEVICES, {"parent": parent, "address": "1"}, project_key=own, expect=409)
    for wrong in ({"parent": parent}, {"parent": "DU_0000000000", "address": "1"}):
        admin.post(DEVICES, wrong, project_key=own, expect=422)
    freed = admin.patch(DEVICE, {"parent": None}, project_key=own, device=child["username"])
    assert freed["parent"] is None and freed["address"] is None
    admin.patch(DEVICE, {"parent": parent, "address": "1"}, project_key=own,
                device=child["username"])
    admin.patch(DEVICE, {"parent": child["username"], "address": "2"}, project_key=own,
                device=parent, expect=422)
    admin.delete(DEVICE, project_key=own, device=parent)
    assert listed(admin, own) == []


def test_connection_information(server, net, admin, own):
    """device-protocol "Quick connection": objects mqtt, mqtts, topic, with which it connects."""
    name = add(admin, own)["username"]
    info = admin.get(DEVICE + "/connection", project_key=own, device=name).json
    assert info["mqtt"]["port"] == server.port("device_mqtt")
    assert info["mqtts"] == {**info["mqtt"], "port": server.port("device_mqtts")}
    net.raw("tcp").connect(None, info["mqtt"]["username"], info["mqtt"]["password"])
    assert info["topic"]["attributes_get"] == f"attributes_get/{name}"
    assert info["topic"]["sub_attributes"] == f"gateway_attributes/{name}"
    assert len(info["topic"]) == 20
    admin.patch(PROJECT, {"own_endpoints": {"device_mqtt": ["mqtt://[2001:db8::1]:99"],
                                            "device_mqtts": ["mqtts://iot.example"]}},
                project_key=own)
    info = admin.get(DEVICE + "/connection", project_key=own, device=name).json
    assert (info["mqtt"]["host"], info["mqtt"]["port"]) == ("2001:db8::1", 99)
    assert (info["mqtts"]["host"], info["mqtts"]["port"]) == ("iot.example", 8883)
    admin.patch(PROJECT, {"own_endpoints": {"device_mqtt": []}}, project_key=own)
    assert admin.get(DEVICE + "/connection", project_key=own, device=name)["mqtt"] is None


def test_who_sees_the_password(admin, viewer, app, project):
    """open-api 7: a viewer sees no secrets; lists show none to anybody."""
    name = project.device().username
    assert "password" in admin.get(DEVICE, project_key=project.key, device=name).json
    assert "password" in app.get(DEVICE, project_key=project.key, device=name).json
    assert "password" not in viewer.get(DEVICE, project_key=project.key, device=name).json
    assert "password" not in admin.get(DEVICES, project_key=project.key)["items"][0]
    viewer.get(DEVICE + "/connection", project_key=project.key, device=name, expect=403)
    viewer.patch(DEVICE, {"name": "x"}, project_key=project.key, device=name, expect=403)


def test_devices_of_others(server, admin, app, project, own):
    """open-api 7: what is not of the project of the path does not exist there."""
    name = add(admin, own)["username"]
    admin.get(DEVICE, project_key=project.key, device=name, expect=404)
    app.get(DEVICE, project_key=project.key, device=name, expect=404)
    app.get(DEVICE, project_key=own, device=name, expect=404)
    Api(server).get(DEVICE, project_key=own, device=name, expect=401)
    Api(server).get(DEVICE, project_key="PR_0000000000", device=name, expect=401)
    admin.get(DEVICE, project_key=own, device="x", expect=404)


def test_an_application_manages_its_devices(net, app, project):
    """open-api 7: a program makes devices as an operator does."""
    made = app.post(DEVICES, {"name": "by program"}, project_key=project.key)
    net.device(Login(made["username"], made["password"], project.key))
    app.delete(DEVICE, project_key=project.key, device=made["username"])


@pytest.mark.parametrize("form, field", [
    ({"username": "DU_x"}, "username"), ({"name": ""}, "name"), ({"password": ""}, "password"),
    ({"type": "PK_00000"}, "type"), ({"type": 5}, "type"), ({"sn": "a" * 65}, "sn"),
    ({"colour": 1}, "colour"), ({"enabled": "yes"}, "enabled")])
def test_devices_that_cannot_be(admin, own, form, field):
    """open-api 1, 7: 422 names what is wrong."""
    assert admin.post(DEVICES, form, project_key=own, expect=422)["field"] == field


def test_a_device_that_moves(net, admin, project):
    """open-api 6, 7, device-protocol: the answer to a move tells of the device as it is: its alarm
    goes on, whichever worker is its home from then on."""
    kind = admin.post(PROJECT + "/types", {"name": "t"}, project_key=project.key)["product_key"]
    admin.post(PROJECT + "/alarm_rules", {"definition": {
        "name": "hot", "level": "urgent", "source": {"type": kind},
        "trigger": {"all": [{"attribute": "t", "operator": ">", "value": 9}]}}},
        project_key=project.key)
    login = project.device()
    place = {"project_key": project.key, "device": login.username}
    admin.patch(DEVICE, {"type": kind}, **place)
    device = net.device(login)
    device.publish(device.own("attributes"), b'{"t": 10}')
    assert admin.get(DEVICE, **place)["alerting"] is True
    for n in range(6):  # each leads to one of the workers
        moved = admin.patch(DEVICE, {"parent": project.device().username, "address": str(n)}, **place)
        assert moved["alerting"] is True
        assert admin.get(DEVICE, **place)["alerting"] is True
        assert [d["alerting"] for d in admin.get(DEVICES, project_key=project.key,
                                                 query={"type": kind})["items"]] == [True]
