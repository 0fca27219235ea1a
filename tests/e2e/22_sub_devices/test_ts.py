"""`ts` of reports: late ones are handed on and do not replace newer values."""
import json
import time

import pytest

NOW = 1_700_000_000_000


@pytest.fixture
def one(gateway):
    """A gateway with a sub-device "1"."""
    gateway.connect("1")
    return gateway


def values(gateway, address="1"):
    gateway.say("sub_attributes_get", {"device": [address], "get": {"keys": []}})
    topic = gateway.own("sub_attributes_get_response")
    return json.loads(gateway.client.receive(topic).payload)["attributes"]


def report(gateway, attributes, ts=None):
    node = {"attributes": attributes}
    if ts is not None:
        node["ts"] = ts
    return gateway.say("sub_attributes", {"1": node})


def test_late_report(one):
    """open-api 3.2: a report that carries an older `ts` than the stored value is handed on, and
    does not replace the newer value; what it brings besides is kept."""
    app = one.watch("attributes")
    report(one, {"a": 1}, NOW)
    report(one, {"a": 2, "b": 2}, NOW - 1)
    report(one, {"b": 3}, NOW + 1)
    for value in ({"a": 1}, {"a": 2, "b": 2}, {"b": 3}):
        message = app.receive(value=value)
        accepted = int(message.props.user["ts"])
        assert abs(accepted - time.time() * 1000) < 600_000  # of acceptance, not of the report
    assert values(one) == {"a": 1, "b": 3}


def test_without_ts_it_is_now(one):
    """device-protocol: without `ts`, the time of acceptance."""
    report(one, {"a": 1})
    report(one, {"a": 2}, NOW)
    report(one, {"a": 3}, int(time.time() * 1000) - 60_000)
    assert values(one) == {"a": 1}


def test_same_time(one):
    """Of two values of one time the one that comes later counts."""
    one.say("sub_attributes", [{"device": "1", "ts": NOW, "attributes": {"a": n}}
                               for n in range(3)])
    assert values(one) == {"a": 2}


def test_future(one):
    """What a gateway's clock has ahead counts as of now, so that it blocks nothing."""
    report(one, {"a": 1}, NOW * 2)
    report(one, {"a": 2})
    assert values(one) == {"a": 2}


@pytest.mark.parametrize("ts", [-1, 0, 1.5, "now", None, True, 1e30])
def test_impossible(one, ts):
    """A `ts` that is no time is recorded, and the report counts as of now."""
    report(one, {"a": 1}, NOW)
    assert one.say("sub_attributes", {"1": {"ts": ts, "attributes": {"a": 2}}}).code == 0
    assert values(one) == {"a": 2}


def test_no_alarm_of_old(server, project, one, tmp_path):
    """open-api 6: what is not the device's value any more alerts nobody."""
    path = tmp_path / "rule.json"
    path.write_text(json.dumps({"definition": {
        "name": "hot", "level": "normal", "source": {"devices": [one.usernames[("1",)]]},
        "trigger": {"all": [{"attribute": "t", "operator": ">", "value": 10}]}}}))
    server.cli("alarm", "add", "--project", project.key, "--file", path)
    app = one.watch("alarm")
    report(one, {"t": 1}, NOW)
    report(one, {"t": 50}, NOW - 1)
    report(one, {"t": 60}, NOW + 1)
    app.receive(value={"alerting": True})
    app.expect_nothing()
