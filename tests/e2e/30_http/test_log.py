"""The message log of a device over the API, and its switches. (open-api 3.3 "Recorded", 7)"""
import pytest

PROJECT = "/api/v1/projects/{project_key}"
DEVICE = PROJECT + "/devices/{device}"
LOG = DEVICE + "/log"


@pytest.fixture
def device(net):
    return net.device(subscribe=("attributes_push",))


@pytest.fixture
def place(device):
    return {"project_key": device.login.project_key, "device": device.login.username}


def test_both_directions(admin, app, device, place):
    """open-api 3.3, 7: newest first, each with what became of it."""
    assert admin.get(DEVICE, **place)["log"] is False
    assert admin.patch(DEVICE, {"log": True}, **place)["log"] is True
    device.publish(device.own("attributes"), b'{"t": 1}')
    device.publish(device.own("data", "raw"), b"\x01\xff")
    app.post(DEVICE + "/attributes_push", {"led": 1}, **place)
    down, data, report = app.get(LOG, **place)["items"]
    assert (down["direction"], down["topic"], down["verdict"]) == \
        ("down", device.own("attributes_push"), "accepted")
    assert (data["direction"], data["format"], data["payload"]) == ("up", "hex", "01ff")
    assert (report["format"], report["payload"], report["length"]) == ("json", '{"t": 1}', 8)
    assert report["number"] + 2 == data["number"] + 1 == down["number"]
    assert report["ts"] <= data["ts"] <= down["ts"] and report["reason"] is None


def test_pages(viewer, admin, device, place):
    """open-api 7: page by page, newest first."""
    admin.patch(DEVICE, {"log": True}, **place)
    for n in range(5):
        device.publish(device.own("data", "n"), str(n).encode())
    found, cursor = [], {}
    while cursor is not None:
        page = viewer.get(LOG, query={"limit": 2, **cursor}, **place)
        assert len(page["items"]) <= 2
        found += [entry["payload"] for entry in page["items"]]
        cursor = page["next"] and {"cursor": page["next"]}
    assert found == ["4", "3", "2", "1", "0"]


def test_what_is_refused_is_there_without_the_switch(app, device, place, project):
    """open-api 3.3: what is recorded can be seen; what is simply carried out is not kept."""
    device.publish(device.own("attributes"), b'{"t": 1}')
    app.post(DEVICE + "/attributes_push", {"led": 1}, **place)
    assert app.get(LOG, **place)["items"] == []
    device.publish(device.own("event_report"), b"{}")
    entry, = app.get(LOG, **place)["items"]
    assert entry["verdict"] == "refused" and "method" in entry["reason"]
    away = {"project_key": project.key, "device": project.device().username}
    app.call("POST", DEVICE + "/data/{stream}", raw=b"\0", expect=200, stream="s", **away)
    entry, = app.get(LOG, **away)["items"]
    assert (entry["verdict"], entry["topic"]) == ("dropped", f"data_set/{away['device']}/s")


def test_the_switch_of_the_project(admin, app, device, place):
    """open-api 7: on for all devices of a project, whatever their own switch says."""
    key = {"project_key": place["project_key"]}
    assert admin.get(PROJECT, **key)["log"] is False
    assert admin.patch(PROJECT, {"log": True}, **key)["log"] is True
    device.publish(device.own("attributes"), b'{"t": 1}')
    assert len(app.get(LOG, **place)["items"]) == 1
    assert admin.get(DEVICE, **place)["log"] is False
    admin.patch(PROJECT, {"log": False}, **key)
    device.publish(device.own("attributes"), b'{"t": 2}')
    assert len(app.get(LOG, **place)["items"]) == 1


def test_devices_and_projects_that_begin_with_it(admin):
    """open-api 7: the switch may be given from the beginning."""
    key = admin.post("/api/v1/projects", {"name": "p", "log": True})["project_key"]
    assert admin.get(PROJECT, project_key=key)["log"] is True
    made = admin.post(PROJECT + "/devices", {"log": True}, project_key=key)
    assert made["log"] is True


def test_who_may(viewer, app, nobody, place):
    """open-api 7: who reads sees it; a viewer does not switch it."""
    viewer.get(LOG, **place)
    nobody.get(LOG, expect=401, **place)
    viewer.patch(DEVICE, {"log": True}, expect=403, **place)
    app.get(LOG, project_key=place["project_key"], device="DU_0000000000", expect=404)
