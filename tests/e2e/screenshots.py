#!/usr/bin/env python3
"""Screenshots of the console's pages, in both languages, wide and on a telephone, of a server with
devices, alarms and sessions. To look at after a change of the console:

    screenshots.py FOLDER [PART-OF-A-NAME ...]
"""
import json
import sys
import threading
import time
from pathlib import Path

from lib.console import LANGUAGES, NARROW, WIDE, Browser, test
from lib.http import PASSWORD, USERNAME, Api, setup_token
from lib.server import Server, wait_until
from lib.world import Login, Net, Project

HIGHEST = 1800  # lists go on like that
PROJECT = "/api/v1/projects/{project_key}"
TYPE = PROJECT + "/types/{product_key}"
THERMOSTAT = {
    "name": "温室控制器 Greenhouse controller", "code": "greenhouse-2",
    "definition": {
        "max_rate": 20,
        "attributes": [
            {"id": "temperature", "name": "温度", "direction": "report", "type": "number",
             "unit": "°C", "precision": 1, "minimum": -40, "maximum": 125},
            {"id": "humidity", "name": "湿度", "direction": "report", "type": "number", "unit": "%"},
            {"id": "mode", "name": "模式", "direction": "both", "type": "enum",
             "values": ["eco", "comfort"]},
            {"id": "window", "direction": "push", "type": "switch"},
            {"id": "owner", "direction": "private", "type": "text"}],
        "events": [{"id": "overheat", "name": "过热", "params": [{"id": "by", "type": "number"}]}],
        "commands": [{"id": "reboot", "name": "重启", "params": [{"id": "after", "type": "number"}]}],
        "streams": [{"id": "bus", "format": "modbus_rtu"}],
    },
}
NAMES = ["1 号温室", "2 号温室", "North greenhouse", "水泵 Pump 3", "冷库门口的温度计",
         "A device whose name is rather long for a list", "Boiler", "网关 Gateway"]

def change_type(shown):
    """Somebody else does."""
    where = {"project_key": shown["key"], "product_key": shown["type"]}
    name = THERMOSTAT["name"]
    if shown["admin"].get(TYPE, **where)["name"] == name:
        name += " 2"
    shown["admin"].patch(TYPE, {"name": name}, **where)


# name: (path, what must be there, what is clicked or filled then, to be waited for, or happens)
PAGES = {
    "login": ("/login", test("username")),
    "projects": ("/projects", test("project")),
    "project-new": ("/projects", test("project"), [("click", test("new-project"))]),
    "operators": ("/operators", test("operators")),
    "operator-new": ("/operators", test("operators"), [("click", test("add-operator"))]),
    "server": ("/server", "main .el-table__row"),
    "nowhere": ("/nothing/here", "main h1"),
    "no-project": ("/p/PR_0000000000/overview", test("problem")),
    "overview": ("/p/{key}/overview", test("stream")),
    "devices": ("/p/{key}/devices", test("devices")),
    "devices-none": ("/p/{key}/devices?q=nothing", test("empty")),
    "devices-empty": ("/p/{empty}/devices", test("empty")),
    "device-add": ("/p/{key}/devices", test("devices"), [("click", test("add-device"))]),
    "device-remove": ("/p/{key}/devices", test("devices"), [("click", '[data-test^="remove-"] >> nth=0')]),
    "values": ("/p/{key}/devices/{du}", f'{test("chart")}:not([data-points="0"])'),
    "values-none": ("/p/{key}/devices/{plain}", test("chart")),
    "control": ("/p/{key}/devices/{du}/control", test("commands")),
    "events": ("/p/{key}/devices/{du}/events", test("events")),
    "log": ("/p/{key}/devices/{du}/log", test("log")),
    "log-off": ("/p/{key}/devices/{plain}/log", test("empty")),
    "device-alarms": ("/p/{key}/devices/{du}/alarms", test("device-alarms")),
    "subs": ("/p/{key}/devices/{gateway}/subs", test("subs")),
    "connection": ("/p/{key}/devices/{du}/connection", test("device-line")),
    "types": ("/p/{key}/types", test("types")),
    "type": ("/p/{key}/types/{type}", test("attribute-table")),
    "type-json": ("/p/{key}/types/{type}", test("attribute-table"), [("click", ":nth-match(.el-radio-button, 2)")]),
    "attribute": ("/p/{key}/types/{type}", test("attribute-table"), [("click", test("add-attribute"))]),
    "type-stale": ("/p/{key}/types/{type}", test("attribute-table"),
                   [(change_type,), ("fill", test("type-name"), "温室 Greenhouse"),
                    ("click", test("save-type")), ("wait", test("load-now"))]),
    "type-import": ("/p/{key}/types", test("types"), [("click", test("import-type"))]),
    "alarms": ("/p/{key}/alarms", test("alarms")),
    "alarms-none": ("/p/{empty}/alarms", test("empty")),
    "rules": ("/p/{key}/alarms/rules", test("rules")),
    "rule-new": ("/p/{key}/alarms/rules", test("rules"), [("click", test("add-rule"))]),
    "history": ("/p/{key}/alarms/history", test("alarm-history")),
    "notifiers": ("/p/{key}/alarms/notifiers", test("notifiers")),
    "notifier-new": ("/p/{key}/alarms/notifiers", test("notifiers"),
                     [("click", test("add-notifier"))]),
    "messages": ("/p/{key}/messages", test("stored-messages")),
    "tester": ("/p/{key}/tester", test("subscribe"),
               [("fill", test("filter"), "open/{key}/+/attributes"), ("click", test("subscribe")),
                ("wait", test("message"))]),
    "sessions": ("/p/{key}/sessions", test("sessions")),
    "api": ("/p/{key}/settings/api", test("secrets")),
    "api-shown": ("/p/{key}/settings/api", test("secrets"), [("click", test("reveal-project")),
                                                              ("click", test("snippet-python"))]),
    "secret-new": ("/p/{key}/settings/api", test("secrets"), [("click", test("add-secret"))]),
    "secret-renew": ("/p/{key}/settings/api", test("secrets"), [("click", test("renew-secret"))]),
    "general": ("/p/{key}/settings/general", test("save-endpoints")),
}


def furnish(server, admin):
    """A project with something on every page; what the addresses of the pages need."""
    project = Project.add(server, "温室一期 Greenhouse")
    of = {"project_key": project.key}
    admin.patch(PROJECT, {"journal": "always"}, **of)
    kind = admin.post(PROJECT + "/types", THERMOSTAT, **of)
    admin.post(PROJECT + "/types", {"name": "Water meter"}, **of)
    devices = [admin.post(PROJECT + "/devices", {
        "name": name, "type": kind["product_key"] if number < 5 else None,
        "sn": f"SN-2026-{number:04}"}, **of) for number, name in enumerate(NAMES)]
    gateway = devices[-1]["username"]
    for address in "123":
        admin.post(PROJECT + "/devices", {"name": f"电表 {address}", "parent": gateway,
                                          "address": address}, **of)
    for name, level, trigger, more in (
            ("过热 Too hot", "urgent", {"any": [{"attribute": "temperature", "operator": ">", "value": 30}]}, {}),
            ("Window open for long", "important",
             {"all": [{"attribute": "humidity", "operator": ">", "value": 70},
                      {"attribute": "mode", "operator": "==", "value": "eco"}]}, {"duration": 3600}),
            ("设备离线", "normal", {"offline": True}, {})):
        admin.post(PROJECT + "/alarm_rules", {"definition": {
            "name": name, "level": level, "source": {"type": kind["product_key"]},
            "trigger": trigger, **more}}, **of)
    admin.post(PROJECT + "/secrets", {"name": "billing", "scopes": ["subscribe"],
                                      "addresses": ["10.0.0.0/8"]}, **of)
    admin.post("/api/v1/operators", {"username": "li.na", "password": PASSWORD, "role": "viewer"})
    admin.post(PROJECT + "/notifiers", {"name": "ops", "url": "https://hooks.example.com/alarms",
                                        "levels": ["urgent"]}, **of)
    empty = admin.post("/api/v1/projects", {"name": "Empty"})["project_key"]
    net = Net(server, project)
    online = [net.device(Login(d["username"], d["password"], project.key), subscribe=["command_send"])
              for d in (admin.get(PROJECT + "/devices/{device}", device=each["username"], **of)
                        for each in devices[:4])]
    first = online[0]
    admin.patch(PROJECT + "/devices/{device}", {"log": True}, device=first.login.username, **of)
    for method in ("reboot", "calibrate"):
        sent = admin.post(PROJECT + "/devices/{device}/commands",
                          {"method": method, "params": {"after": 5}}, device=first.login.username, **of)
        if method == "reboot":
            first.publish(first.own("command_reply"), json.dumps(
                {"method": method, "params": {"done": True}, "id": sent["id"]}).encode())
    first.publish(first.own("attributes"), b"no JSON at all")
    first = net.device(first.login, subscribe=["command_send"])
    online[0] = first
    net.app(client_id="dashboard-1").subscribe(*(f"open/{project.key}/+/{kind}"
                                                 for kind in ("alarm", "online")))
    online.pop().disconnect()
    return net, {"key": project.key, "empty": empty, "type": kind["product_key"], "gateway": gateway,
            "admin": admin, "du": first.login.username, "plain": devices[5]["username"]}, online


def speak(devices, stop):
    """What devices say while pages are looked at."""
    turn = 0
    while not stop.wait(0.4):
        turn += 1
        for place, device in enumerate(devices):
            device.publish(device.own("attributes"), json.dumps({
                "temperature": round(24 + 9 * abs((turn + 7 * place) % 20 - 10) / 10, 1),
                "humidity": 55 + (turn * 3 + place) % 20, "mode": "eco",
                "position": {"lat": 31.2304, "lon": 121.4737}}).encode())
        devices[0].publish(devices[0].own("event_report"), b'{"method":"overheat","params":{"by":3.5}}')
        devices[0].publish(devices[0].own("data", "bus"), bytes(range(1, 18)))


def shoot(page, folder, name, shown, steps):
    path, middle, *more = steps
    page.goto("/#" + path.format(**shown))
    page.wait(middle)
    for do, *args in more[0] if more else ():
        if callable(do):
            do(shown)
        else:
            getattr(page, do)(*(arg.format(**shown) for arg in args))
    time.sleep(0.6)  # animations, and something live
    page.screenshot(str(folder / f"{name}.png"), HIGHEST)
    width, most = page.evaluate("[document.scrollingElement.scrollWidth, innerWidth]")
    if width > most:
        print(f"{name} is {width} wide, the screen {most}")


def main(folder, *parts):
    folder.mkdir(parents=True, exist_ok=True)
    server = Server().start()
    stop = threading.Event()
    try:
        browser = Browser(server.demo["endpoints"]["https"])
        token = setup_token(server)
        for language in LANGUAGES:
            page = browser.page(language)
            shoot(page, folder, f"setup-{language}-wide", {}, (f"/setup?token={token}", test("again")))
        admin = Api(server).set_up()
        net, shown, devices = furnish(server, admin)
        talk = threading.Thread(target=speak, args=(devices, stop))
        talk.start()
        for language in LANGUAGES:
            for size, kind in ((WIDE, "wide"), (NARROW, "narrow")):
                page = browser.page(language, size)
                signed_in = False
                for name, steps in PAGES.items():
                    full = f"{name}-{language}-{kind}"
                    if parts and not any(part in full for part in parts):
                        continue
                    if name != "login" and not signed_in:
                        page.sign_in(USERNAME, PASSWORD)
                        signed_in = True
                    try:
                        shoot(page, folder, full, shown, steps)
                    except AssertionError as error:
                        print(f"{full}: {str(error)[:300]}")
                print(f"{language} {kind}", page.faults() or "clean")
        stop.set()
        talk.join()
        net.close()
        browser.close()
        server.stop()
    finally:
        stop.set()
        server.remove()


if __name__ == "__main__":
    main(Path(sys.argv[1]), *sys.argv[2:])
