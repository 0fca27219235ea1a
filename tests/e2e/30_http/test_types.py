"""Device types over the API. (open-api 5, 7)"""
import pytest

PROJECT = "/api/v1/projects/{project_key}"
TYPES = PROJECT + "/types"
TYPE = TYPES + "/{product_key}"
THERMOSTAT = {"name": "Thermostat", "code": "thermo-1", "definition": {
    "strict": True, "attributes": [
        {"id": "temperature", "direction": "report", "type": "number", "maximum": 125.5},
        {"id": "mode", "direction": "both", "type": "enum", "values": ["eco", "comfort"]}]}}


@pytest.fixture
def key(project):
    return project.key


@pytest.fixture
def made(admin, key):
    made = admin.post(TYPES, {**THERMOSTAT, "code": None}, project_key=key).json
    yield made
    admin.delete(TYPE, project_key=key, product_key=made["product_key"])


def test_a_type_is_added_shown_and_removed(admin, viewer, key):
    """open-api 5, 7: a definition comes back as it was given."""
    made = admin.post(TYPES, THERMOSTAT, project_key=key)
    assert admin.request("GET", made.headers["Location"]).json == made.json
    for word in (made["product_key"], "thermo-1"):
        assert viewer.get(TYPE, project_key=key, product_key=word)["definition"] == \
            THERMOSTAT["definition"]
    assert made["product_key"] in [t["product_key"] for t in
                                   viewer.get(TYPES, project_key=key)["items"]]
    viewer.delete(TYPE, project_key=key, product_key="thermo-1", expect=403)
    admin.delete(TYPE, project_key=key, product_key="thermo-1")
    admin.get(TYPE, project_key=key, product_key="thermo-1", expect=404)


def test_what_is_exported_can_be_added(admin, key, made):
    """open-api 5, 7: types move between projects and servers as files."""
    file = admin.get(TYPE + "/export", project_key=key, product_key=made["product_key"])
    assert "attachment" in file.headers["Content-Disposition"]
    other = admin.post("/api/v1/projects", {"name": "Other"})["project_key"]
    copy = admin.post(TYPES, file.json, project_key=other)
    assert copy["definition"] == made["definition"] and copy["name"] == made["name"]
    assert copy["product_key"] != made["product_key"]
    admin.get(TYPE, project_key=other, product_key=made["product_key"], expect=404)


def test_a_change_counts_at_once(net, admin, key, made, project):
    """open-api 5: from the next message on, without a reconnect."""
    device = net.device(project.device())
    path = PROJECT + "/devices/{device}"
    admin.patch(path, {"type": made["product_key"]}, project_key=key, device=device.login.username)
    assert device.publish(device.own("attributes"), b'{"unknown": 1}').code == 0x83
    changed = admin.patch(TYPE, {"definition": {"strict": False}}, project_key=key,
                          product_key=made["product_key"])
    assert changed["name"] == made["name"] and changed["device_count"] == 1
    assert device.publish(device.own("attributes"), b'{"unknown": 1}').code in (0, 0x10)


@pytest.mark.parametrize("form, field", [
    ({}, "name"), ({"name": "x", "code": "a b"}, "code"), ({"name": "x", "definition": []},
                                                           "definition"),
    ({"name": "x", "definition": {"attributes": [{"id": "a"}]}}, "definition"),
    ({"name": "x", "definition": {"colour": 1}}, "definition")])
def test_types_that_cannot_be(admin, key, form, field):
    """open-api 5, 7: what the server cannot read is not stored."""
    assert admin.post(TYPES, form, project_key=key, expect=422)["field"] == field


def test_codes_are_one_of_their_project(admin, key, made):
    """open-api 1: an operator's own code names one type of a project."""
    first = admin.post(TYPES, {"name": "a", "code": "one"}, project_key=key)
    again = admin.post(TYPES, {"name": "b", "code": "one"}, project_key=key, expect=409)
    assert again["field"] == "code"
    admin.patch(TYPE, {"code": "one"}, project_key=key, product_key=made["product_key"], expect=409)
    cleared = admin.patch(TYPE, {"code": None}, project_key=key, product_key="one")
    assert cleared["code"] is None and cleared["product_key"] == first["product_key"]
    admin.delete(TYPE, project_key=key, product_key=first["product_key"])


def test_pages(admin):
    """open-api 7: each type once."""
    key = admin.post("/api/v1/projects", {"name": "pages"})["project_key"]
    made = [admin.post(TYPES, {"name": str(i)}, project_key=key)["product_key"] for i in range(5)]
    found, cursor = [], "0"
    while cursor:
        page = admin.get(TYPES, project_key=key, query={"limit": 2, "cursor": cursor})
        found += [t["product_key"] for t in page["items"]]
        cursor = page["next"]
    assert found == made
