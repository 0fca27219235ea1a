"""The MQTT sessions of applications over the API. (open-api 3.4, 7)"""
from lib.packets import V4, Prop
from lib.passes import Secret

KEPT = [(Prop.SESSION_EXPIRY, 100)]
SESSIONS = "/api/v1/projects/{project_key}/sessions"
SESSION = SESSIONS + "/{client_id}"


def find(api, project, client_id, **more):
    return api.get(SESSION, project_key=project.key, client_id=client_id, **more)


def test_what_is_there(net, admin, viewer, project):
    """open-api 7: sessions with their subscriptions, connected or not."""
    here = net.app(client_id="one/of them %+#")
    here.subscribe((f"open/{project.key}/+/attributes", 1), (f"open/{project.key}/#", 0))
    kept = net.app(V4, client_id="kept", clean=False)
    kept.disconnect()
    one = find(viewer, project, "one/of them %+#")
    assert one["connected"] and one["protocol"] == "5.0" and one["address"] == "127.0.0.1"
    assert sorted((s["filter"], s["qos"]) for s in one["subscriptions"]) == [
        (f"open/{project.key}/#", 0), (f"open/{project.key}/+/attributes", 1)]
    other = find(admin, project, "kept")
    assert other["persistent"] and not other["connected"] and other["protocol"] == "3.1.1"
    assert other["address"] is None
    names = [s["client_id"] for s in admin.get(SESSIONS, project_key=project.key)["items"]]
    assert names == sorted(names) and {"kept", "one/of them %+#"} <= set(names)
    page = admin.get(SESSIONS, project_key=project.key, query={"limit": 1})
    rest = admin.get(SESSIONS, project_key=project.key, query={"cursor": page["next"]})
    assert [s["client_id"] for s in page["items"] + rest["items"]] == names


def test_which_secret(server, net, admin, project):
    """open-api 3, 7: the secret that it was last logged in with, by itself or by a pass of it."""
    other = Secret.add(project, "other")
    net.app(client_id="s", props=KEPT).disconnect()
    assert find(admin, project, "s")["secret"] == "main"
    net.app(client_id="s", project=other, clean=False, props=KEPT).disconnect()
    assert find(admin, project, "s")["secret"] == "other"
    net.app(client_id="p", project=Secret.main(project).pass_of("sp"))
    assert find(admin, project, "p")["secret"] == "main"
    server.stop()
    server.start()
    admin.close()
    assert find(admin, project, "s")["secret"] is None


def test_what_waits(net, admin, project):
    """open-api 3.4, 7: the backlog of a session that is away."""
    device = net.device()
    app = net.app(client_id="slow", props=[*KEPT, (Prop.RECEIVE_MAXIMUM, 1)])
    app.acknowledges = False
    app.subscribe((device.open("attributes"), 1))
    for _ in range(5):
        device.publish(device.own("attributes"), b'{"a": 1}')
    found = find(admin, project, "slow")
    assert found["unacknowledged"] == 1 and found["queued"] == 4 and found["queued_bytes"] > 0


def test_ending_one(net, admin, viewer, project):
    """open-api 7: the connection hears 0x98, the session is gone; so is one that is away."""
    here = net.app(client_id="here", props=KEPT)
    viewer.delete(SESSION, project_key=project.key, client_id="here", expect=403)
    admin.delete(SESSION, project_key=project.key, client_id="here")
    here.expect_closed(0x98, why="an operator has ended this session")
    find(admin, project, "here", expect=404)
    net.app(client_id="away", props=KEPT).disconnect()
    find(admin, project, "away")
    admin.delete(SESSION, project_key=project.key, client_id="away")
    find(admin, project, "away", expect=404)
    admin.delete(SESSION, project_key=project.key, client_id="away", expect=404)
    again = net.app(client_id="away", clean=False, props=KEPT)
    assert not again.connack.session_present


def test_sessions_of_others(admin, net, project):
    """open-api 3: a client identifier lives inside its project."""
    net.app(client_id="mine")
    other = admin.post("/api/v1/projects", {"name": "other"})["project_key"]
    assert admin.get(SESSIONS, project_key=other)["items"] == []
    admin.get(SESSION, project_key=other, client_id="mine", expect=404)
