"""`eztcloud simulate`: the demo devices report over real MQTT."""
import json

import pytest

from lib.server import BINARY
from lib.world import Project


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
