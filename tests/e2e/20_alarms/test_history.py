"""The history of alarms: `eztcloud alarm history`."""
import pytest

from lib.alarms import Rules, over, report
from lib.cases import table
from lib.packets import Prop
from lib.server import Server, wait_until
from lib.world import Net, Project

HOT = over(30)


class History:
    """What the command line tells, newest first."""

    def __init__(self, server, project):
        self.server, self.project = server, project

    def rows(self, *args):
        return self.server.cli("alarm", "history", "--project", self.project.key, *args)["history"]

    def wait_for(self, count, *args):
        """It is written behind: within a second, if the machine has time."""
        return wait_until(lambda: len(rows := self.rows(*args)) >= count and rows,
                          f"{count} changes")


@pytest.fixture
def history(server, project):
    return History(server, project)


def test_every_change_of_every_rule(net, rules, history):
    """open-api 6: the history keeps every change of every rule, pending too."""
    device = net.device()
    slow = rules.add(HOT, device.login, name="slow", repeat=2, level="important")
    fast = rules.add(HOT, device.login, name="fast")
    for t in (31, 20, 32, 33, 19):
        report(device, t=t)
    rows = history.wait_for(9, "--device", device.login.username)
    assert [(row["name"], row["state"], row["values"]["t"]) for row in reversed(rows)] == [
        ("slow", "pending", 31), ("fast", "alerting", 31),
        ("slow", "normal", 20), ("fast", "restored", 20),
        ("slow", "pending", 32), ("fast", "alerting", 32),
        ("slow", "alerting", 33),
        ("slow", "restored", 19), ("fast", "restored", 19)]
    newest = rows[0]
    assert newest["rule"] == fast and newest["device"] == device.login.username
    assert newest["level"] == "urgent" and rows[1]["rule"] == slow
    assert rows[1]["level"] == "important"
    assert [row["number"] for row in rows] == sorted((row["number"] for row in rows), reverse=True)
    assert all(a["ts_ms"] >= b["ts_ms"] > 1700000000000 for a, b in zip(rows, rows[1:]))


def test_filters_and_pages(net, rules, history):
    """By device, rule, level and time; pages by the place of their last row."""
    devices = [net.device() for _ in range(2)]
    logins = [device.login for device in devices]
    high = rules.add(HOT, *logins, name="high", level="urgent")
    low = rules.add(HOT, *logins, name="low", level="normal")
    for t in (31, 20, 31):
        for device in devices:
            report(device, t=t)
    mine = ("--device", logins[0].username)
    rows = history.wait_for(6, *mine)
    history.wait_for(6, "--device", logins[1].username)
    assert len(rows) == 6 and {row["device"] for row in rows} == {logins[0].username}
    assert {row["rule"] for row in history.rows("--rule", low)} == {low}
    assert len(history.rows("--rule", low)) == 6
    assert [row["level"] for row in history.rows(*mine, "--level", "urgent")] == ["urgent"] * 3
    assert history.rows(*mine, "--rule", high, "--level", "normal") == []
    middle = rows[3]["ts_ms"]
    later = [row["number"] for row in rows if row["ts_ms"] >= middle]
    assert [row["number"] for row in history.rows(*mine, "--from", middle)] == later
    assert [row["number"] for row in history.rows(*mine, "--to", middle)] == \
        [row["number"] for row in rows if row["ts_ms"] < middle]
    assert history.rows(*mine, "--from", "-1h") == rows
    assert history.rows(*mine, "--to", "2020-01-01T00:00:00Z") == []
    paged, place = [], ()
    while page := history.rows(*mine, "--limit", 4, *place):
        paged += page
        place = ("--before", page[-1]["place"])
    assert paged == rows


def test_for_people(net, rules, history, server, project):
    """Without --json it is a table."""
    device = net.device()
    rule = rules.add(HOT, device.login, name="Too hot")
    report(device, t=31)
    history.wait_for(1, "--rule", rule)
    done = server.cli_run("alarm", "history", "--project", project.key, "--rule", rule)
    heading, row = done.stdout.splitlines()
    assert heading.split() == ["ts", "device", "rule", "level", "state", "name"]
    assert row.split()[1:] == [device.login.username, rule, "urgent", "alerting", "Too", "hot"]


FAULTS = {
    "no device": (("--device", "DU_1"), "--device DU_1: this is none"),
    "no level": (("--level", "loud"), "--level loud: give normal, important or urgent"),
    "no time": (("--from", "yesterday"), "--from yesterday: no time: give 2026-12-31T23:59:59Z, "
                                         "Unix ms, or a time ago as -15m"),
    "no unit": (("--to", "-15x"), "--to -15x: no time: give 2026-12-31T23:59:59Z, Unix ms, or a "
                                  "time ago as -15m"),
    "no number": (("--limit", "0"), "--limit 0: give a number from 1 to 10000"),
    "no place": (("--before", "12"), "--before 12: give the `place` of a row"),
}


@table("args, why", FAULTS)
def test_faults_of_the_caller(server, project, args, why):
    """Each is told in one line."""
    done = server.cli_run("alarm", "history", "--project", project.key, *args)
    assert (done.returncode, done.stderr) == (1, f"eztcloud: {why}\n")


@pytest.fixture
def own():
    """A server of its own that keeps ten changes of a project."""
    running = Server("--alarm-history-max", 10)
    try:
        yield running.start()
        running.stop()
    finally:
        running.remove()


def test_kept_over_a_crash_and_within_its_limits(own, tmp_path):
    """What is a second old is on disk, whatever happens; the oldest changes go; it can be read
    without a server; a removed project takes its history with it."""
    project, other = Project.add(own), Project.add(own)
    history = History(own, project)
    net = Net(own, project)
    device = net.device()
    # who is owed the reports has them on disk before they are acknowledged, with what they changed
    net.app(client_id="owed", clean=False, props=((Prop.SESSION_EXPIRY, 600),)).subscribe(
        device.open("attributes"))
    Rules(own, project, tmp_path).add(HOT, device.login)
    assert history.rows() == []
    for number in range(3):
        report(device, t=31 + number)
        report(device, t=0)
    history.wait_for(6)
    own.kill9()
    assert len(history.rows()) == 6
    own.start()
    device = Net(own, project).device(device.login)
    for number in range(6):
        report(device, t=51 + number)
        report(device, t=0)
    rows = wait_until(lambda: len(rows := history.rows()) == 10 and rows[0]["number"] == 18 and rows,
                      "the limit")
    assert [row["number"] for row in rows] == list(range(18, 8, -1))
    own.cli("project", "remove", project.key)
    assert own.cli_run("alarm", "history", "--project", project.key).returncode == 1
    assert History(own, other).rows() == []
