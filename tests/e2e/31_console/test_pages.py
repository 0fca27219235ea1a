"""Every page, in both languages, wide and on a telephone: whole, translated, within its width, and
within its Content-Security-Policy (the fixtures see to that)."""
import re

import pytest

from lib.console import NARROW, WIDE, Browser, test
from lib.http import PASSWORD, USERNAME, Api
from lib.server import Server, wait_until
from lib.world import Login, Net, Project

THERMOSTAT = {
    "name": "Thermostat", "code": "thermo-1",
    "definition": {
        "max_rate": 20,
        "attributes": [
            {"id": "temperature", "name": "Temperature", "direction": "report", "type": "number",
             "unit": "°C", "precision": 1, "minimum": -40, "maximum": 125},
            {"id": "mode", "direction": "both", "type": "enum", "values": ["eco", "comfort"]}],
        "events": [{"id": "overheat", "params": [{"id": "by", "type": "number"}]}],
        "commands": [{"id": "reboot", "params": [{"id": "after", "type": "number"}]}],
        "streams": [{"id": "bus", "format": "modbus_rtu"}],
    },
}
# What is in the middle of a page, behind its address.
PAGES = {
    "/projects": test("project"),
    "/operators": test("operators"),
    "/server": "main .el-table__row",
    "/nothing/here": "main h1",
    "/p/{key}/overview": test("online-count"),
    "/p/{key}/devices": test("devices"),
    "/p/{key}/devices/{du}": test("chart"),
    "/p/{key}/devices/{du}/control": test("push-json"),
    "/p/{key}/devices/{du}/events": "#pane-events .card",
    "/p/{key}/devices/{du}/log": test("log-switch"),
    "/p/{key}/devices/{du}/subs": test("empty"),
    "/p/{key}/devices/{du}/connection": test("device-line"),
    "/p/{key}/devices/{du}/alarms": test("device-alarms"),
    "/p/{key}/alarms": test("alarms"),
    "/p/{key}/alarms/rules": test("rules"),
    "/p/{key}/alarms/history": test("alarm-history"),
    "/p/{key}/alarms/notifiers": test("empty"),
    "/p/{key}/types": test("types"),
    "/p/{key}/types/{type}": test("attribute-table"),
    "/p/{key}/messages": test("follow"),
    "/p/{key}/tester": test("subscribe"),
    "/p/{key}/sessions": test("sessions"),
    "/p/{key}/settings/api": test("secrets"),
    "/p/{key}/settings/general": test("save-endpoints"),
}
UNTRANSLATED = re.compile(r"\b(common|nav|live|problem|devices|device|types|alarms|tester|api|"
                          r"settings|server|operators|overview)\.[a-z][A-Za-z]+\b")


@pytest.fixture(scope="module")
def shown(server, admin):
    """A project with something on every page."""
    project = Project.add(server)
    kind = admin.post("/api/v1/projects/{project_key}/types", THERMOSTAT, project_key=project.key)
    device = admin.post("/api/v1/projects/{project_key}/devices",
                        {"name": "Greenhouse", "type": kind["product_key"]},
                        project_key=project.key)
    admin.post("/api/v1/projects/{project_key}/alarm_rules", {"definition": {
        "name": "Not there", "level": "urgent", "source": {"type": kind["product_key"]},
        "trigger": {"offline": True}}}, project_key=project.key)
    login = Login(device["username"], device["password"], project.key)
    net = Net(server, project, "tcp")
    net.device(login).disconnect()  # it has gone offline, so the rule alerts
    wait_until(lambda: admin.get("/api/v1/projects/{project_key}/alarms",
                                 project_key=project.key)["items"], "the alarm")
    net.close()
    return {"key": project.key, "du": device["username"], "type": kind["product_key"]}


@pytest.mark.timeout(600)  # two dozen pages, each loaded anew
@pytest.mark.parametrize("size", [WIDE, NARROW], ids=["wide", "narrow"])
def test_every_page(browser, admin, shown, language, size):
    """open-api 7, console: each page is there without a fault, in its language, and not wider than
    the screen."""
    page = browser.page(language, size)
    page.be(admin)
    for path, middle in PAGES.items():
        page.goto("/#" + path.format(**shown))
        page.wait(middle)
        assert page.evaluate("document.documentElement.lang") == language
        width, most = page.evaluate("[document.scrollingElement.scrollWidth, innerWidth]")
        assert width <= most, f"{path} is {width} wide"
        assert page.count('main [data-test="problem"]') == 0, path
        text = page.text("body")
        assert not UNTRANSLATED.search(text), (path, UNTRANSLATED.search(text))
    page.assert_clean()


def test_the_language_is_chosen_and_kept(page, project):
    """open-api 7, console: the language is changed in the page, and is the same after a reload."""
    page.goto("/#/projects")
    page.contains("h1", "Projects")
    page.click(test("language"))
    page.click(test("language-zh-CN"))
    page.contains("h1", "项目")
    page.goto("/#/projects")
    page.contains("h1", "项目")


def test_a_new_project(page, admin):
    """open-api 7: a project is made here, and removed only when its name was typed."""
    page.goto("/#/projects")
    page.click(test("new-project"))
    page.fill(test("project-name-input"), "Factory 7")
    page.click(test("create"))
    page.wait(test("mqtt-endpoint"))
    key = page.path().split("/")[2]
    assert admin.get("/api/v1/projects/{project_key}", project_key=key)["name"] == "Factory 7"
    page.goto(f"/#/p/{key}/settings/general")
    page.click(test("remove-project"))
    page.fill(test("confirm-name"), "Factory")
    assert page.count(f'{test("confirm-remove")}[disabled]') == 1
    page.fill(test("confirm-name"), "Factory 7")
    page.click(test("confirm-remove"))
    page.wait(test("project"))
    admin.get("/api/v1/projects/{project_key}", project_key=key, expect=404)


def test_a_type_is_edited(page, admin, shown):
    """open-api 5: an attribute is added in the form, saved, and part of what is exported."""
    page.goto(f"/#/p/{shown['key']}/types/{shown['type']}")
    page.click(test("add-attribute"))
    page.fill(test("attribute-id"), "humidity")
    page.fill(test("attribute-name"), "Humidity")
    page.fill(test("attribute-unit"), "%")
    page.click(test("put"))
    page.click(test("save-type"))
    page.wait(f'{test("save-type")}[disabled]:not(.is-loading)')
    exported = page.download(test("export-type"))["text"]
    assert '"humidity"' in exported
    page.goto(f"/#/p/{shown['key']}/types")
    page.click(test("import-type"))
    page.fill(test("type-json"), exported.replace("thermo-1", "thermo-2"))
    page.click(f'.el-dialog {test("add")}')
    page.contains(test("attribute-table"), "Humidity")


def test_what_the_server_refuses_is_said(page, shown):
    """open-api 7, problems: in words, with the server's reason, and nothing is lost of the form."""
    page.goto(f"/#/p/{shown['key']}/types")
    page.click(test("import-type"))
    page.fill(test("type-json"), '{"name": "Broken", "definition": {"attributes": [{"id": "a b"}]}}')
    page.click(f'.el-dialog {test("add")}')
    page.wait(test("problem"))
    assert "Broken" in page.value(test("type-json"))


def test_a_server_that_is_away(browser, server):
    """open-api 7, console: the page says that the server is not there, and goes on when it is."""
    other = Server().start()
    admin = Api(other).set_up()
    try:
        visitor = Browser(other.demo["endpoints"]["https"])
        page = visitor.page()
        page.sign_in(USERNAME, PASSWORD)
        page.goto("/#/projects")
        page.wait(test("project"))
        other.stop()
        # the part of the console with the project's pages has not been loaded yet
        page.click(".project >> nth=0")
        page.wait(test("missing"))
        other.start()
        page.click(test("open-again"))
        page.wait(test("online-count"))
        page.gone(test("missing"))
        # this one's part is there, what it shows is not
        page.click(test("nav-devices"))
        page.wait(test("devices"))
        other.stop()
        page.fill(test("search"), "pump")
        page.wait(test("problem"))
        other.start()
        page.click(".around .el-button")
        page.gone(test("problem"))
        visitor.close()
        other.stop()
    finally:
        admin.close()
        other.remove()
