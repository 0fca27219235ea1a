"""Projects: switches, endpoints, credentials. (open-api 2, 3, 7)"""
import pytest

from lib.http import Api

PROJECT = "/api/v1/projects/{project_key}"


@pytest.fixture
def made(admin):
    """A project that was made over the API."""
    return admin.post("/api/v1/projects", {"name": "Made"}).json


def credentials(admin, key):
    return admin.get(PROJECT + "/credentials", project_key=key).json


def test_a_new_project_can_be_used_at_once(net, admin, made):
    """open-api 7: when the answer is there, the project's application connects."""
    secret = credentials(admin, made["project_key"])["project_secret"]
    app = net.raw("tls").connect(None, made["project_key"], secret)
    assert app.connack.code == 0
    assert app.subscribe(f"open/{made['project_key']}/+/attributes").codes == (1,)


def test_the_thing_is_where_it_was_said_to_be(admin):
    """open-api 7: Location."""
    answer = admin.post("/api/v1/projects", {"name": "Há 项目", "open_mqtt": False})
    again = admin.request("GET", answer.headers["Location"])
    assert again.json == answer.json and again["name"] == "Há 项目"


def test_switching_off_counts_at_once(net, admin, made):
    """open-api 2: open_mqtt off closes what is connected and refuses what comes."""
    key = made["project_key"]
    secret = credentials(admin, key)["project_secret"]
    app = net.raw("tls").connect(None, key, secret)
    changed = admin.patch(PROJECT, {"open_mqtt": False}, project_key=key)
    assert changed["open_mqtt"] is False and changed["name"] == made["name"]
    app.expect_closed(0x87, why="the application API is not enabled for this project")
    admin.patch(PROJECT, {"open_mqtt": True, "name": "Renamed"}, project_key=key)
    assert net.raw("tls").connect(None, key, secret).connack.code == 0
    assert admin.get(PROJECT, project_key=key)["name"] == "Renamed"


def test_what_was_read_can_be_sent_back(admin, made):
    """open-api 7: read-only members are passed over."""
    project = admin.get(PROJECT, project_key=made["project_key"]).json
    project["alarm_per_rule"] = True
    again = admin.patch(PROJECT, project, project_key=made["project_key"]).json
    assert again["alarm_per_rule"] is True


def test_removing_ends_everything(net, admin, made):
    """open-api 7: its applications are gone with it."""
    key = made["project_key"]
    app = net.raw("tls").connect(None, key, credentials(admin, key)["project_secret"])
    admin.delete(PROJECT, project_key=key)
    app.expect_closed(0x87, why="the project was removed")
    admin.get(PROJECT, project_key=key, expect=404)
    admin.delete(PROJECT, project_key=key, expect=404)


def test_pages(admin):
    """open-api 7: lists come in pages, each project once."""
    made = {admin.post("/api/v1/projects", {"name": f"p{i}"})["project_key"] for i in range(5)}
    found, cursor, pages = [], None, 0
    while pages == 0 or cursor:
        query = {"limit": 2, **({"cursor": cursor} if cursor else {})}
        page = admin.get("/api/v1/projects", query=query)
        assert len(page["items"]) == 2 or page["next"] is None
        found += [p["project_key"] for p in page["items"]]
        cursor, pages = page["next"], pages + 1
    assert len(found) == len(set(found)) and made <= set(found)


def test_endpoints_of_its_own(server, admin, made):
    """open-api 2: each project has its own list of endpoints, with the server's as the default."""
    key = made["project_key"]
    assert made["endpoints"] == admin.get("/api/v1/server")["endpoints"]
    own = {"app_wss": ["wss://eu.example.com/mqtt", "wss://us.example.com/mqtt"], "https": [],
           "device_ws": ["ws://devices.example.com/mqtt"]}
    changed = admin.patch(PROJECT, {"own_endpoints": own}, project_key=key)
    assert changed["own_endpoints"] == own
    assert changed["endpoints"] == {**made["endpoints"], **own}
    changed = admin.patch(PROJECT, {"own_endpoints": {"app_wss": None, "device_ws": None}},
                          project_key=key)
    assert changed["own_endpoints"] == {"https": []}
    assert changed["endpoints"] == {**made["endpoints"], "https": []}


@pytest.mark.parametrize("own", [
    {"app_wss": ["https://example.com"]}, {"app_mqtts": ["mqtts://"]}, {"https": ["https://a b"]},
    {"nothing": []}, {"https": "https://example.com"}, {"https": ["https://e.com"] * 17}, []])
def test_endpoints_that_are_none(admin, made, own):
    """open-api 2: an endpoint is a URL of its service."""
    admin.patch(PROJECT, {"own_endpoints": own}, project_key=made["project_key"], expect=422)
    assert admin.get(PROJECT, project_key=made["project_key"])["own_endpoints"] == {}


@pytest.mark.parametrize("form, field", [
    ({}, "name"), ({"name": ""}, "name"), ({"name": "a" * 129}, "name"), ({"name": "a\nb"}, "name"),
    ({"name": "a\0b"}, "name"), ({"name": "x", "enabled": 1}, "enabled"),
    ({"name": "x", "project_key": "PR_0123456789"}, "project_key")])
def test_projects_that_cannot_be(admin, form, field):
    """open-api 7: 422 names what is wrong."""
    assert admin.post("/api/v1/projects", form, expect=422)["field"] == field


def test_the_token_is_renewed(server, admin, made):
    """open-api 7: requests signed with the old ProjectToken are refused at once."""
    key = made["project_key"]
    old = credentials(admin, key)["project_token"]
    Api(server).signed(key, old).get(PROJECT, project_key=key)
    new = admin.post(PROJECT + "/token/renew", project_key=key)["project_token"]
    assert new != old and credentials(admin, key)["project_token"] == new
    Api(server).signed(key, old).get(PROJECT, project_key=key, expect=401)
    Api(server).signed(key, new).get(PROJECT, project_key=key)


def test_an_application_sees_its_own_project(admin, app, project, made):
    """open-api 7: and no other; what is not its own does not exist."""
    assert app.get(PROJECT, project_key=project.key)["name"]
    assert [p["project_key"] for p in app.get("/api/v1/projects")["items"]] == [project.key]
    app.get(PROJECT, project_key=made["project_key"], expect=404)
    app.get(PROJECT + "/credentials", project_key=project.key, expect=403)
    app.patch(PROJECT, {"name": "x"}, project_key=project.key, expect=403)
    app.get("/api/v1/server", expect=403)
