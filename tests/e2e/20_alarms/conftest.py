"""Alarm rules for the tests of this directory."""
import json

import pytest


class Rules:
    """The alarm rules of a project."""

    def __init__(self, server, project, folder):
        self.server, self.project, self.path = server, project, folder / "rule.json"

    def write(self, trigger, *devices, level="urgent", name="Too hot", **more):
        source = more.pop("source", {"devices": [device.username for device in devices]})
        definition = {"name": name, "level": level, "source": source, "trigger": trigger, **more}
        self.path.write_text(json.dumps({"definition": definition}, ensure_ascii=False))
        return definition

    def add(self, trigger, *devices, **more):
        """Gives the rule's identifier."""
        self.write(trigger, *devices, **more)
        return self.cli("add", "--file", self.path)["rule"]

    def cli(self, verb, *args):
        return self.server.cli("alarm", verb, *args, "--project", self.project.key)


@pytest.fixture
def rules(server, project, tmp_path):
    return Rules(server, project, tmp_path)


@pytest.fixture
def watched(net):
    """A device and an application that gets its alarms."""
    device, app = net.device(), net.app()
    app.subscribe(device.open("alarm"), f"$open/{net.project.key}/{device.login.username}/alarm_detail")
    return device, app
