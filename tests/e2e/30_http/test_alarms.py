"""Alarm rules, how alarms stand, and their history over the API. (open-api 6, 7)"""
import json

import pytest

from lib.alarms import over, report
from lib.http import Api
from lib.server import wait_until
from lib.world import Project

PROJECT = "/api/v1/projects/{project_key}"
RULES = PROJECT + "/alarm_rules"
RULE = RULES + "/{rule}"
DEVICE = PROJECT + "/devices/{device}"
DEVICE_RULES = DEVICE + "/alarm_rules"
DEVICE_RULE = DEVICE_RULES + "/{rule}"
DEVICE_ALARMS = DEVICE + "/alarms"
ALARMS = PROJECT + "/alarms"
HISTORY = PROJECT + "/alarm_history"


def definition(*logins, name="Too hot", level="urgent", trigger=None, **more):
    return {"name": name, "level": level,
            "source": more.pop("source", {"devices": [login.username for login in logins]}),
            "trigger": trigger or over(30), **more}


class Alarms:
    """The alarms of a project of its own, as an administrator has them."""

    def __init__(self, admin, project):
        self.api, self.key = admin, project.key

    def add(self, *logins, **more):
        return self.api.post(RULES, {"definition": definition(*logins, **more)},
                             project_key=self.key)["rule"]

    def now(self, **query):
        """(device, rule, state), newest first; all pages."""
        return [(a["device"], a["rule"], a["state"]) for a in self.pages(ALARMS, query)]

    def history(self, **query):
        return self.pages(HISTORY, query)

    def pages(self, path, query):
        found, cursor = [], {}
        while True:
            page = self.api.get(path, project_key=self.key, query={**query, **cursor})
            found += page["items"]
            if not page["next"]:
                return found
            cursor = {"cursor": page["next"]}


@pytest.fixture
def project(server):
    """Of its own for each test, so that lists are known whole."""
    return Project.add(server)


@pytest.fixture
def alarms(admin, project):
    return Alarms(admin, project)


def test_a_rule_is_added_changed_and_removed(admin, viewer, project):
    """open-api 6, 7: a definition comes back as it was given; a viewer reads."""
    login = project.device()
    given = definition(login, repeat=2, duration=30)
    made = admin.post(RULES, {"definition": given}, project_key=project.key)
    assert made["definition"] == given and made["name"] == "Too hot" and made["enabled"] is True
    assert admin.request("GET", made.headers["Location"]).json == made.json
    path = {"project_key": project.key, "rule": made["rule"]}
    assert viewer.get(RULE, **path).json == made.json
    entry = {k: v for k, v in made.json.items() if k != "definition"}
    assert viewer.get(RULES, project_key=project.key)["items"] == [entry]
    viewer.post(RULES, {"definition": given}, project_key=project.key, expect=403)
    viewer.patch(RULE, {"enabled": False}, **path, expect=403)
    viewer.delete(RULE, **path, expect=403)
    off = admin.patch(RULE, {"enabled": False}, **path)
    assert off["enabled"] is False and off["definition"] == {**given, "enabled": False}
    other = definition(login, name="Cold", level="normal", trigger=over(0, operator="<"))
    changed = admin.patch(RULE, {**off.json, "definition": other}, **path)
    assert (changed["name"], changed["level"], changed["enabled"]) == ("Cold", "normal", False)
    admin.delete(RULE, **path)
    admin.get(RULE, **path, expect=404)


def test_only_what_was_read_is_changed(admin, alarms, project):
    """open-api 7: If-Match, as for everything else."""
    path = {"project_key": project.key, "rule": alarms.add(project.device())}
    tag = admin.get(RULE, **path).headers["ETag"]
    assert admin.get(RULE, **path, headers={"If-None-Match": tag}, expect=304).body == b""
    admin.patch(RULE, {"enabled": False}, **path, headers={"If-Match": tag})
    admin.patch(RULE, {"enabled": True}, **path, headers={"If-Match": tag}, expect=412)
    admin.delete(RULE, **path, headers={"If-Match": tag}, expect=412)
    assert admin.get(RULE, **path)["enabled"] is False


@pytest.mark.parametrize("form, field, why", [
    ({}, "definition", "is missing"),
    ({"definition": []}, "definition", "an object"),
    ({"definition": {"name": "x"}}, "definition", "level"),
    ({"definition": {"name": "x", "level": "loud", "source": {"type": "PK_abcde"},
                     "trigger": {"offline": True}}}, "definition", "level"),
    ({"definition": {"name": "x", "level": "normal", "source": {"type": "PK_abcde"},
                     "trigger": {"any": [{"attribute": "t", "operator": "~", "value": 1}]}}},
     "definition", "condition 1"),
    ({"definition": definition(source={"type": "PK_zzzzz"})}, "definition", "PK_zzzzz"),
    ({"definition": {}, "colour": "red"}, "colour", "not known")])
def test_rules_that_cannot_be(admin, project, form, field, why):
    """open-api 6, 7: what the server cannot read is not stored, and the member is named."""
    answer = admin.post(RULES, form, project_key=project.key, expect=422)
    assert answer["field"] == field and why in answer["detail"]
    assert admin.get(RULES, project_key=project.key)["items"] == []


def test_rules_of_other_projects_do_not_exist(admin, alarms, project):
    """open-api 1: a project is a tenant."""
    rule = alarms.add(project.device())
    other = admin.post("/api/v1/projects", {"name": "Other"})["project_key"]
    for word in (rule, "AL_1", "x"):
        admin.get(RULE, project_key=other, rule=word, expect=404)
        admin.patch(RULE, {"enabled": False}, project_key=other, rule=word, expect=404)
        admin.delete(RULE, project_key=other, rule=word, expect=404)
    assert admin.get(RULE, project_key=project.key, rule=rule)["enabled"] is True


def test_pages_of_rules(admin, alarms, project):
    """open-api 7: each rule once, oldest first."""
    login = project.device()
    made = [alarms.add(login, name=str(i)) for i in range(5)]
    assert [r["rule"] for r in alarms.pages(RULES, {"limit": 2})] == made
    assert [r["rule"] for r in alarms.pages(RULES, {"limit": 5})] == made


def test_a_rule_counts_at_once(net, admin, alarms, project):
    """open-api 6: on devices that are connected too; disabling or deleting it ends its alarms."""
    device, app = net.device(), net.app()
    app.subscribe(device.open("alarm"))
    rule = alarms.add(device.login)
    report(device, t=31)
    assert json.loads(app.receive(device.open("alarm")).payload) == {"alerting": True}
    admin.patch(RULE, {"enabled": False}, project_key=project.key, rule=rule)
    assert json.loads(app.receive(device.open("alarm")).payload) == {"alerting": False}
    admin.patch(RULE, {"enabled": True}, project_key=project.key, rule=rule)
    report(device, t=32)
    assert json.loads(app.receive(device.open("alarm")).payload) == {"alerting": True}
    admin.delete(RULE, project_key=project.key, rule=rule)
    assert json.loads(app.receive(device.open("alarm")).payload) == {"alerting": False}


def test_switched_off_for_one_device(net, admin, viewer, alarms, project):
    """open-api 6: can be switched off for one device; the others stay watched."""
    kind = admin.post(PROJECT + "/types", {"name": "Kind"}, project_key=project.key)["product_key"]
    one, other = net.device(), net.device()
    for device in (one, other):
        admin.patch(DEVICE, {"type": kind}, project_key=project.key, device=device.login.username)
    rule = alarms.add(source={"type": kind})
    alien = alarms.add(project.device())
    path = {"project_key": project.key, "device": one.login.username}
    assert [(r["rule"], r["switched_off"]) for r in viewer.get(DEVICE_RULES, **path)["items"]] == \
        [(rule, False)]
    viewer.patch(DEVICE_RULE, {"switched_off": True}, **path, rule=rule, expect=403)
    admin.get(DEVICE_RULE, **path, rule=alien, expect=404)
    admin.patch(DEVICE_RULE, {"switched_off": True}, **path, rule=alien, expect=404)
    admin.patch(DEVICE_RULE, {"switched_off": "yes"}, **path, rule=rule, expect=422)
    before = viewer.get(DEVICE_RULE, **path, rule=rule)
    assert admin.patch(DEVICE_RULE, {**before.json, "switched_off": True}, **path, rule=rule,
                       headers={"If-Match": before.headers["ETag"]})["switched_off"] is True
    assert admin.get(RULE, project_key=project.key, rule=rule)["definition"]["except"] == \
        [one.login.username]
    for device in (one, other):
        report(device, t=31)
    assert alarms.now() == [(other.login.username, rule, "alerting")]
    assert viewer.get(DEVICE_ALARMS, **path)["items"] == []
    for _ in range(2):  # again: nothing changes
        admin.patch(DEVICE_RULE, {"switched_off": False}, **path, rule=rule)
    assert "except" not in admin.get(RULE, project_key=project.key, rule=rule)["definition"]
    report(one, t=32)
    assert len(alarms.now()) == 2


def test_how_the_alarms_of_a_device_stand(net, viewer, alarms, project):
    """open-api 6: normal, pending, alerting, and since when."""
    device = net.device()
    fast = alarms.add(device.login, name="fast")
    slow = alarms.add(device.login, name="slow", level="important", repeat=3)
    path = {"project_key": project.key, "device": device.login.username}
    quiet = viewer.get(DEVICE_ALARMS, **path)["items"]
    assert [(a["rule"], a["state"], a["since_ms"], a["met_count"]) for a in quiet] == \
        [(fast, "normal", None, 0), (slow, "normal", None, 0)]
    report(device, t=31)
    report(device, t=32)
    alerting, pending = viewer.get(DEVICE_ALARMS, **path)["items"]
    assert (alerting["name"], alerting["level"], alerting["state"]) == ("fast", "urgent", "alerting")
    assert (pending["name"], pending["level"], pending["state"]) == ("slow", "important", "pending")
    assert pending["met_count"] == 2 and pending["device"] == device.login.username
    assert 1700000000000 < pending["met_since_ms"] <= pending["since_ms"]
    report(device, t=0)
    restored = viewer.get(DEVICE_ALARMS, **path)["items"]
    assert [a["state"] for a in restored] == ["normal", "normal"]
    assert restored[0]["since_ms"] >= alerting["since_ms"] and restored[0]["met_since_ms"] is None


def test_the_alarms_of_a_project(net, alarms):
    """open-api 6, 7: what is not normal, newest first, filtered and in pages."""
    devices = [net.device() for _ in range(4)]
    logins = [device.login for device in devices]
    high = alarms.add(*logins, name="high")
    slow = alarms.add(*logins, name="slow", level="important", repeat=2)
    alarms.add(*logins, name="never", trigger=over(1000))
    for device in devices:
        report(device, t=31)
    report(devices[0], t=32)
    report(devices[3], t=0)
    names = [login.username for login in logins]
    every = alarms.now()
    assert sorted(every) == sorted(
        [(name, high, "alerting") for name in names[:3]] + [(names[0], slow, "alerting")] +
        [(name, slow, "pending") for name in names[1:3]])
    times = [a["since_ms"] for a in alarms.pages(ALARMS, {})]
    assert times == sorted(times, reverse=True)
    for limit in (1, 2, 5, 6):
        assert alarms.now(limit=limit) == every
    assert {rule for _, rule, _ in alarms.now(level="urgent")} == {high}
    assert alarms.now(level="normal") == []
    assert len(alarms.now(state="alerting")) == 4 and len(alarms.now(state="pending")) == 2
    assert len(alarms.now(rule=slow)) == 3
    assert sorted(alarms.now(device=names[1])) == sorted(
        [(names[1], high, "alerting"), (names[1], slow, "pending")])
    assert alarms.now(device=names[3]) == [] and alarms.now(device="DU_0000000000") == []
    assert alarms.now(type="none") == every and alarms.now(type="PK_00000") == []


def test_the_history(net, viewer, alarms):
    """open-api 6: every change of every rule, newest first, by device, rule, level and time."""
    one, other = net.device(), net.device()
    high = alarms.add(one.login, other.login, name="high")
    slow = alarms.add(one.login, name="slow", level="important", repeat=2)
    for t in (31, 20, 32):
        report(one, t=t)
    report(other, t=33)
    rows = wait_until(lambda: len(rows := alarms.history()) == 7 and rows, "all changes")
    mine = [row for row in rows if row["device"] == one.login.username]
    assert [(row["rule"], row["state"], row["values"]) for row in reversed(mine)] == [
        (high, "alerting", {"t": 31}), (slow, "pending", {"t": 31}),
        (high, "restored", {"t": 20}), (slow, "normal", {"t": 20}),
        (high, "alerting", {"t": 32}), (slow, "pending", {"t": 32})]
    for limit in (1, 3, 7):
        assert alarms.history(limit=limit) == rows
    assert alarms.history(device=one.login.username) == mine
    assert alarms.history(rule=slow) == alarms.history(level="important") == \
        [row for row in rows if row["rule"] == slow]
    assert alarms.history(device=other.login.username, rule=slow) == []
    middle = rows[3]["ts"]
    assert alarms.history(**{"from": middle}) == [row for row in rows if row["ts"] >= middle]
    assert alarms.history(to=middle) == [row for row in rows if row["ts"] < middle]
    assert viewer.get(HISTORY, project_key=alarms.key)["items"] == rows


@pytest.mark.parametrize("path, name, value", [
    (ALARMS, "device", "DU_1"), (ALARMS, "rule", "x"), (ALARMS, "type", "thing"),
    (ALARMS, "level", "loud"), (ALARMS, "state", "normal"), (ALARMS, "cursor", "12"),
    (ALARMS, "limit", "0"), (ALARMS, "from", "0"), (HISTORY, "device", ""), (HISTORY, "rule", "x"),
    (HISTORY, "level", "Urgent"), (HISTORY, "from", "-1h"), (HISTORY, "to", "1e3"),
    (HISTORY, "cursor", "1-"), (HISTORY, "limit", "1001"), (HISTORY, "state", "alerting")])
def test_questions_that_cannot_be(viewer, project, path, name, value):
    """open-api 7: a filter with a typing error is told, not passed over."""
    answer = viewer.call("GET", path, project_key=project.key, query={name: value}, expect=422)
    assert answer["field"] == name


def test_an_application_sees_its_own_devices(net, admin, server, alarms, project):
    """open-api 3, 7: a secret for some devices tells of those alone; one for all may write too."""
    one, other = net.device(), net.device()
    rule = alarms.add(one.login, other.login)
    for device in (one, other):
        report(device, t=31)
    wait_until(lambda: len(alarms.history()) == 2, "both changes")
    secret = admin.post(PROJECT + "/secrets", {"name": "one", "devices": [one.login.username]},
                        project_key=project.key)["secret"]
    bound, free = Api(server), Api(server).application(project)
    token = bound.post("/api_login/", {"username": project.key, "password": secret})["token"]
    bound.headers["Authorization"] = "Bearer " + token
    mine, path = one.login.username, {"project_key": project.key}
    assert [a["device"] for a in bound.get(ALARMS, **path)["items"]] == [mine]
    assert [a["device"] for a in bound.get(HISTORY, **path)["items"]] == [mine]
    assert bound.get(DEVICE_ALARMS, **path, device=mine)["items"][0]["rule"] == rule
    assert bound.get(DEVICE_RULES, **path, device=mine)["items"][0]["rule"] == rule
    bound.get(DEVICE_ALARMS, **path, device=other.login.username, expect=404)
    bound.get(RULES, **path, expect=403)
    bound.get(RULE, **path, rule=rule, expect=403)
    bound.patch(DEVICE_RULE, {"switched_off": True}, **path, device=mine, rule=rule, expect=403)
    assert len(free.get(ALARMS, **path)["items"]) == 2
    assert free.patch(RULE, {"enabled": False}, **path, rule=rule)["enabled"] is False
    for api in (bound, free):
        api.close()
