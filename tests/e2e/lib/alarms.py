"""Alarm rules, and devices that meet them."""
import json


def over(value, attribute="t", operator=">"):
    """A trigger of one condition."""
    return {"any": [{"attribute": attribute, "operator": operator, "value": value}]}


def report(device, **values):
    assert device.publish(device.own("attributes"), json.dumps(values).encode()).code == 0


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
