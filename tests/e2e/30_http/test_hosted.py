"""Applications of the hosted platform, unchanged: log-in, signatures. (open-api 7)"""
import json
import time

import pytest

from lib.http import Api

PROJECT = "/api/v1/projects/{project_key}"


def log_in(api, **form):
    return api.request("POST", "/api_login/", json.dumps(form))


def test_a_token(server, nobody, project):
    """open-api 7: POST /api_login/ gives a bearer token, whatever the Content-Type is."""
    answer = log_in(nobody, username=project.key, password=project.secret)
    assert answer.status == 200 and answer["result"] == 0
    app = Api(server, {"Authorization": f"Bearer {answer['token']}"})
    assert app.get(PROJECT, project_key=project.key)["project_key"] == project.key


@pytest.mark.parametrize("change", [
    {"password": "x" * 40}, {"password": ""}, {"username": "PR_0123456789"}, {"username": ""},
    {"username": "x" * 200}])
def test_wrong_credentials(nobody, project, change):
    """open-api 7: anything but 200 and result 0 is a failure."""
    answer = log_in(nobody, **{"username": project.key, "password": project.secret, **change})
    assert answer.status == 401 and answer["result"] != 0 and "token" not in answer.json


def test_forms_that_are_none(nobody):
    """open-api 7: what is no log-in at all."""
    assert nobody.request("POST", "/api_login/", "{").status == 400
    assert nobody.request("POST", "/api_login/", '{"username": 1}').status == 422


def test_tokens_that_are_none(server, nobody, project):
    """open-api 7: every byte of a token counts."""
    token = log_in(nobody, username=project.key, password=project.secret)["token"]
    version, key, name, expiry, mac = token.split(".")
    other = "PR_" + "a" * 10
    wrong = ["", "b1", token[:-1], token + "0", token.upper(),
             ".".join((version, other, name, expiry, mac)),
             ".".join((version, key, name, str(int(expiry) + 1), mac)),
             ".".join((version, key, name, "1", mac)), ".".join((version, key, "x", expiry, mac)),
             "x" * 5000]
    for text in wrong:
        answer = Api(server, {"Authorization": f"Bearer {text}"}).request(
            "GET", f"/api/v1/projects/{project.key}")
        assert answer.status == 401, text


def test_a_token_survives_a_restart(server, admin, project):
    """open-api 7: it is valid for 24 hours, not for one run of the server."""
    app = Api(server).application(project)
    app.get(PROJECT, project_key=project.key)
    server.stop()
    server.start()
    app.close()
    app.get(PROJECT, project_key=project.key)
    admin.close()
    admin.get("/api/v1/session")  # nor is an operator logged out by it


def test_signed_requests(server, project):
    """open-api 7: headers user, timestamp, signature; seconds or milliseconds."""
    now = int(time.time())
    for timestamp in (now, now * 1000, now - 7000, now + 7000):
        app = Api(server).signed(project.key, project.token, timestamp)
        assert app.get(PROJECT, project_key=project.key)["project_key"] == project.key
    upper = Api(server).signed(project.key, project.token)
    upper.headers["signature"] = upper.headers["signature"].upper()
    upper.get(PROJECT, project_key=project.key)


@pytest.mark.parametrize("distance", [7300, -7300, -10**9])
def test_signatures_of_another_time(server, project, distance):
    """open-api 7: a signature is valid for two hours."""
    api = Api(server).signed(project.key, project.token, int(time.time()) + distance)
    api.get(PROJECT, project_key=project.key, expect=401)


@pytest.mark.parametrize("headers", [
    {"signature": ""}, {"signature": "0" * 32}, {"signature": "0" * 31}, {"user": "PR_0123456789"},
    {"user": ""}, {"timestamp": ""}, {"timestamp": "now"}, {"timestamp": "1" * 40}])
def test_signatures_that_are_none(server, project, headers):
    """open-api 7: 401 for whatever is wrong with it."""
    api = Api(server).signed(project.key, project.token)
    api.headers.update(headers)
    api.get(PROJECT, project_key=project.key, expect=401)


def test_a_disabled_project(server, admin, project):
    """open-api 2, 7: its applications are out, and in again when it is enabled."""
    app = Api(server).application(project)
    admin.patch(PROJECT, {"enabled": False}, project_key=project.key)
    app.get(PROJECT, project_key=project.key, expect=403)
    assert log_in(app, username=project.key, password=project.secret).status == 403
    admin.patch(PROJECT, {"enabled": True}, project_key=project.key)
    app.get(PROJECT, project_key=project.key)


# ---- several secrets

DEVICE = PROJECT + "/devices/{device}"


def secret(server, project, name, *limits):
    return server.cli("secret", "add", name, "--project", project.key, *limits)["secret"]


def test_any_live_secret_logs_in(server, project):
    """open-api 3, 7: the password is any live secret; what it may is what the token may."""
    device = project.device().username
    text = secret(server, project, "reader", "--scopes", "subscribe")
    token = log_in(Api(server), username=project.key, password=text)["token"]
    app = Api(server, {"Authorization": f"Bearer {token}"})
    app.get(DEVICE, project_key=project.key, device=device)
    app.post(DEVICE + "/attributes_push", {"x": 1}, project_key=project.key, device=device,
             expect=403)
    app.post(DEVICE + "/commands", {"method": "x"}, project_key=project.key, device=device,
             expect=403)
    app.delete(DEVICE, project_key=project.key, device=device, expect=403)
    server.cli("secret", "renew", "reader", "--project", project.key)
    app.get(DEVICE, project_key=project.key, device=device, expect=401)


def test_a_revoked_secret_ends_its_tokens(server, project):
    """open-api 3, 7: at once."""
    text = secret(server, project, "short")
    token = log_in(Api(server), username=project.key, password=text)["token"]
    app = Api(server, {"Authorization": f"Bearer {token}"})
    app.get(PROJECT, project_key=project.key)
    server.cli("secret", "remove", "short", "--project", project.key)
    app.get(PROJECT, project_key=project.key, expect=401)
    assert log_in(Api(server), username=project.key, password=text).status == 401


def test_a_secret_of_another_address(server, project):
    """open-api 3: allowed address ranges hold here too."""
    text = secret(server, project, "elsewhere", "--addresses", "192.0.2.0/24")
    assert log_in(Api(server), username=project.key, password=text).status == 403


def test_a_secret_for_some_devices(server, project):
    """open-api 3: a secret with a list of devices knows no others."""
    mine, other = project.device().username, project.device().username
    text = secret(server, project, "one", "--devices", mine)
    token = log_in(Api(server), username=project.key, password=text)["token"]
    app = Api(server, {"Authorization": f"Bearer {token}"})
    assert app.get(DEVICE, project_key=project.key, device=mine)["username"] == mine
    app.get(DEVICE, project_key=project.key, device=other, expect=404)
    app.post("/api/devices/{device}/down_attr/", {"attrs": "{}"}, device=other, expect=404)
    listed = app.get(PROJECT + "/devices", project_key=project.key)["items"]
    assert [d["username"] for d in listed] == [mine]
    app.post(PROJECT + "/devices", {}, project_key=project.key, expect=403)
