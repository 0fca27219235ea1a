"""Alarm rules: `alarm` and `alarm_detail` when they begin and end."""
import json
import time

import pytest

from lib import packets
from lib.alarms import over, report
from lib.cases import table
from lib.packets import Prop
from lib.server import wait_until


def expect_alarm(app, device, alerting):
    return app.receive(device.open("alarm"), b'{"alerting": %b}' % (b"true" if alerting else b"false"))


def expect_detail(app, device, alerting, **fields):
    message = app.receive(f"$open/{device.login.project_key}/{device.login.username}/alarm_detail")
    detail = json.loads(message.payload)
    assert detail["alerting"] is alerting, detail
    wrong = {name: detail.get(name) for name in fields if detail.get(name) != fields[name]}
    assert not wrong, detail
    return detail


def expect_change(app, device, alerting, **fields):
    """Both messages of a change that is told; gives the detail."""
    expect_alarm(app, device, alerting)
    return expect_detail(app, device, alerting, **fields)


def moment(message):
    """When the server accepted it."""
    return int(message.props.user["ts"])


def expect_change_of_several(app, device, alerting, *names):
    """The details of several rules, in this order, and the one `alarm` of the last."""
    for name in names[:-1]:
        expect_detail(app, device, alerting, name=name)
    expect_change(app, device, alerting, name=names[-1])


def test_begin_and_end(watched, rules):
    """open-api 3.2 and 6: true when it starts alerting, false when it ends, and the detail."""
    device, app = watched
    rule = rules.add(over(30), device.login, name="过热")
    report(device, t=30)
    report(device, t=31, h=5)
    message = expect_alarm(app, device, True)
    told = message.props.user
    assert (told["rule"], told["name"], told["level"]) == (rule, "过热", "urgent")
    assert told["ts"].isdigit()
    assert message.props.get(Prop.CONTENT_TYPE) == "application/json"
    detail = expect_detail(app, device, True, rule=rule, name="过热", level="urgent",
                           values={"t": 31})
    assert detail["ts"] > 1700000000000
    report(device, t=32)
    report(device, t=29)
    expect_change(app, device, False, rule=rule, values={"t": 29})
    app.expect_nothing()


@pytest.mark.fast_tsan
def test_behind_the_report_that_caused_it(net, rules):
    """open-api 3.1: in order with the device's other messages."""
    device, app = net.device(), net.app()
    rules.add(over(30), device.login)
    app.subscribe(device.open("#"))
    for number in range(5):
        report(device, t=40, n=number)
        app.receive(device.open("attributes"), value={"t": 40, "n": number})
        expect_alarm(app, device, True)
        report(device, t=0)
        app.receive(device.open("attributes"), value={"t": 0})
        expect_alarm(app, device, False)


CONDITIONS = {
    "greater": (over(30), {"t": 31}, {"t": 30}),
    "not less": (over(30, operator=">="), {"t": 30}, {"t": 29.9}),
    "less": (over(5, operator="<"), {"t": -1}, {"t": 5}),
    "not greater": (over(5, operator="<="), {"t": 5.0}, {"t": 5.1}),
    "equal": (over(5, operator="=="), {"t": 5}, {"t": 6}),
    "not equal": (over("ok", operator="!="), {"t": "bad"}, {"t": "ok"}),
    "switch": (over(True, operator="=="), {"t": "ON"}, {"t": 0}),
    "switch, the other way": (over("OFF", operator="=="), {"t": False}, {"t": 1}),
    "switch, in order": (over(False), {"t": "ON"}, {"t": 0}),
    "text, in order": (over("2.10", operator=">="), {"t": "2.1\u6c34"}, {"t": "2.1"}),
    "enum of texts": (over("manual", operator="=="), {"t": "manual"}, {"t": "auto"}),
    "enum of numbers": (over(3, operator="!="), {"t": 2}, {"t": 3}),
    "all": ({"all": [{"attribute": "a", "operator": ">", "value": 1},
                     {"attribute": "b", "operator": ">", "value": 1}]},
            {"a": 2, "b": 2}, {"b": 0}),
    "any": ({"any": [{"attribute": "a", "operator": ">", "value": 1},
                     {"attribute": "b", "operator": ">", "value": 1}]},
            {"a": 0, "b": 2}, {"b": 0}),
}


@table("trigger, bad, good", CONDITIONS)
def test_conditions(watched, rules, trigger, bad, good):
    """open-api 6: every operator, on numbers, texts and switches; all and any."""
    device, app = watched
    rules.add(trigger, device.login)
    report(device, **good)
    report(device, **bad)
    expect_change(app, device, True)
    report(device, **good)
    expect_change(app, device, False)


def test_all_over_several_reports(watched, rules):
    """open-api 6: a report has only the keys of its change; the others count as they are."""
    device, app = watched
    rules.add(CONDITIONS["all"][0], device.login)
    report(device, a=2)
    report(device, b=2)
    expect_change(app, device, True)
    report(device, c=1)
    report(device, a=0)
    expect_change(app, device, False)


def test_repeat(watched, rules):
    """open-api 6: only the n-th consecutive report that meets the condition alerts."""
    device, app = watched
    rules.add(over(30), device.login, repeat=3)
    for value in (31, 32, 29, 31, 32):
        report(device, t=value)
    app.expect_nothing()
    report(device, t=33)
    expect_change(app, device, True, values={"t": 33})


def test_duration(net, watched, rules):
    """open-api 6: only when met without a break for so long. The moments are the server's."""
    device, app = watched
    seen = net.app()
    seen.subscribe(device.open("attributes"))
    rules.add(over(30), device.login, name="hot", duration=1)
    rules.add(over(0, "c"), device.login, name="clock", duration=1)
    device.send(*(packets.publish(device.version, device.own("attributes"), payload)
                  for payload in (b'{"t":31}', b'{"t":29}', b'{"c":1}')))  # of one moment
    expect_change(app, device, True, name="clock")
    report(device, t=31)
    since = [moment(seen.receive()) for _ in range(4)][3]
    report(device, t=32)
    assert expect_change(app, device, True, name="hot")["ts"] >= since + 1000
    report(device, t=0, c=0)
    expect_change_of_several(app, device, False, "hot", "clock")


def test_repeat_and_duration(net, watched, rules):
    """open-api 6: both set, both must hold: time alone does not do, nor do reports alone."""
    device, app = watched
    seen = net.app()
    rules.add(over(30), device.login, name="both", repeat=2, duration=1)
    rules.add(over(30), device.login, name="clock", duration=2)
    report(device, t=31)
    expect_change(app, device, True, name="clock")
    report(device, t=32)
    expect_change(app, device, True, name="both", values={"t": 32})
    report(device, t=0)
    expect_change_of_several(app, device, False, "both", "clock")
    seen.subscribe(device.open("attributes"))
    report(device, t=31)
    report(device, t=31)
    since = moment(seen.receive())
    assert expect_change(app, device, True, name="both")["ts"] >= since + 1000


def test_a_push_counts_too(net, watched, rules):
    """open-api 6: what an application sets is a value of the device."""
    device, app = watched
    rules.add(over(30), device.login)
    net.app().publish(device.open("attributes_push"), b'{"t": 31}')
    expect_change(app, device, True)


@pytest.fixture(params=[False, True], ids=["first and last", "per rule"])
def per_rule(request, server, project):
    """The project's switch, put back afterwards."""
    server.cli("project", "set", project.key, "--alarm-per-rule", "on" if request.param else "off")
    yield request.param
    server.cli("project", "set", project.key, "--alarm-per-rule", "off")


def test_several_rules(watched, rules, per_rule):
    """open-api 3.2: no trigger is missed; false when the last one ends, or each, as the project
    wants."""
    device, app = watched
    rules.add(over(30), device.login, name="hot")
    rules.add(over(40), device.login, name="hotter")
    report(device, t=35)
    expect_change(app, device, True, name="hot")
    report(device, t=45)
    expect_change(app, device, True, name="hotter")
    report(device, t=35)
    if per_rule:
        expect_alarm(app, device, False)
    expect_detail(app, device, False, name="hotter")
    report(device, t=5)
    expect_change(app, device, False, name="hot")
    app.expect_nothing()


def test_offline(net, watched, rules):
    """open-api 6: the device is offline."""
    device, app = watched
    rules.add({"offline": True}, device.login, name="away")
    device.disconnect()
    expect_change(app, device, True, name="away", values={})
    again = net.device(device.login)
    expect_change(app, again, False, name="away")


def test_offline_for_a_while(net, rules):
    """open-api 6: offline with a duration: who comes back in time was not away for long. A machine
    that is slow may see its end before: then again, with a longer one."""
    def is_back_in_time(duration):
        device, app = net.device(), net.app()
        topic = device.open("online")
        app.subscribe(topic, device.open("alarm"), "$" + device.open("alarm_detail"))
        rules.add({"offline": True}, device.login, name="away", duration=2 * duration)
        rules.add({"offline": True}, device.login, name="gone", duration=duration)
        device.disconnect()
        since = moment(app.receive_online(topic, False))
        device = net.device(device.login)
        message = app.receive()
        if message.topic != topic:
            assert moment(message) >= since + 1000 * duration
            return False
        assert json.loads(message.payload) == {"online": True}
        device.disconnect()
        since = moment(app.receive_online(topic, False))
        ends = [expect_change(app, device, True) for _ in range(2)]  # of one turn in any order
        moments = {detail["name"]: detail["ts"] - since for detail in ends}
        assert moments["gone"] >= 1000 * duration and moments["away"] >= 2000 * duration
        device = net.device(device.login)
        app.receive_online(topic, True)
        expect_change_of_several(app, device, False, "away", "gone")
        return True

    assert any(is_back_in_time(duration) for duration in (1, 2, 4, 8))


def test_offline_already(net, watched, rules):
    """open-api 6: the condition counts from when it was first met, so also for a rule that comes
    later; a device that was never there has not gone offline."""
    device, app = watched
    app.subscribe(device.open("online"))
    never = net.project.device()
    app.subscribe(never.open("alarm"))
    device.disconnect()
    app.receive_online(device.open("online"), False)
    rule = rules.add({"offline": True}, device.login, never, name="away")
    expect_change(app, device, True, name="away")
    rules.cli("set", rule, "--enabled", "off")
    expect_change(app, device, False, name="away")
    rules.cli("set", rule, "--enabled", "on")
    expect_change(app, device, True, name="away")
    app.expect_nothing()


def test_a_device_that_goes_ends_its_alarms(server, watched, rules):
    """open-api 3.2: nothing alerts for a device that is not there any more, nor is it online."""
    device, app = watched
    app.subscribe(device.open("online"))
    rules.add(over(30), device.login, name="hot")
    rules.add({"offline": True}, device.login, name="away")
    report(device, t=31)
    expect_change(app, device, True, name="hot")
    server.cli("device", "remove", device.login.username, "--project", device.login.project_key)
    expect_change(app, device, False, name="hot")
    app.receive_online(device.open("online"), False)
    app.expect_nothing()


def test_of_a_type_but_not_for_one(net, server, project, rules, tmp_path):
    """open-api 6: a rule of a type, switched off for one of its devices; a device that gets the
    type later, and one that loses it."""
    made = server.cli("type", "add", "--project", project.key, "--name", "T")
    devices = [net.device() for _ in range(3)]
    for device in devices[:2]:
        server.cli("device", "set", device.login.username, "--project", project.key,
                   "--type", made["product_key"])
    rules.add(over(30), source={"type": made["product_key"]}, **{
        "except": [devices[0].login.username]})
    server.cli("device", "set", devices[2].login.username, "--project", project.key,
               "--type", made["product_key"])
    app = net.app()
    app.subscribe(*(device.open("alarm") for device in devices))
    for device in devices:
        report(device, t=31)
    assert {app.receive().topic for _ in range(2)} == {
        device.open("alarm") for device in devices[1:]}
    app.expect_nothing()
    server.cli("device", "set", devices[2].login.username, "--project", project.key,
               "--type", "none")
    expect_alarm(app, devices[2], False)


def test_a_rule_that_goes_ends_its_alarms(watched, rules):
    """open-api 3.2: disabling or deleting a rule that alerts ends it."""
    device, app = watched
    first, second = (rules.add(over(30), device.login, name=name) for name in ("a", "b"))
    report(device, t=31)
    expect_change(app, device, True, name="a")
    expect_change(app, device, True, name="b")
    rules.cli("set", first, "--enabled", "off")
    expect_detail(app, device, False, name="a")
    rules.cli("remove", second)
    expect_change(app, device, False, name="b")
    rules.cli("set", first, "--enabled", "on")
    report(device, t=31)
    expect_change(app, device, True, name="a")


@pytest.mark.fast_tsan
def test_a_changed_rule(watched, rules):
    """A new name or level changes nothing of its state; a new condition begins anew."""
    device, app = watched
    rule = rules.add(over(30), device.login)
    report(device, t=35)
    expect_change(app, device, True)
    rules.write(over(30), device.login, name="renamed", level="normal")
    rules.cli("set", rule, "--file", rules.path)
    app.expect_nothing()
    rules.write(over(40), device.login, name="renamed", level="normal")
    rules.cli("set", rule, "--file", rules.path)
    expect_change(app, device, False, name="renamed")
    report(device, t=41)
    expect_change(app, device, True, name="renamed", level="normal")


def test_over_a_restart(net, server, watched, rules):
    """open-api 6: what alerts is known after the start, and so is since when a condition is met."""
    device, _ = watched
    kept = {"client_id": "kept", "clean": False, "props": [(Prop.SESSION_EXPIRY, 600)]}
    net.app(**kept).subscribe(device.open("alarm"),
                              f"$open/{net.project.key}/{device.login.username}/alarm_detail")
    rules.add(over(30), device.login, name="now")
    rules.add(over(30), device.login, name="later", duration=2)
    report(device, t=31)
    server.stop()
    server.start()
    app, again = net.app(**kept), net.device(device.login)
    begun = set()
    while begun != {"now", "later"}:
        told = json.loads(app.receive().payload)
        begun |= {told["name"]} if "name" in told else set()
    report(again, t=0)
    ended = []
    while len(ended) < 3:
        told = json.loads(app.receive().payload)
        ended += [] if told["alerting"] else [told.get("name")]
    assert ended == ["now", None, "later"]


def test_time_goes_on_while_it_is_stopped(net, server, watched, rules):
    """open-api 6: durations count from the moment at which the condition was first met (stored)."""
    device, away, seen = watched[0], net.device(), net.app()
    seen.subscribe(away.open("online"))
    rules.add(over(30), device.login, name="long", duration=3600)
    rules.add(over(30), device.login, name="soon", duration=1)
    rules.add({"offline": True}, away.login, name="away", duration=1)

    def alerts(of, name):
        rows = server.cli("alarm", "history", "--project", net.project.key, "--device",
                          of.login.username)["history"]
        return (name, "alerting") in ((row["name"], row["state"]) for row in rows)

    report(device, t=31)
    away.disconnect()
    seen.receive_online(away.open("online"), False)
    server.stop()
    time.sleep(1)  # what is waited for is time itself
    server.start()
    wait_until(lambda: alerts(device, "soon") and alerts(away, "away"), "both that were due")
    app = net.app()
    app.subscribe(device.open("alarm"), away.open("alarm"))
    away = net.device(away.login)

    def next_end():
        while json.loads((message := app.receive()).payload)["alerting"]:
            pass
        return message.topic, message.props.user["name"]

    assert next_end() == (away.open("alarm"), "away")
    report(net.device(device.login), t=0)
    assert next_end() == (device.open("alarm"), "soon")
    app.expect_nothing()
