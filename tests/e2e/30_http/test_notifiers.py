"""Notifiers over the API. How they tell alarms is the matter of 25_webhooks. (docs/alarms.md)"""
import pytest

from lib.http import Api
from lib.receiver import Receiver
from lib.world import Project

SERVER_OPTIONS = ("--webhook-private", "127.0.0.0/8")
PROJECT = "/api/v1/projects/{project_key}"
NOTIFIERS = PROJECT + "/notifiers"
NOTIFIER = NOTIFIERS + "/{name}"
RENEW = NOTIFIER + "/renew"
STATUS = NOTIFIER + "/status"
TEST = NOTIFIER + "/test"
HOOK = {"name": "hook", "url": "https://hooks.example.com/T0/secret?a=b"}


@pytest.fixture
def project(server):
    return Project.add(server)


def test_added_changed_and_removed(admin, viewer, project):
    """open-api 7: the secret is shown once; a viewer sees the host alone."""
    path = {"project_key": project.key}
    made = admin.post(NOTIFIERS, HOOK, **path)
    assert made["secret"].startswith("whsec_") and made.headers["Cache-Control"] == "no-store"
    plain = {k: v for k, v in made.json.items() if k != "secret"}
    assert {k: v for k, v in plain.items() if k != "created_ms"} == {
        **HOOK, "enabled": True, "levels": None, "changes": None, "devices": None, "types": None}
    assert admin.request("GET", made.headers["Location"]).json == plain
    assert admin.get(NOTIFIERS, **path)["items"] == [plain]
    seen = viewer.get(NOTIFIER, **path, name="hook").json
    assert seen == {**plain, "url": "https://hooks.example.com/"}
    assert viewer.get(NOTIFIERS, **path)["items"] == [seen]
    for call in (lambda: viewer.post(NOTIFIERS, HOOK, **path, expect=403),
                 lambda: viewer.patch(NOTIFIER, {}, **path, name="hook", expect=403),
                 lambda: viewer.post(RENEW, **path, name="hook", expect=403),
                 lambda: viewer.post(TEST, **path, name="hook", expect=403),
                 lambda: viewer.delete(NOTIFIER, **path, name="hook", expect=403)):
        call()
    wish = {"levels": ["urgent"], "changes": ["alerting"], "devices": [project.device().username],
            "types": ["PK_abcde"], "enabled": False}
    changed = admin.patch(NOTIFIER, {**plain, **wish}, **path, name="hook")
    assert changed.json == {**plain, **wish}
    assert admin.patch(NOTIFIER, {"levels": None}, **path, name="hook")["levels"] is None
    renewed = admin.post(RENEW, **path, name="hook")
    assert renewed["secret"].startswith("whsec_") and renewed["secret"] != made["secret"]
    admin.delete(NOTIFIER, **path, name="hook")
    for api_path in (NOTIFIER, STATUS):
        admin.get(api_path, **path, name="hook", expect=404)
    admin.post(TEST, **path, name="hook", expect=404)


def test_tested_and_how_it_goes(admin, viewer, project):
    """open-api 7: the result of a test; the last try; nothing was tried yet."""
    path = {"project_key": project.key, "name": "hook"}
    with Receiver() as receiver:
        admin.post(NOTIFIERS, {**HOOK, "url": receiver.url}, project_key=project.key)
        assert viewer.get(STATUS, **path).json == {"waiting": 0, "failures": 0, "last": None}
        result = admin.post(TEST, **path)
        assert result["delivered"] and result["status"] == 200 and result["cause"] is None
        assert result["delivery"] == receiver.next().delivery
        assert viewer.get(STATUS, **path)["last"] == result.json
        receiver.answers = [503]
        assert admin.post(TEST, **path)["status"] == 503
    result = admin.post(TEST, **path)
    assert not result["delivered"] and result["status"] is None and "connect" in result["cause"]


@pytest.mark.parametrize("form, field", [
    ({}, "name"), ({"name": "hook"}, "url"), ({**HOOK, "name": "a b"}, "name"),
    ({**HOOK, "url": "ftp://host/"}, "url"), ({**HOOK, "url": "https://"}, "url"),
    ({**HOOK, "url": "https://user:pw@host/"}, "url"), ({**HOOK, "url": "https://a b/"}, "url"),
    ({**HOOK, "url": "https://" + "a" * 600}, "url"), ({**HOOK, "url": "file:///etc/passwd"}, "url"),
    ({**HOOK, "levels": []}, "levels"), ({**HOOK, "levels": ["loud"]}, "levels[0]"),
    ({**HOOK, "changes": ["pending"]}, "changes[0]"), ({**HOOK, "devices": ["DU_1"]}, "devices[0]"),
    ({**HOOK, "types": "PK_abcde"}, "types"), ({**HOOK, "secret": "mine"}, "secret")])
def test_notifiers_that_cannot_be(admin, project, form, field):
    """open-api 7: what cannot be told is not stored, and the member is named."""
    assert admin.post(NOTIFIERS, form, project_key=project.key, expect=422)["field"] == field


def test_names_and_their_number(admin, project):
    """open-api 1, 7: a name is one of its project; so many and no more."""
    other = Project.add(project.server)
    made = [admin.post(NOTIFIERS, {**HOOK, "name": f"n{i}"}, project_key=project.key)["name"]
            for i in range(16)]
    assert admin.post(NOTIFIERS, {**HOOK, "name": "n0"}, project_key=other.key)["name"] == "n0"
    assert admin.post(NOTIFIERS, {**HOOK, "name": "more"}, project_key=project.key,
                      expect=409)["detail"] == "a project has at most 16 notifiers"
    admin.delete(NOTIFIER, project_key=project.key, name="n3")
    assert admin.post(NOTIFIERS, {**HOOK, "name": "n0"}, project_key=project.key,
                      expect=409)["field"] == "name"
    found, cursor = [], "0"
    while cursor:
        page = admin.get(NOTIFIERS, project_key=project.key, query={"limit": 4, "cursor": cursor})
        found += [n["name"] for n in page["items"]]
        cursor = page["next"]
    assert found == [name for name in made if name != "n3"]


def test_only_what_was_read_is_changed(admin, project):
    """open-api 7: If-Match; how it goes is no part of what is read."""
    path = {"project_key": project.key, "name": "hook"}
    with Receiver() as receiver:
        admin.post(NOTIFIERS, {**HOOK, "url": receiver.url}, project_key=project.key)
        tag = admin.get(NOTIFIER, **path).headers["ETag"]
        admin.post(TEST, **path)
    admin.patch(NOTIFIER, {"enabled": False}, **path, headers={"If-Match": tag})
    admin.patch(NOTIFIER, {"enabled": True}, **path, headers={"If-Match": tag}, expect=412)
    admin.delete(NOTIFIER, **path, headers={"If-Match": tag}, expect=412)


def test_applications_may_not(server, project):
    """open-api 7: notifiers are the operators' business."""
    app = Api(server).application(project)
    app.get(NOTIFIERS, project_key=project.key, expect=403)
    app.post(NOTIFIERS, HOOK, project_key=project.key, expect=403)
    app.close()
