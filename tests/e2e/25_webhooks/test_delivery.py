"""Alarms are told by signed POSTs, in order, and tried again. (docs/alarms.md)"""
import time

import pytest

from lib.alarms import over, report
from lib.ports import closed_port
from lib.receiver import Receiver, certificate_of
from lib.server import wait_until

HOT = over(30)
SERVER_OPTIONS = ("--webhook-private", "127.0.0.0/8,::1",
                  "--webhook-ca", certificate_of("localhost").certificate)


def alert(device, times=1, first=31):
    """So many alarms, each with its end."""
    for number in range(times):
        report(device, t=first + number)
        report(device, t=0)


def test_an_alarm_is_told_over_https(net, notifiers, rules):
    """What, who, how loud, when; signed as Standard Webhooks asks."""
    device = net.device()
    rule = rules.add(HOT, device.login, name="Too hot", level="important")
    with Receiver(certificate_of("localhost")) as receiver:
        secret = notifiers.add(receiver.url)
        before = time.time()
        report(device, t=31)
        post = receiver.next()
    assert post.path == "/hook?a=b" and post.headers["Content-Type"] == "application/json"
    assert post.headers["User-Agent"].startswith("EZtCloud-Open/")
    assert before - 2 < int(post.headers["webhook-timestamp"]) < time.time() + 2
    assert post.is_signed_by(secret)
    told = post.json
    assert before * 1000 - 2000 < told.pop("ts") < time.time() * 1000 + 2000
    assert told.pop("number") > 0
    assert told == {"type": "alarm", "project": net.project.key, "notifier": "hook",
                    "device": device.login.username, "rule": rule, "name": "Too hot",
                    "level": "important", "state": "alerting", "alerting": True,
                    "values": {"t": 31}}


@pytest.mark.fast_tsan
def test_in_order_and_each_once(net, notifiers, rules, receiver):
    """Several alarms and their ends, while the receiver fails now and then."""
    device = net.device()
    rules.add(HOT, device.login)
    receiver.answers = [200, 200, 500, 200, 200, 200, 503]
    notifiers.add(receiver.url)
    alert(device, times=20)
    told, tried = [], 0
    while len(told) < 40:
        post = receiver.next()
        tried += 1
        if tried not in (3, 7):
            told.append(post)
    assert [p.json["values"]["t"] for p in told] == [t for n in range(20) for t in (31 + n, 0)]
    assert [p.json["state"] for p in told] == ["alerting", "restored"] * 20
    assert len({p.delivery for p in told}) == 40
    wait_until(lambda: notifiers.status()["waiting"] == 0, "the last answer")
    assert receiver.posts.empty()


def test_tried_again_after_an_error(net, notifiers, rules, receiver):
    """The same delivery, signed anew for its time."""
    device = net.device()
    rules.add(HOT, device.login)
    receiver.answers = [500, 404]
    secret = notifiers.add(receiver.url)
    report(device, t=31)
    posts = [receiver.next() for _ in range(3)]
    assert len({p.delivery for p in posts}) == 1 and len({p.body for p in posts}) == 1
    assert all(p.is_signed_by(secret) for p in posts)
    times = [int(p.headers["webhook-timestamp"]) for p in posts]
    assert times == sorted(times) and times[0] < times[2]
    status = wait_until(lambda: (s := notifiers.status())["failures"] == 0 and s["waiting"] == 0 and s,
                        "the last answer")
    last = status["last"]
    assert last["delivery"] == posts[0].delivery and last["delivered"] and last["tries"] == 3
    assert last["status"] == 200 and last["cause"] is None and last["test"] is False


def test_tried_again_when_nobody_listened(net, notifiers, rules):
    """A receiver that is down gets its alarms when it is up again."""
    device, port = net.device(), closed_port()
    rules.add(HOT, device.login)
    secret = notifiers.add(f"http://localhost:{port}/hook?a=b")
    alert(device, times=3)
    status = wait_until(lambda: (s := notifiers.status())["failures"] > 0 and s["waiting"] == 6 and s,
                        "a try")
    assert status["last"]["status"] is None
    assert "connect" in status["last"]["cause"]
    with Receiver(port=port) as receiver:
        posts = [receiver.next() for _ in range(6)]
        wait_until(lambda: notifiers.status()["waiting"] == 0, "the last answer")
    assert [p.json["values"]["t"] for p in posts] == [31, 0, 32, 0, 33, 0]
    assert all(p.is_signed_by(secret) for p in posts)


def test_a_changed_notifier_is_tried_at_once(net, notifiers, rules, receiver):
    """Who mends the URL does not wait for the pause to end; what was owed comes."""
    device = net.device()
    rules.add(HOT, device.login)
    notifiers.add(f"http://localhost:{closed_port()}/")
    alert(device, times=2)
    wait_until(lambda: notifiers.status()["failures"] >= 2, "failures")
    notifiers.cli("set", "hook", "--url", receiver.url)
    assert [receiver.next().json["values"]["t"] for _ in range(4)] == [31, 0, 32, 0]


def fails_because(notifiers, words):
    """Tests the notifier by both ways: it must fail for this reason."""
    done = notifiers.test()
    assert done.returncode == 1 and words in done.stderr, done
    result = notifiers.admin.post("/api/v1/projects/{project_key}/notifiers/{name}/test",
                                  project_key=notifiers.project.key, name="hook")
    assert result["delivered"] is False and result["test"] is True
    assert words in (result["cause"] or f"HTTP status {result['status']}")


def test_a_certificate_of_nobody_is_refused(notifiers):
    """A receiver must prove who it is."""
    with Receiver(certificate_of("stranger.test")) as receiver:
        notifiers.add(receiver.url)
        fails_because(notifiers, "SSL peer certificate")
        assert receiver.posts.empty()


def test_a_certificate_of_another_host_is_refused(notifiers):
    """Trusted, but for the name localhost alone."""
    with Receiver(certificate_of("localhost")) as receiver:
        notifiers.add(f"https://127.0.0.1:{receiver.port}/")
        fails_because(notifiers, "SSL peer certificate")
        assert receiver.posts.empty()
        notifiers.cli("set", "hook", "--url", receiver.url)
        assert notifiers.test().returncode == 0
        assert receiver.next().json["type"] == "test"


def test_redirects_are_not_followed(notifiers, receiver):
    """Where it is sent is what the operator said, and nobody else."""
    with Receiver() as other:
        notifiers.add(receiver.url)
        for status in (301, 302, 307, 308):
            receiver.answers = [(status, {"Location": other.url}, b"")] * 2
            fails_because(notifiers, f"HTTP status {status}")
        assert other.posts.empty()


def test_a_test_by_both_ways(notifiers, receiver, project):
    """It says how it went; also of a notifier that is off."""
    secret = notifiers.add(receiver.url, "--enabled", "off")
    answer = notifiers.cli("test", "hook")
    assert answer == {"delivered": True, "status": 200}
    post = receiver.next()
    assert post.is_signed_by(secret) and post.json.pop("ts") > 1700000000000
    assert {k: v for k, v in post.json.items() if k != "ts"} == \
        {"type": "test", "project": project.key, "notifier": "hook"}
    receiver.answers = [418]
    done = notifiers.test()
    assert done.stderr == "eztcloud: hook: not delivered: answered with HTTP status 418\n"
    assert notifiers.status()["waiting"] == 0


def test_a_long_answer_is_cut_off(notifiers, receiver):
    """The status counts; of the body no more than 64 KiB is read, however much is announced."""
    receiver.answers = [(200, {"Content-Length": str(10**12)}, bytes(1 << 20)),
                        (500, {"Content-Length": str(10**12)}, bytes(1 << 20))]
    notifiers.add(receiver.url)
    assert notifiers.cli("test", "hook") == {"delivered": True, "status": 200}
    assert "HTTP status 500" in notifiers.test().stderr


def test_renewed_secret(net, notifiers, rules, receiver):
    """From then on signed with the new one, also what was tried with the old one."""
    device = net.device()
    rules.add(HOT, device.login)
    old = notifiers.add(receiver.url)
    receiver.answers = [500] * 100
    report(device, t=31)
    posts = [receiver.next()]
    new = notifiers.cli("renew", "hook")["secret"]
    assert old != new and "secret" not in notifiers.cli("list")["notifiers"][0]
    while not posts[-1].is_signed_by(new):  # it may have been tried again meanwhile
        assert posts[-1].is_signed_by(old)
        posts.append(receiver.next())
    assert len(posts) > 1 and not posts[-1].is_signed_by(old)
    assert len({p.delivery for p in posts}) == 1


def test_switched_off_and_removed(net, notifiers, rules, receiver):
    """What happens while a notifier is off is not told; the others go on."""
    device = net.device()
    rules.add(HOT, device.login)
    with Receiver() as other:
        notifiers.add(receiver.url)
        notifiers.add(other.url, name="other")

        def both_told(t):
            alert(device, first=t)
            return [other.next().json["values"]["t"] for _ in range(2)] == [t, 0]

        notifiers.cli("set", "hook", "--enabled", "off")
        assert both_told(31) and receiver.posts.empty()
        notifiers.cli("set", "hook", "--enabled", "on")
        assert both_told(32) and receiver.next().json["values"]["t"] == 32
        receiver.next()
        notifiers.cli("remove", "hook")
        assert both_told(33) and receiver.posts.empty()


def test_which_it_is_told(net, admin, notifiers, rules):
    """Levels, changes, devices and types; what is left out limits nothing."""
    project = net.project.key
    kind = admin.post("/api/v1/projects/{project_key}/types", {"name": "k", "code": "kind"},
                      project_key=project)["product_key"]
    one, typed, third = net.device(), net.device(), net.device()
    admin.patch("/api/v1/projects/{project_key}/devices/{device}", {"type": kind},
                project_key=project, device=typed.login.username)
    logins = [device.login for device in (one, typed, third)]
    rules.add(HOT, *logins, name="high", level="urgent")
    rules.add(HOT, *logins, name="low", level="normal")
    wanted = {
        "all": ((), lambda r: True),
        "levels": (("--levels", "urgent,important"), lambda r: r["level"] == "urgent"),
        "begins": (("--changes", "alerting"), lambda r: r["alerting"]),
        "ends": (("--changes", "restored"), lambda r: not r["alerting"]),
        "devices": (("--devices", one.login.username),
                    lambda r: r["device"] == one.login.username),
        "types": (("--types", "kind", "--devices", one.login.username),
                  lambda r: r["device"] != third.login.username)}
    receivers = {name: Receiver() for name in wanted}
    for name, (args, _) in wanted.items():
        notifiers.add(receivers[name].url, *args, name=name)
    for device in (one, typed, third):
        alert(device)
    every = [receivers["all"].next().json for _ in range(12)]
    for name, (_, is_wanted) in wanted.items():
        if name != "all":
            own = [r for r in every if is_wanted(r)]
            got = [receivers[name].next().json for _ in own]
            strip = [{k: v for k, v in r.items() if k != "notifier"} for r in own]
            assert [{k: v for k, v in r.items() if k != "notifier"} for r in got] == strip
        wait_until(lambda: notifiers.status(name)["waiting"] == 0, name)
        assert receivers[name].posts.empty()
        receivers[name].close()
