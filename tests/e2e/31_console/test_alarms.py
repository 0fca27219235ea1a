"""Alarms: rules are made, edited, switched and removed; what alerts is live; the history."""
import json

import pytest

from lib.alarms import over, report
from lib.console import test
from lib.receiver import Receiver
from lib.server import wait_until

SERVER_OPTIONS = ("--webhook-private", "127.0.0.0/8")
RULES = "/api/v1/projects/{project_key}/alarm_rules"
HISTORY = "/api/v1/projects/{project_key}/alarm_history"


@pytest.fixture
def alarms(page, project):
    def open_tab(tab=""):
        page.goto(f"/#/p/{project.key}/alarms/{tab}")
        page.wait_live()
        return page
    return open_tab


def add_rule(admin, device, name, trigger=None, **more):
    definition = {"name": name, "level": "urgent", "source": {"devices": [device.username]},
                  "trigger": trigger or over(30), **more}
    return admin.post(RULES, {"definition": definition},
                      project_key=device.project_key)["rule"]


def wait_for_history(admin, device, count):
    """Until so many changes of a device are stored, which is a moment after they happen."""
    wait_until(lambda: len(admin.get(HISTORY, project_key=device.project_key, query={
        "device": device.username})["items"]) == count, "the history")


def test_a_rule_from_its_making_to_its_end(alarms, admin, net):
    """open-api 6: a rule that is made in the form counts at once, is edited, switched off, and
    removed."""
    device = net.device()
    page = alarms("rules")
    page.click(test("add-rule"))
    page.fill(test("rule-name"), "Too hot")
    page.choose(test("rule-source"), "Chosen devices")
    page.fill(test("rule-devices"), device.login.username)
    page.fill(test("condition-attribute"), "t")
    page.fill(test("condition-value"), "30")
    page.click(test("save-rule"))
    page.contains(test("rules"), "Too hot")
    page.contains(test("rules"), "t > 30")
    listed = admin.get(RULES, project_key=net.project.key)["items"]
    rule = next(each["rule"] for each in listed if each["name"] == "Too hot")
    one = {"project_key": net.project.key, "rule": rule}
    definition = admin.get(RULES + "/{rule}", **one)["definition"]
    assert definition["source"] == {"devices": [device.login.username]}
    assert definition["trigger"] == {"all": [{"attribute": "t", "operator": ">", "value": 30}]}

    page.click(test("edit-Too hot"))
    page.fill(test("condition-value"), "40")
    page.click(test("save-rule"))
    page.contains(test("rules"), "t > 40")
    page.click(test("switch-Too hot"))
    page.wait(f'{test("switch-Too hot")}:not(.is-checked)')
    assert admin.get(RULES + "/{rule}", **one)["enabled"] is False
    page.click(test("remove-Too hot"))
    page.confirm()
    page.gone(test("remove-Too hot"))
    admin.get(RULES + "/{rule}", expect=404, **one)


def test_what_alerts_comes_and_goes(alarms, admin, net):
    """open-api 6: an alarm is on the page when it starts, and off it when it ends, without a
    reload; the list of devices and the overview say so too."""
    device = net.device()
    add_rule(admin, device.login, "Comes and goes")
    page = alarms()
    report(device, t=31)
    page.contains(test("alarms"), "Comes and goes")
    page.contains(test("alarms"), device.login.username)
    page.goto(f"/#/p/{net.project.key}/devices?q={device.login.username}")
    page.wait_live()
    page.wait(test(f"alerting-{device.login.username}"))
    report(device, t=29)
    page.gone(test(f"alerting-{device.login.username}"))
    report(device, t=31)
    page.wait(test(f"alerting-{device.login.username}"))
    page = alarms()
    page.contains(test("alarms"), "Comes and goes")
    report(device, t=29)
    page.gone(f'{test("alarms")} :text("Comes and goes")')


def test_devices_are_called_by_their_names(alarms, admin, net):
    """open-api 7: where an alarm or a message tells of a device, its name leads to it; its user name
    stands beside."""
    device = net.device()
    admin.patch("/api/v1/projects/{project_key}/devices/{device}", {"name": "Boiler 7"},
                project_key=net.project.key, device=device.login.username)
    add_rule(admin, device.login, "Named")
    report(device, t=31)
    wait_for_history(admin, device.login, 1)
    page = alarms()
    for where in (test("alarms"), test("alarm-history")):
        page.contains(where, "Boiler 7")
        page.contains(where, device.login.username)
        page = alarms("history")
    page.goto(f"/#/p/{net.project.key}/overview")
    page.wait_live()
    report(device, t=32)
    page.click(f'{test("stream")} a:text("Boiler 7") >> nth=0')
    page.contains("h1", "Boiler 7")


def test_pending(alarms, admin, net):
    """open-api 6, states: what is met but has not lasted is pending, and is chosen by its state."""
    device = net.device()
    add_rule(admin, device.login, "Lasting", duration=86400)
    report(device, t=31)
    page = alarms()
    page.contains(test("alarms"), "Lasting")
    page.choose(test("alarm-state"), "Pending")
    page.contains(test("alarms"), "Lasting")
    page.choose(test("alarm-state"), "Alerting")
    page.gone(f'{test("alarms")} :text("Lasting")')


def test_history(alarms, admin, net):
    """open-api 6: every change of every rule, with the values."""
    device = net.device()
    add_rule(admin, device.login, "Remembered")
    report(device, t=31)
    report(device, t=29)
    wait_for_history(admin, device.login, 2)
    page = alarms("history")
    page.fill(test("history-device"), device.login.username)
    page.press(test("history-device"), "Enter")
    rows = f'{test("alarm-history")} tbody tr'
    page.gone(f"{rows} >> nth=2")
    first, second = page.texts(rows)
    assert "Restored" in first and '{"t":29}' in first, first
    assert "Alerting" in second and '{"t":31}' in second, second


def test_alarms_of_a_device(page, admin, net):
    """open-api 6: a device's page tells how each of its rules stands, live, and switches one off
    for this device alone."""
    device = net.device()
    rule = add_rule(admin, device.login, "Of one device")
    login = device.login
    page.goto(f"/#/p/{login.project_key}/devices/{login.username}/alarms")
    page.wait_live()
    page.wait(f'{test("alarm-Of one device")}[data-state="normal"]')
    report(device, t=31)
    page.wait(f'{test("alarm-Of one device")}[data-state="alerting"]')
    page.wait(test("alerting"))
    page.click(test("here-Of one device"))
    page.gone(test("alerting"))
    page.gone(test("alarm-Of one device"))
    definition = admin.get(RULES + "/{rule}", project_key=login.project_key, rule=rule)["definition"]
    assert definition["except"] == [login.username], json.dumps(definition)


def test_a_webhook(alarms, admin, net):
    """open-api 6, notifiers: a webhook is added, its secret shown this once, and tried; it is told
    of an alarm; it is switched off and removed."""
    with Receiver() as receiver:
        page = alarms("notifiers")
        page.wait(test("empty"))
        page.click(test("add-notifier"))
        page.fill(test("notifier-name"), "ops")
        page.fill(test("notifier-url"), receiver.url)
        page.click(f'.el-dialog {test("add")}')
        secret = page.text(f'{test("notifier-secret")} code')
        page.click(test("done"))
        page.contains(test("notifiers"), receiver.url)
        page.gone(f':text("{secret}")')
        page.click(test("test-ops"))
        post = receiver.next()
        assert post.is_signed_by(secret) and post.json["type"] == "test"
        page.contains(test("last-ops"), "200")
        device = net.device()
        add_rule(admin, device.login, "Told")
        report(device, t=31)
        post = receiver.next()
        assert post.is_signed_by(secret) and post.json["device"] == device.login.username
        page.click(test("renew-ops"))
        page.confirm()
        renewed = page.text(f'{test("notifier-secret")} code')
        assert renewed != secret
        page.click(test("done"))
        page.click(test("test-ops"))
        assert receiver.next().is_signed_by(renewed)
        page.click(test("switch-ops"))
        page.wait(f'{test("switch-ops")}:not(.is-checked)')
        page.click(test("remove-ops"))
        page.confirm()
        page.wait(test("empty"))
