"""`eztcloud alarm …`."""
import json

from lib.cases import table

TRIGGER = {"all": [{"attribute": "t", "operator": ">=", "value": 30.5}]}


def test_shown_as_it_was_added(project, rules):
    """What `show` writes, `add` reads."""
    definition = rules.write(TRIGGER, project.device(), repeat=3, duration=60)
    rule = rules.cli("add", "--file", rules.path)
    assert rule["rule"].startswith("AL_") and rule["enabled"] is True
    shown = rules.cli("show", rule["rule"])
    assert shown["definition"] == definition
    rules.path.write_text(json.dumps(shown))
    again = rules.cli("add", "--file", rules.path)
    assert rules.cli("show", again["rule"])["definition"] == definition
    listed = [row["rule"] for row in rules.cli("list")["rules"]]
    assert {rule["rule"], again["rule"]} <= set(listed)
    rules.cli("remove", again["rule"])
    assert again["rule"] not in [row["rule"] for row in rules.cli("list")["rules"]]


def test_switched_off(project, rules):
    """The switch is a member of the definition."""
    rule = rules.add(TRIGGER, project.device())
    assert rules.cli("set", rule, "--enabled", "off")["enabled"] is False
    assert rules.cli("show", rule)["definition"]["enabled"] is False
    assert rules.cli("set", rule, "--enabled", "on")["enabled"] is True


FAULTS = {
    "typing error": ({"nam": 1}, 'the definition: "nam" is no member of a definition'),
    "no trigger": ({"name": "x", "level": "normal", "source": {"devices": ["DU_0000000001"]}},
                   'the definition: "trigger" must be an object with "all", "any" or "offline"'),
}


@table("definition, why", FAULTS)
def test_a_wrong_definition_is_not_stored(server, project, rules, definition, why):
    """A clear line that names the fault."""
    rules.path.write_text(json.dumps({"definition": definition}))
    done = server.cli_run("alarm", "add", "--project", project.key, "--file", rules.path)
    assert done.returncode == 1
    assert done.stderr == f"eztcloud: {rules.path}: {why}\n"


def test_a_type_that_is_not_there(server, project, rules):
    """open-api 6: refused and named, a type of another project too. A rule whose type was removed
    can still be switched off."""
    other = server.cli("project", "add", "--name", "other")["project_key"]
    before = rules.cli("list")["rules"]
    foreign = server.cli("type", "add", "--project", other, "--name", "T")["product_key"]
    for key in ("PK_zzzzz", foreign):
        rules.write(TRIGGER, source={"type": key})
        done = server.cli_run("alarm", "add", "--project", project.key, "--file", rules.path)
        assert (done.returncode, done.stderr) == (1, (
            f"eztcloud: {key}: no such type in this project: `eztcloud type list` shows all\n"))
    assert rules.cli("list")["rules"] == before
    own = server.cli("type", "add", "--project", project.key, "--name", "T")["product_key"]
    rule = rules.add(TRIGGER, source={"type": own})
    server.cli("type", "remove", own, "--project", project.key)
    done = server.cli_run("alarm", "set", rule, "--project", project.key, "--file", rules.path)
    assert done.returncode == 1 and own in done.stderr
    assert rules.cli("set", rule, "--enabled", "off")["enabled"] is False


def test_faults_of_the_caller(server, project, rules):
    """Each is told in one line."""
    rule = rules.add(TRIGGER, project.device())
    other = server.cli("project", "add", "--name", "other")["project_key"]
    cases = [
        (("show", "AL_0000000001", "--project", project.key), "no such rule"),
        (("show", "nothing", "--project", project.key), "no such rule"),
        (("show", rule, "--project", other), "no such rule"),
        (("set", rule, "--project", project.key), "nothing to change"),
        (("remove", rule, "--project", other), "no such rule"),
        (("add", "--project", project.key), "--file is missing"),
    ]
    for args, text in cases:
        done = server.cli_run("alarm", *args)
        assert done.returncode == 1 and text in done.stderr, (args, done)
        assert done.stderr.count("\n") == 1, done
