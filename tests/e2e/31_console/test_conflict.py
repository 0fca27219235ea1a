"""Two people change the same: the second one is told, overwrites nothing, and may load what is there.

HTTPS API: If-Match, 412. What changes by itself, and other members, are in nobody's way.
"""
import json

import pytest

from lib.console import LANGUAGES, test
from lib.server import wait_until

PROJECT = "/api/v1/projects/{project_key}"
TYPE = PROJECT + "/types/{product_key}"
RULE = PROJECT + "/alarm_rules/{rule}"
TOLD = {"en": "Somebody else has changed this in the meantime.", "zh-CN": "内容已被他人修改。"}


def attribute(name):
    return {"id": name, "direction": "report", "type": "number"}


@pytest.fixture
def kind(admin, project):
    """A device type, with one attribute."""
    return admin.post(PROJECT + "/types", {
        "name": "Sensor", "definition": {"attributes": [attribute("temperature")]}},
        project_key=project.key)


def told(page, language="en"):
    page.contains(test("problem"), TOLD[language])


def load(page):
    page.click(test("load-now"))
    page.gone(test("problem"))


def add_attribute(page, name):
    page.click(test("add-attribute"))
    page.fill(test("attribute-id"), name)
    page.click(test("put"))
    page.contains(test("attribute-table"), name)


@pytest.mark.parametrize("language", LANGUAGES)
def test_type(browser, admin, project, kind, language):
    """What was typed stays until the person loads the other's; then it can be changed again."""
    page = browser.page(language)
    page.be(admin)
    where = {"project_key": project.key, "product_key": kind["product_key"]}
    page.goto(f"/#/p/{project.key}/types/{kind['product_key']}")
    page.wait(test("attribute-table"))
    admin.patch(TYPE, {"definition": {"attributes": [attribute("humidity")]}}, **where)
    add_attribute(page, "pressure")
    page.click(test("save-type"))
    told(page, language)
    page.contains(test("attribute-table"), "pressure")
    assert admin.get(TYPE, **where)["definition"] == {"attributes": [attribute("humidity")]}
    load(page)
    page.contains(test("attribute-table"), "humidity")
    assert "pressure" not in page.text(test("attribute-table"))
    add_attribute(page, "pressure")
    page.click(test("save-type"))
    page.wait(f'{test("save-type")}[disabled]:not(.is-loading)')
    assert [each["id"] for each in admin.get(TYPE, **where)["definition"]["attributes"]] == \
        ["humidity", "pressure"]
    page.assert_clean()


def test_what_changes_by_itself(page, admin, project, kind):
    """A device more of the type, and another member, are no reason to refuse."""
    where = {"project_key": project.key, "product_key": kind["product_key"]}
    page.goto(f"/#/p/{project.key}/types/{kind['product_key']}")
    page.wait(test("attribute-table"))
    admin.post(PROJECT + "/devices", {"type": kind["product_key"]}, project_key=project.key)
    admin.patch(TYPE, {"name": "Sensor of theirs"}, **where)
    add_attribute(page, "pressure")
    page.click(test("save-type"))
    page.contains("h1", "Sensor of theirs")
    now = admin.get(TYPE, **where)
    assert (now["name"], now["device_count"]) == ("Sensor of theirs", 1)
    assert [each["id"] for each in now["definition"]["attributes"]] == ["temperature", "pressure"]


def test_rule(page, admin, project):
    """In the dialog of a rule, which then shows the rule as it is now."""
    definition = {"name": "Hot", "level": "normal", "source": {"devices": ["DU_0000000000"]},
                  "trigger": {"all": [{"attribute": "t", "operator": ">", "value": 30}]}}
    rule = admin.post(PROJECT + "/alarm_rules", {"definition": definition},
                      project_key=project.key)["rule"]
    where = {"project_key": project.key, "rule": rule}
    page.goto(f"/#/p/{project.key}/alarms/rules")
    page.click(test("edit-Hot"))
    page.fill(f'input{test("condition-value")}, {test("condition-value")} input', "31")
    theirs = {**definition, "name": "Very hot"}
    admin.patch(RULE, {"definition": theirs}, **where)
    page.click(test("save-rule"))
    told(page)
    assert admin.get(RULE, **where)["definition"] == theirs
    load(page)
    name = f'input{test("rule-name")}, {test("rule-name")} input'
    value = f'input{test("condition-value")}, {test("condition-value")} input'
    wait_until(lambda: (page.value(name), page.value(value)) == ("Very hot", "30"),
               "the rule as it is now")
    page.fill(value, "31")
    page.click(test("save-rule"))
    page.contains(test("rules"), "t > 31")
    assert admin.get(RULE, **where)["definition"]["name"] == "Very hot"


def test_project(page, admin, server):
    """The name of a project."""
    key = admin.post("/api/v1/projects", {"name": "Hall"})["project_key"]
    page.goto(f"/#/p/{key}/settings/general")
    page.fill(test("name"), "Hall 1")
    admin.patch(PROJECT, {"name": "Hall 2"}, project_key=key)
    page.click(test("save-name"))
    told(page)
    assert admin.get(PROJECT, project_key=key)["name"] == "Hall 2"
    load(page)
    assert page.value(test("name")) == "Hall 2"
    page.fill(test("name"), "Hall 3")
    page.click(test("save-name"))
    page.wait(f'{test("save-name")}[disabled]')
    assert admin.get(PROJECT, project_key=key)["name"] == "Hall 3"


def test_addresses_that_are_typed(page, admin, server):
    """They stay while something else of the project is changed, here or by somebody else."""
    key = admin.post("/api/v1/projects", {"name": "Hall"})["project_key"]
    typed, theirs = "wss://mine.example/mqtt", "https://theirs.example"
    wss, https = (f'{test("endpoint-" + name)} >> textarea' for name in ("app_wss", "https"))
    page.goto(f"/#/p/{key}/settings/general")
    page.fill(test("name"), "Hall 1")
    page.fill(wss, typed)
    admin.patch(PROJECT, {"own_endpoints": {"https": [theirs]}}, project_key=key)
    page.click(test("project-log"))
    page.wait(f'{test("project-log")}.is-checked:not(.is-loading)')
    page.wait(f'{test("save-name")}:not([disabled])')
    assert (page.value(wss), page.value(test("name"))) == (typed, "Hall 1")
    assert page.value(https) == theirs
    page.click(test("save-endpoints"))
    wait_until(lambda: admin.get(PROJECT, project_key=key)["own_endpoints"] ==
               {"app_wss": [typed], "https": [theirs]}, "the addresses")
    page.wait(f'{test("save-endpoints")}:not(.is-loading)')
    assert page.value(test("name")) == "Hall 1"


def test_removed(page, admin, project, kind):
    """What somebody else has changed is looked at before it is removed."""
    where = {"project_key": project.key, "product_key": kind["product_key"]}
    page.goto(f"/#/p/{project.key}/types/{kind['product_key']}")
    page.wait(test("attribute-table"))
    admin.patch(TYPE, {"name": "In use"}, **where)
    page.click(test("remove-type"))
    page.click(".el-message-box:visible .el-button--danger")
    page.contains(".el-message-box", TOLD["en"])
    page.click(".el-message-box:visible .el-button--primary")
    page.contains("h1", "In use")
    assert admin.get(TYPE, **where)["name"] == "In use"
    admin.post(PROJECT + "/devices", {"type": kind["product_key"]}, project_key=project.key)
    page.click(test("remove-type"))
    page.confirm()
    page.contains("h1", "Device types")
    admin.get(TYPE, **where, expect=404)


def test_device(page, admin, net):
    """Where no form has room to tell it, a question does."""
    login = net.project.device()
    where = {"project_key": net.project.key, "device": login.username}
    device = PROJECT + "/devices/{device}"
    page.goto(f"/#/p/{net.project.key}/devices/{login.username}/connection")
    page.wait_live()
    name = ".columns .field:has(.el-button) >> nth=0"
    page.fill(f"{name} >> input", "Mine")
    admin.patch(device, {"name": "Theirs"}, **where)
    net.device(login)  # its presence changes, which is not in the way
    page.contains(test("presence"), "Online")
    page.click(f"{name} >> button")
    page.contains(".el-message-box", TOLD["en"])
    assert admin.get(device, **where)["name"] == "Theirs"
    page.click(".el-message-box:visible .el-button--primary")
    page.contains("h1", "Theirs")
    assert page.value(f"{name} >> input") == "Theirs"
    page.fill(f"{name} >> input", "Mine")
    page.click(f"{name} >> button")
    page.contains("h1", "Mine")
    assert admin.get(device, **where)["name"] == "Mine"


def test_values(page, admin, net):
    """Values of the cloud's own: the others of the device are in nobody's way."""
    device = net.device()
    where = {"project_key": net.project.key, "device": device.login.username}
    values = PROJECT + "/devices/{device}/attributes"
    admin.patch(values, {"note": "spare", "shelf": 1}, **where)
    page.goto(f"/#/p/{net.project.key}/devices/{device.login.username}/control")
    page.wait_live()
    page.click(f'{test("cloud-only")} >> xpath=ancestor-or-self::label')
    page.fill(test("push-json"), '{"note": "mine"}')
    device.publish(device.own("attributes"), b'{"temperature": 21}')
    admin.patch(values, {"note": "theirs"}, **where)
    page.click(test("push"))
    told(page)
    assert admin.get(values, **where)["attributes"]["note"]["value"] == "theirs"
    load(page)
    assert json.loads(page.value(test("push-json"))) == {"note": "theirs"}
    admin.patch(values, {"shelf": 2}, **where)
    page.fill(test("push-json"), '{"note": "mine"}')
    page.click(test("push"))
    page.wait(test("was-set"))
    now = admin.get(values, **where)["attributes"]
    assert {name: each["value"] for name, each in now.items()} == \
        {"note": "mine", "shelf": 2, "temperature": 21}
