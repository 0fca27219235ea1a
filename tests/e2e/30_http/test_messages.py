"""What the journal has of a project, over the API. (open-api 3.4, 7)"""
import json

import pytest

from lib.client import V5, Prop
from lib.http import Api
from lib.world import Net, Project

MESSAGES = "/api/v1/projects/{project_key}/messages"
EVENT = b'{"method":"m","params":{}}'


class Journal:
    """A project that records all, with two devices that have reported."""

    def __init__(self, server, api):
        self.api, self.project = api, Project.add(server)
        server.cli("project", "set", self.project.key, "--journal", "always")
        self.net = Net(server, self.project)
        self.first, self.second = self.project.device(), self.project.device()
        device = self.net.device(self.first)
        for n in range(1, 6):
            device.publish(device.own("attributes"), b'{"n":%d}' % n)
        device.publish(device.own("event_report"), EVENT)
        device.publish(device.own("data", "raw"), b"\x00\xff")
        device.publish(device.own("data", "text"), "läuft".encode())
        other = self.net.device(self.second)
        other.publish(other.own("attributes"), b'{"n":9}')

    def page(self, api=None, **query):
        return (api or self.api).get(MESSAGES, project_key=self.project.key, query=query).json

    def all(self, api=None, **query):
        found, cursor = [], {}
        while True:
            page = self.page(api, **query, **cursor)
            found += page["items"]
            if not page["next"]:
                return found
            cursor = {"cursor": page["next"]}


@pytest.fixture
def journal(server, admin):
    return Journal(server, admin)


def test_all_messages(journal, viewer):
    """Newest first, with number, times, device, kind and payload; oldest first the other way."""
    found = journal.all(viewer)
    assert [m["seq"] for m in found] == list(range(len(found), 0, -1))
    assert journal.all(order="oldest") == found[::-1]
    values = [m for m in found[::-1] if m["kind"] == "attributes"]
    assert [m["payload"] for m in values] == [f'{{"n":{n}}}' for n in (1, 2, 3, 4, 5, 9)]
    assert {m["device"] for m in values[:5]} == {journal.first.username}
    assert values[5]["device"] == journal.second.username
    assert all(m["format"] == "json" and m["ts"] <= m["stored_ms"] for m in values)


def test_payloads_as_people_read_them(journal):
    """Data that is no text comes as hexadecimal digits."""
    raw, = journal.all(kind="data", stream="raw")
    assert (raw["format"], raw["payload"], raw["stream"]) == ("hex", "00ff", "raw")
    text, = journal.all(kind="data", stream="text")
    assert (text["format"], text["payload"]) == ("text", "läuft")


def test_by_device_and_kind(journal):
    """A device, a kind, a stream narrow it down."""
    assert [m["kind"] for m in journal.all(device=journal.second.username)] == [
        "attributes", "online"]
    event, = journal.all(kind="event_report")
    assert event["payload"].encode() == EVENT and event["stream"] is None
    assert journal.all(kind="alarm") == []


@pytest.mark.parametrize("order", ["newest", "oldest"])
def test_pages(journal, order):
    """Pages of any size hold the same."""
    whole = journal.all(order=order, limit=1000)
    for limit in (1, 2, 3):
        assert journal.all(order=order, limit=limit) == whole
    assert len(journal.page(order=order, limit=2)["items"]) == 2
    narrow = journal.all(order=order, kind="attributes", device=journal.first.username, limit=2)
    assert len(narrow) == 5


def test_by_time(journal):
    """`from` and `to` are times of storing."""
    found = journal.all(order="oldest")
    middle = found[len(found) // 2]["stored_ms"]
    early, late = journal.all(order="oldest", to=middle), journal.all(order="oldest", **{
        "from": middle})
    assert early + late == found
    assert all(m["stored_ms"] < middle for m in early)
    assert journal.all(**{"from": found[-1]["stored_ms"] + 1}) == []
    assert journal.all(to=found[0]["stored_ms"]) == []


def test_many(journal):
    """More than is read at once."""
    device = journal.net.device(journal.second)
    for n in range(1200):
        device.publish(device.own("attributes"), b'{"m":%d}' % n, qos=0)
    device.publish(device.own("attributes"), b'{"m":1200}')
    for order, want in (("newest", range(1200, -1, -1)), ("oldest", range(1201))):
        found = [json.loads(m["payload"])["m"] for m in journal.all(
            order=order, device=journal.second.username, kind="attributes", limit=500)
            if "m" in json.loads(m["payload"])]
        assert found == list(want)


@pytest.mark.parametrize("query, field", [
    ({"kind": "weather"}, "kind"), ({"order": "random"}, "order"), ({"device": "x"}, "device"),
    ({"from": "yesterday"}, "from"), ({"to": "-1"}, "to"), ({"cursor": "x"}, "cursor"),
    ({"limit": "0"}, "limit")])
def test_what_cannot_be_asked(journal, query, field):
    """A wrong parameter is named."""
    answer = journal.api.get(MESSAGES, project_key=journal.project.key, query=query, expect=422)
    assert answer["field"] == field


def test_limited_secret(journal, server):
    """A secret that is for some devices sees the messages of these."""
    secret = server.cli("secret", "add", "some", "--project", journal.project.key, "--devices",
                        journal.second.username)["secret"]
    api = Api(server)
    token = api.post("/api_login/", {"username": journal.project.key, "password": secret})
    api.headers["Authorization"] = "Bearer " + token["token"]
    assert {m["device"] for m in journal.all(api)} == {journal.second.username}
    api.close()
