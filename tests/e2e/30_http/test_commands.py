"""The commands of a device over the API. (open-api 3.2, 3.3, 7)"""
import json

import pytest

DEVICE = "/api/v1/projects/{project_key}/devices/{device}"
COMMANDS = DEVICE + "/commands"
COMMAND = COMMANDS + "/{id}"


@pytest.fixture
def device(net):
    return net.device(subscribe=("command_send",))


@pytest.fixture
def place(device):
    return {"project_key": device.login.project_key, "device": device.login.username}


def send(app, place, id, method="open"):
    return app.post(COMMANDS, {"method": method, "id": id}, **place)


def reply(device, id, method="open"):
    device.publish(device.own("command_reply"), json.dumps({"method": method, "id": id}).encode())


def test_how_far_a_command_is(app, device, place):
    """open-api 3.2, 7: sent, delivered when the device has acknowledged it, replied; with times."""
    sent = send(app, place, 7)
    now = app.get(COMMAND, id=sent["id"], **place)
    assert (now["id"], now["method"], now["status"]) == (7, "open", "sent")
    assert now["accepted_ms"] <= now["changed_ms"] <= now["expires_ms"]
    assert 290_000 < now["expires_ms"] - now["accepted_ms"] < 310_000
    device.receive(device.own("command_send"))  # acknowledges it
    device.ping()
    assert app.get(COMMAND, id=7, **place)["status"] == "delivered"
    reply(device, 7)
    over = app.get(COMMAND, id=7, **place)
    assert over["status"] == "replied" and over["expires_ms"] is None
    assert over["accepted_ms"] == now["accepted_ms"] <= over["changed_ms"]


@pytest.mark.fast_tsan
def test_the_list(viewer, app, device, place):
    """open-api 7: newest first, page by page, or those of one status."""
    for id in range(1, 6):
        send(app, place, id)
        device.receive(device.own("command_send"))
    reply(device, 2)
    reply(device, 4)
    device.ping()
    found, cursor = [], {}
    while cursor is not None:
        page = viewer.get(COMMANDS, query={"limit": 2, **cursor}, **place)
        found += [c["id"] for c in page["items"]]
        cursor = page["next"] and {"cursor": page["next"]}
    assert found == [5, 4, 3, 2, 1]
    done = viewer.get(COMMANDS, query={"status": "replied"}, **place)
    assert [c["id"] for c in done["items"]] == [4, 2] and done["next"] is None
    assert viewer.get(COMMANDS, query={"status": "expired"}, **place)["items"] == []
    viewer.get(COMMANDS, query={"status": "lost"}, expect=422, **place)


def test_identifiers(app, device, place):
    """open-api 3.3, 7: 1 and "1" differ; in quotes it is the text. Any text can be asked for."""
    for id, method in ((1, "number"), ("1", "text"), ("a/b ä", "slash"), (-5, "minus"), ("x", "x")):
        send(app, place, id, method)
    for id, method in ((1, "number"), ('"1"', "text"), ("a/b ä", "slash"), ('"a/b ä"', "slash"),
                       (-5, "minus"), ("x", "x")):
        assert app.get(COMMAND, id=id, **place)["method"] == method
    for id in ("2", '"-5"', '"', '""', "1.0"):
        app.get(COMMAND, id=id, expect=404, **place)
    reply(device, 1, "number")
    device.ping()
    send(app, place, 1, "number again")
    assert app.get(COMMAND, id=1, **place)["method"] == "number again"  # the newest


def test_a_text_of_digits(app, device, place):
    """open-api 3.3, 7: without quotes it is found where there is no such number."""
    send(app, place, "42")
    assert app.get(COMMAND, id=42, **place)["id"] == "42"


def test_a_command_to_a_device_that_is_away(app, project):
    """open-api 3.3: it has ended, and is kept to be looked up."""
    place = {"project_key": project.key, "device": project.device().username}
    assert app.get(COMMANDS, **place)["items"] == []
    send(app, place, "late")
    assert app.get(COMMAND, id="late", **place)["status"] == "offline"
    assert [c["status"] for c in app.get(COMMANDS, **place)["items"]] == ["offline"]


def test_they_outlive_the_server(server, app, project):
    """open-api 3.3: those that are outstanding and the last that have ended are kept over a clean
    stop."""
    place = {"project_key": project.key, "device": project.device().username}
    send(app, place, "late")
    before = app.get(COMMAND, id="late", **place).json
    server.stop()
    server.start()
    app.close()
    assert app.get(COMMAND, id="late", **place).json == before


def test_who_may_see_them(nobody, place):
    """open-api 7: who reads."""
    nobody.get(COMMANDS, expect=401, **place)
    nobody.get(COMMAND, id=1, expect=401, **place)
