"""Devices: add, find, page through, open, remove; what a page tells of one."""
from itertools import count

import pytest

from lib.console import test

names = (f"Pump {number}" for number in count(1))


@pytest.fixture
def devices(page, project):
    page.goto(f"/#/p/{project.key}/devices")
    page.wait(test("search"))
    return page


def add(page, name):
    page.click(test("add-device"))
    page.fill(test("device-name"), name)
    page.click(f'.el-dialog {test("add")}')
    page.wait(test("added"))
    return (page.text(f'{test("added-username")} code'), page.text(f'{test("added-password")} code'))


def test_add_connect_remove(devices, net, server):
    """open-api 4: a device that is added here gets a user name and a password that work; removing
    it asks first and closes its connection."""
    name = next(names)
    username, password = add(devices, name)
    devices.click(test("done"))
    device = net.raw("device").connect(None, username, password)
    devices.contains(f'[data-test="presence"][data-device="{username}"]', "Online")
    devices.click(test(f"remove-{username}"))
    devices.confirm()
    devices.gone(test(f"device-{username}"))
    device.expect_closed(0x87, why="the device was removed")


def test_add_many(devices, admin, project):
    """open-api 7: many at once, with their passwords as a file for a spreadsheet."""
    before = admin.get("/api/v1/projects/{project_key}", project_key=project.key)["device_count"]
    devices.click(test("add-device"))
    devices.click(test("many"))
    devices.fill(f'{test("count")} input', "3")
    devices.fill(test("device-name"), "Batch")
    devices.click(f'.el-dialog {test("add")}')
    devices.wait(test("added"))
    devices.gone(".el-button.is-loading")
    lines = devices.download(".el-dialog__footer .el-button >> nth=0")["text"].split("\r\n")
    assert lines[0] == "name,username,password" and len(lines) == 5
    for line in lines[1:4]:
        name, username, password = line.split(",")
        found = admin.get("/api/v1/projects/{project_key}/devices/{device}",
                          project_key=project.key, device=username)
        assert (found["name"], found["password"]) == (name, password)
    assert [line.split(",")[0] for line in lines[1:4]] == ["Batch 1", "Batch 2", "Batch 3"]
    after = admin.get("/api/v1/projects/{project_key}", project_key=project.key)["device_count"]
    assert after == before + 3


def test_search_and_filter(devices, net, project):
    """open-api 7, filters: by name, and by state; what is chosen is part of the address."""
    name = next(names)
    username, password = add(devices, name)
    devices.click(test("done"))
    devices.fill(test("search"), name)
    devices.wait(test(f"device-{username}"))
    devices.fill(test("search"), "no such device")
    devices.wait(test("empty"))
    devices.fill(test("search"), name)
    devices.wait(test(f"device-{username}"))
    devices.choose(test("filter-state"), "Online")
    devices.wait(test("empty"))
    assert "state=online" in devices.path()
    net.raw("device").connect(None, username, password)
    devices.goto(f"/{devices.path()}")
    devices.wait(test(f"device-{username}"))


def test_pages(page, admin, server):
    """open-api 7, pagination: forwards and back."""
    key = admin.post("/api/v1/projects", {"name": "Large"})["project_key"]
    admin.post("/api/v1/projects/{project_key}/devices/batch", {"count": 60}, project_key=key)
    page.goto(f"/#/p/{key}/devices")
    page.wait(test("pager"))
    rows = f'{test("devices")} tbody tr'
    first = page.texts(f"{rows} a")
    assert len(first) == 50
    page.click(test("next"))
    page.gone(f'{rows} >> nth=10')
    assert len(page.texts(f"{rows} a")) == 10
    page.click(test("previous"))
    page.wait(f'{rows} >> nth=49')
    assert page.texts(f"{rows} a") == first


def test_connection_page(page, net, project):
    """open-api 4: user name, password (hidden until asked), and a line that works."""
    login = project.device()
    page.goto(f"/#/p/{project.key}/devices/{login.username}/connection")
    page.wait(test("device-line"))
    assert login.password not in page.evaluate("document.body.outerHTML")
    page.click(test("reveal-device-password"))
    page.contains(test("secret-device-password"), login.password)
    page.click(f'.block:has({test("device-line")}) {test("copy")}')
    page.wait(".copy.done")
    line = page.clipboard()
    assert f"-P {login.password}" in line and f"attributes/{login.username}" in line
