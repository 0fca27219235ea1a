"""Quick connection: a device asks by product and serial number how it connects.
(open-api 7, device-protocol "Quick connection")"""
import json
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from urllib.parse import urlencode

import pytest

from lib.http import Api
from lib.packets import V4
from lib.world import Login

MAKE = "/api/connect/1/"
FIND = "/api/connect/2/"
PROJECT = "/api/v1/projects/{project_key}"
TYPES = PROJECT + "/types"
DEVICES = PROJECT + "/devices"

_serials = count(1)


@pytest.fixture
def sn():
    return f"SN-{next(_serials)}"


@pytest.fixture
def product(admin, project):
    """A product of the project; `more`: members of its definition."""
    def make(**more):
        return admin.post(TYPES, {"name": "t", "definition": more},
                          project_key=project.key)["product_key"]
    return make


def login_of(info, project):
    return Login(info["mqtt"]["username"], info["mqtt"]["password"], project.key)


def test_a_device_is_made(nobody, admin, net, project, product, sn):
    """device-protocol "Quick connection": the answer is enough to connect; the next one is the
    same."""
    key = product()
    info = nobody.get(MAKE, query={"project": project.key, "product": key, "sn": sn}).json
    device = net.device(login_of(info, project))
    name = info["mqtt"]["username"]
    made = admin.get(DEVICES + "/{device}", project_key=project.key, device=name)
    assert (made["sn"], made["type"], made["online"]) == (sn, key, True)
    assert info["topic"]["attributes"] == f"attributes/{name}"
    assert info["topic"]["sub_connect"] == f"gateway_connect/{name}" and "tcp" not in info
    device.publish(info["topic"]["attributes"], b'{"t": 1}')
    again = nobody.post(MAKE, {"project": project.key, "product": key, "sn": sn})
    assert again.json == info and again.headers["Cache-Control"] == "no-store"
    standard = admin.get(DEVICES + "/{device}/connection", project_key=project.key, device=name)
    assert standard.json == info


def test_a_product_is_made(nobody, admin, net, project, sn):
    """device-protocol "Quick connection": form 1 creates the device type too, by its code."""
    form = {"project": project.key, "product": f"meter-{sn}", "sn": sn}
    info = nobody.post(MAKE, form).json
    net.device(login_of(info, project), V4)
    made = admin.get(TYPES + "/{product_key}", project_key=project.key, product_key=form["product"])
    assert made["code"] == form["product"] and made["device_count"] == 1
    nobody.post(MAKE, {**form, "sn": sn + "x"})
    assert admin.get(TYPES + "/{product_key}", project_key=project.key,
                     product_key=form["product"])["device_count"] == 2


def test_where_parameters_stand(nobody, project, product, sn):
    """device-protocol "Quick connection": in the query, the JSON body, or both; the body wins;
    whatever the Content-Type is; GET with a body too."""
    key = product()
    right = {"project": project.key, "product": key, "sn": sn}
    info = nobody.get(MAKE, query=right).json
    for method in ("GET", "POST"):
        for query, body in ((right, None), ({}, right), ({"sn": "other"}, right),
                            ({"project": project.key, "product": "x"}, {"product": key, "sn": sn}),
                            ({**right, "further": "1"}, {"further": 1})):
            answer = nobody.request(method, f"{MAKE}?{urlencode(query)}",
                                    json.dumps(body) if body else None)
            assert answer.status == 200 and answer.json == info, (method, query, body)
    assert nobody.request("GET", f"{MAKE[:-1]}?{urlencode(right)}").json == info  # without the slash
    number = nobody.post(MAKE, {**right, "sn": 4711}).json
    assert number == nobody.post(FIND, {"product": key, "sn": "4711"}).json


def test_a_device_that_must_be_there(nobody, admin, project, product, sn):
    """device-protocol "Quick connection": form 2 finds by product and sn, and makes nothing."""
    key = product()
    query = {"product": key, "sn": sn}
    nobody.get(FIND, query=query, expect=401)
    made = admin.post(DEVICES, {"type": key, "sn": sn}, project_key=project.key)
    info = nobody.get(FIND, query=query)
    assert info["mqtts"]["username"] == made["username"]
    assert info["mqtts"]["password"] == made["password"]
    assert nobody.post(FIND, query).json == info.json
    assert nobody.post(FIND, {**query, "project": project.key}).json == info.json


def test_a_code_without_a_project(nobody, admin, project, sn):
    """device-protocol "Quick connection": a code is good in form 2 while one project alone has
    it."""
    code = f"c-{sn}"
    info = nobody.post(MAKE, {"project": project.key, "product": code, "sn": sn}).json
    assert nobody.post(FIND, {"product": code, "sn": sn}).json == info
    other = admin.post("/api/v1/projects", {"name": "other"})["project_key"]
    admin.post(TYPES, {"name": "t", "code": code}, project_key=other)
    assert nobody.post(FIND, {"product": code, "sn": sn}, expect=436)["result"] != 0
    assert nobody.post(FIND, {"product": code, "sn": sn, "project": project.key}).json == info


@pytest.mark.parametrize("path, change, status", [
    (MAKE, {"project": "PR_0000000000"}, 420), (MAKE, {"project": "x"}, 420),
    (MAKE, {"project": None}, 420), (MAKE, {"project": "x" * 300}, 420),
    (MAKE, {"product": "PK_00000"}, 436), (MAKE, {"product": "a b"}, 436),
    (MAKE, {"product": ""}, 436), (MAKE, {"product": "x" * 65}, 436), (MAKE, {"product": []}, 436),
    (MAKE, {"sn": ""}, 422), (MAKE, {"sn": "a/b"}, 422), (MAKE, {"sn": "x" * 65}, 422),
    (MAKE, {"sn": None}, 422), (MAKE, {"sn": 1.5}, 422), (MAKE, {"sn": "a\0b"}, 400),
    (FIND, {"product": "PK_00000"}, 436), (FIND, {"product": "none"}, 436),
    (FIND, {"sn": "none"}, 401), (FIND, {"sn": ""}, 401), (FIND, {"project": "PR_0000000000"}, 420),
])
def test_what_is_unknown(nobody, project, product, path, change, status):
    """device-protocol "Quick connection": 420 project, 436 product, 401 device."""
    form = {"project": project.key, "product": product(), "sn": "s", **change}
    answer = nobody.post(path, form, expect=status)
    assert answer["result"] != 0 and answer["msg"]


def test_bodies_that_are_none(nobody):
    """device-protocol "Quick connection": a body is a JSON object."""
    for body in ("{", "[]", "a=b", '"x"', "\xff"):
        assert nobody.request("POST", MAKE, body.encode("latin-1")).status == 400


def test_a_product_of_another_project(nobody, admin, project, product, sn):
    """open-api 1, 7: what another project has does not exist."""
    other = admin.post("/api/v1/projects", {"name": "other"})["project_key"]
    nobody.post(MAKE, {"project": other, "product": product(), "sn": sn}, expect=436)


def test_products_that_are_not_for_everybody(nobody, admin, project, product, sn):
    """open-api 5, device-protocol "Quick connection": auto_create off: operators make the devices."""
    key = product(auto_create=False)
    form = {"project": project.key, "product": key, "sn": sn}
    nobody.post(MAKE, form, expect=401)
    admin.post(DEVICES, {"type": key, "sn": sn}, project_key=project.key)
    nobody.post(MAKE, form)


def test_devices_that_do_not_connect(nobody, admin, project, product, sn):
    """open-api 2, device-protocol "Quick connection": a device that is switched off, or below
    another one; a project that is."""
    key = product()
    form = {"project": project.key, "product": key, "sn": sn}
    name = nobody.post(MAKE, form)["mqtt"]["username"]
    place = {"project_key": project.key, "device": name}
    admin.patch(DEVICES + "/{device}", {"enabled": False}, **place)
    nobody.post(MAKE, form, expect=401)
    admin.patch(DEVICES + "/{device}",
                {"enabled": True, "parent": project.device().username, "address": "1"}, **place)
    nobody.post(FIND, form, expect=401)
    admin.patch(DEVICES + "/{device}", {"parent": None}, **place)
    admin.patch(PROJECT, {"enabled": False}, project_key=project.key)
    nobody.post(MAKE, form, expect=420)
    nobody.post(FIND, {"product": key, "sn": sn}, expect=420)
    admin.patch(PROJECT, {"enabled": True}, project_key=project.key)
    nobody.post(FIND, {"product": key, "sn": sn})


@pytest.mark.fast_tsan
def test_many_at_once(server, admin, project, sn):
    """device-protocol "Quick connection": however often it asks, and however many ask: one device,
    one type."""
    form = {"project": project.key, "product": f"many-{sn}", "sn": sn}

    def ask(_):
        api = Api(server)
        name = api.post(MAKE, form)["mqtt"]["username"]
        api.close()
        return name
    with ThreadPoolExecutor(8) as pool:
        assert len(set(pool.map(ask, range(16)))) == 1
    assert admin.get(TYPES + "/{product_key}", project_key=project.key,
                     product_key=form["product"])["device_count"] == 1


def test_the_form_of_a_product(nobody, project, product, sn):
    """device-protocol "Quick connection": a product may define its own form of the answer."""
    key = product(connection={
        "server": "tcp://${mqtt.host}:${mqtt.port}", "port": "${mqtt.port}", "v": 2, "tls": "${mqtts}",
        "auth": ["${mqtt.username}", {"pw": "${mqtt.password}"}], "up": "${topic.attributes}",
        "id": "${project}/${product}/${device}/${sn}", "fixed": None})
    info = nobody.post(MAKE, {"project": project.key, "product": key, "sn": sn}).json
    name, password = info["auth"][0], info["auth"][1]["pw"]
    assert info == {
        "server": f"tcp://localhost:{info['port']}", "port": info["port"], "v": 2,
        "tls": {"host": "localhost", "port": info["tls"]["port"], "username": name,
                "password": password},
        "auth": [name, {"pw": password}], "up": f"attributes/{name}",
        "id": f"{project.key}/{key}/{name}/{sn}", "fixed": None}
    assert isinstance(info["port"], int)
    assert nobody.post(FIND, {"product": key, "sn": sn}).json == info


@pytest.mark.parametrize("form, word", [
    ("x", "object"), ({"a": "${"}, "closed"), ({"a": ["${mqtt.hostt}"]}, "name"),
    ({"a": {"b": "x${}y"}}, "name")])
def test_forms_that_are_none(admin, project, form, word):
    """open-api 5: a definition that cannot be used is refused."""
    answer = admin.post(TYPES, {"name": "t", "definition": {"connection": form}}, expect=422,
                        project_key=project.key)
    assert "connection" in answer["detail"] and word in answer["detail"]
