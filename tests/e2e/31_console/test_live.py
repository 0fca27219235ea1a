"""What is live: values, presence and events are on the page the moment a device sends them."""
import json
import time

import pytest

from lib.console import test
from lib.server import wait_until
from lib.world import Project


def open_device(page, device, tab=""):
    page.goto(f"/#/p/{device.login.project_key}/devices/{device.login.username}/{tab}")
    page.wait_live()


def time_value(page, device, value, record_property):
    """Sends a value, waits until it is shown, and records how long that took."""
    page.note(test("value-temperature"), value)
    sent = time.time()
    device.publish(device.own("attributes"), b'{"temperature":%b}' % value.encode())
    took = page.noted() / 1000 - sent
    record_property("seconds", round(took, 4))
    print(f"{took:.3f} s from the device to the page")


@pytest.fixture
def speaking(browser, admin, language):
    """A page of the administrator in each language."""
    fresh = browser.page(language)
    fresh.be(admin)
    yield fresh
    fresh.assert_clean()


def test_a_value_is_on_the_page(speaking, net, record_property):
    """open-api 3.5: what a device reports is shown at once, by MQTT over wss with a browser pass, in
    both languages; it is drawn in the chart too."""
    device = net.device()
    open_device(speaking, device)
    for value in ("21.5", "22", "23.25"):
        time_value(speaking, device, value, record_property)
    speaking.wait(f'{test("chart")}[data-points="3"]')


def test_the_whole_way_after_a_restart(speaking, net, server, project, record_property):
    """open-api 3.5: after a restart of the server the page connects again by itself, reads what it
    missed, and is live."""
    device = net.device()
    open_device(speaking, device)
    time_value(speaking, device, "1", record_property)
    speaking.note(f'{test("live-state")}[data-state="reconnecting"]', {
        "en": "Reconnecting", "zh-CN": "正在重连"}[speaking.evaluate("document.documentElement.lang")])
    server.stop()
    speaking.noted()
    server.start()
    device = net.device(device.login)
    # sent before the page is back, it may only be read
    device.publish(device.own("attributes"), b'{"pressure":3}')
    speaking.wait_live()
    speaking.contains(test("value-pressure"), "3")
    time_value(speaking, device, "2", record_property)


def test_names_are_any_text(page, net):
    """open-api 1: attributes that no type defines may have any name; names and values are shown as
    text, whatever they look like."""
    device = net.device()
    open_device(page, device)
    names = ("constructor", "__proto__", "<img src=x onerror=alert(1)>", "温度")
    device.publish(device.own("attributes"), json.dumps(dict.fromkeys(names, "<b>1</b>")).encode())
    for name in names:
        page.contains(f'[data-test="attributes"] li:has-text("{name}")', "<b>1</b>")
    assert page.count(f'{test("attributes")} img, {test("attributes")} b') == 0


def test_presence(page, net):
    """open-api 3.2 online: presence changes in the list of devices and on the device's page."""
    device = net.device()
    login = device.login
    page.goto(f"/#/p/{login.project_key}/devices?q={login.username}")
    page.wait_live()
    row = f'[data-test="presence"][data-device="{login.username}"]'
    page.contains(row, "Online")
    device.disconnect()
    page.contains(row, "Offline")
    page.click(test(f"device-{login.username}"))
    page.contains(test("presence"), "Offline")
    net.device(login)
    page.contains(test("presence"), "Online")


def test_events(page, net):
    """open-api 3.2 event_report: events are listed as they come, whichever tab is open."""
    device = net.device()
    open_device(page, device)
    device.publish(device.own("event_report"), b'{"method":"opened","params":{"by":"card"}}')
    device.publish(device.own("attributes"), b'{"after":1}')
    page.wait(test("value-after"))
    page.click("#tab-events")
    page.contains(test("events"), "opened")
    page.contains(test("events"), '{"by":"card"}')


def test_no_connection_is_left(page, server, admin, project):
    """open-api 7, sessions: the page has one connection to the project that it shows, however many
    of its pages are opened, and none to the project that it has left."""
    other = Project.add(server)

    def consoles(key):
        listed = admin.get("/api/v1/projects/{project_key}/sessions", project_key=key)["items"]
        return [each for each in listed if each["client_id"].startswith("console-")]

    page.goto(f"/#/p/{project.key}/overview")
    page.wait_live()
    for name in ("devices", "tester", "messages", "overview"):
        page.click(test(f"nav-{name}"))
        page.wait_live()
    wait_until(lambda: len(consoles(project.key)) == 1, "the one connection")
    page.evaluate(f"location.hash = '/p/{other.key}/overview'")
    wait_until(lambda: len(consoles(other.key)) == 1, "the connection to the other project")
    wait_until(lambda: not consoles(project.key), "that the first project's has ended")
    page.click(".home")
    wait_until(lambda: not consoles(other.key), "that none is left")


def test_switched_off_is_told(page, net, admin, project):
    """open-api 2, open_mqtt: the page says that nothing is live while the switch is off, and is live
    again when it is on."""
    device = net.device()
    open_device(page, device)
    admin.patch("/api/v1/projects/{project_key}", {"open_mqtt": False}, project_key=project.key)
    page.wait(f'{test("live-state")}[data-state="refused"]')
    admin.patch("/api/v1/projects/{project_key}", {"open_mqtt": True}, project_key=project.key)
    page.click(test("live-state"))
    page.wait_live()


def test_the_stream_of_a_project(page, net, project):
    """open-api 3.1: the overview shows what all devices send."""
    page.goto(f"/#/p/{project.key}/overview")
    page.wait_live()
    device = net.device()
    device.publish(device.own("data", "bus"), b"\x00\xff")
    page.contains(test("stream"), "00 ff")
