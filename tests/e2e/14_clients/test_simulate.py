"""`eztcloud simulate`: the demo devices report over real MQTT."""
import json

import pytest

from lib.server import BINARY
from lib.world import Login, Net, Project


@pytest.fixture
def demo(net, server, start):
    """An application of the demo project, and the simulator running beside the server."""
    project = Project(server, server.demo["project_key"], server.demo["project_secret"], "")
    app = net.app(project=project)
    app.subscribe("#")
    start(BINARY, "simulate", "--data", server.data)
    return app


def test_reports(demo, server):
    """Every demo device comes online and reports, values change, and commands are answered, all in
    the contract's forms (events are rarer than a test may wait)."""
    key, wanted = server.demo["project_key"], {d["username"] for d in server.demo["devices"]}
    reports, kinds = {name: set() for name in wanted}, set()
    while (not all(reports.values()) or max(map(len, reports.values())) < 2
           or not {"online", "command_reply"} <= kinds):
        message = demo.receive()
        root, project, name, kind = message.topic.split("/", 3)
        assert (root, project) == ("open", key) and name in wanted
        if not kind.startswith("data/"):
            assert isinstance(json.loads(message.payload), dict)
        if kind == "attributes":
            if not any(reports.values()):
                demo.publish(f"open/{key}/{name}/command_send", b'{"method":"ping","params":{}}')
            reports[name].add(message.payload)
        kinds.add(kind)


def test_sub_devices(demo, server):
    """device-protocol "Sub-devices": the demo gateway speaks for two devices: they come online
    behind it, report, take what is pushed, and answer commands."""
    key = server.demo["project_key"]
    subs = {d["name"]: d for d in server.demo["devices"] if "parent" in d}
    names = {d["username"]: d["name"] for d in server.demo["devices"]}
    assert set(subs) == {"Room sensor", "Radiator valve"}
    assert {names[d["parent"]] for d in subs.values()} == {"Building gateway"}
    room, valve = subs["Room sensor"]["username"], subs["Radiator valve"]["username"]
    gateway = subs["Room sensor"]["parent"]
    online = []

    def wait_for(name, kind, condition=lambda value: True):
        while True:
            message = demo.receive()
            _, _, who, what = message.topic.split("/", 3)
            if what == "online" and json.loads(message.payload)["online"]:
                online.append(who)
            if (who, what) == (name, kind) and condition(json.loads(message.payload)):
                return
    wait_for(valve, "attributes")
    assert online.index(gateway) < online.index(valve)
    demo.publish(f"open/{key}/{valve}/command_send", b'{"method": "open", "id": 7}')
    wait_for(valve, "attributes", lambda value: value.get("position") == 100)
    wait_for(valve, "command_reply", lambda value: value["id"] == 7 and
             value["params"] == {"result": "done"})
    demo.publish(f"open/{key}/{room}/attributes_push", b'{"occupied": true, "x": "\xc3\xa4"}')
    wait_for(room, "attributes_push")
    wait_for(room, "attributes", lambda value: value.get("x") == "\u00e4")


def test_devices_of_users(own, start):
    """A device that a user has added to the demo project is the user's: the simulator, started anew,
    does not take its place."""
    server = own
    key = server.demo["project_key"]
    added = server.cli("device", "add", "--project", key, "--name", "My sensor")
    server.stop()
    server.start()
    names = {d["username"]: d["name"] for d in server.demo["devices"]}
    assert names[added["username"]] == "My sensor"
    project = Project(server, key, server.demo["project_secret"], "")
    net = Net(server, project)
    app = net.app()
    app.subscribe(f"open/{key}/+/attributes")
    mine = net.device(Login(added["username"], added["password"], key))
    start(BINARY, "simulate", "--data", server.data)
    simulated = set(names) - {added["username"]}
    while simulated:  # all of them connect in one turn
        simulated.discard(app.receive().topic.split("/")[2])
    mine.publish(mine.own("attributes"), b'{"mine": true}', qos=1)
    while (message := app.receive()).topic != mine.open("attributes"):
        pass
    assert json.loads(message.payload) == {"mine": True}
    net.close()
