"""Secrets of a project and browser passes. (open-api 3 "Several secrets", "Browser pass", 7)"""
import time

from lib.passes import Secret, make_pass

SECRETS = "/api/v1/projects/{project_key}/secrets"
SECRET = SECRETS + "/{name}"
PASSES = "/api/v1/projects/{project_key}/passes"
NO_LIMIT = {"scopes": ["subscribe", "push", "command"], "devices": None, "types": None,
            "addresses": None, "expires_ms": None}


def test_made_listed_shown(net, admin, viewer, project):
    """open-api 3: it works when the answer is there; its text is shown once, and when asked for."""
    made = admin.post(SECRETS, {"name": "made", "scopes": ["push"], "addresses": ["127.0.0.0/8"]},
                      project_key=project.key)
    net.app(project=Secret(project, "made", made["secret"])).ping()
    assert made["scopes"] == ["push"] and made["addresses"] == ["127.0.0.0/8"]
    shown = viewer.get(SECRET, project_key=project.key, name="made").json
    assert shown["last_used_address"] == "127.0.0.1"
    assert abs(shown["last_used_ms"] / 1000 - time.time()) < 60
    items = viewer.get(SECRETS, project_key=project.key)["items"]
    assert {"main", "made"} <= {item["name"] for item in items}
    assert items[0] | NO_LIMIT == items[0]
    assert made["secret"] not in str(items) + str(shown)
    assert admin.get(SECRET + "/value", project_key=project.key, name="made").json == {
        "secret": made["secret"]}


def test_changed_renewed_removed(net, admin, project):
    """open-api 3: each closes its connections at once; null takes a limit away."""
    made = admin.post(SECRETS, {"name": "changing", "expires_ms": 1893456000000},
                      project_key=project.key)
    who = {"project_key": project.key, "name": "changing"}
    app = net.app(project=Secret(project, "", made["secret"]))
    changed = admin.patch(SECRET, {"scopes": ["subscribe"], "expires_ms": None}, **who)
    assert changed["scopes"] == ["subscribe"] and changed["expires_ms"] is None
    app.expect_closed(0x87, why="the secret was changed")
    app = net.app(project=Secret(project, "", made["secret"]))
    assert admin.patch(SECRET, changed.json, **who).json | {"last_used_ms": 0} == \
        changed.json | {"last_used_ms": 0, "last_used_address": "127.0.0.1"}
    renewed = admin.post(SECRET + "/renew", **who)["secret"]
    net.raw("tls").connect(None, project.key, made["secret"], code=0x86)
    app = net.app(project=Secret(project, "", renewed))
    admin.delete(SECRET, **who)
    app.expect_closed(0x87, why="the secret was revoked")
    admin.get(SECRET, expect=404, **who)


def test_mistakes(admin, viewer, app, project):
    """open-api 7: what is wrong is named; who may not is refused."""
    for body in ({"name": "a.b"}, {"name": "a", "scopes": []}, {"name": "a", "scopes": ["publish"]},
                 {"name": "a", "addresses": ["192.0.2.1/24"]}, {"name": "a", "devices": ["DU_1"]},
                 {"name": "a", "secret": "mine"}):
        admin.post(SECRETS, body, expect=422, project_key=project.key)
    admin.post(SECRETS, {"name": "main"}, expect=409, project_key=project.key)
    for who in (viewer, app):
        who.post(SECRETS, {"name": "a"}, expect=403, project_key=project.key)
        who.get(SECRET + "/value", expect=403, project_key=project.key, name="main")
    app.get(SECRETS, expect=403, project_key=project.key)


def test_passes(net, admin, viewer, project):
    """open-api 3 "Browser pass": as the formula makes it; a viewer's can subscribe only."""
    made = admin.post(PASSES, {"scopes": "sc", "seconds": 600}, project_key=project.key)
    assert made["password"] == make_pass(project.key, "main", project.secret, "sc",
                                         made["expires_ms"] // 1000)
    assert abs(made["expires_ms"] / 1000 - time.time() - 600) < 60
    assert made["username"] == project.key and made["url"].startswith("wss://")
    device = net.device(project.device())
    page = net.app(transport="wss", project=Secret(project, "", made["password"]))
    assert page.publish(device.open("command_send"), b'{"method":"m"}').code == 0x10
    assert page.publish(device.open("attributes_push"), b"{}").code == 0x87
    assert admin.post(PASSES, {}, project_key=project.key)["scopes"] == "spc"
    assert viewer.post(PASSES, {}, project_key=project.key)["scopes"] == "s"
    viewer.post(PASSES, {"scopes": "sp"}, expect=403, project_key=project.key)
    admin.post(PASSES, {"scopes": "sx"}, expect=422, project_key=project.key)
    admin.post(PASSES, {"seconds": 5}, expect=422, project_key=project.key)


def test_no_secret_for_a_pass(net, admin, server):
    """A pass is made of a secret that is good everywhere; without one there is none."""
    key = admin.post("/api/v1/projects", {"name": "limited"})["project_key"]
    admin.patch(SECRET, {"scopes": ["subscribe"]}, project_key=key, name="main")
    assert admin.post(PASSES, {"scopes": "s"}, project_key=key)["password"].startswith("p1.main.s.")
    admin.post(PASSES, {"scopes": "sp"}, expect=409, project_key=key)
    admin.post(SECRETS, {"name": "second"}, project_key=key)
    made = admin.post(PASSES, {"scopes": "sp"}, project_key=key)
    assert made["password"].startswith("p1.second.sp.")
