"""What is owed survives stops and crashes, is bounded, and holds nothing up. (docs/alarms.md)"""
import threading

import pytest

from lib.alarms import Rules, over, report
from lib.http import Api
from lib.packets import Prop
from lib.ports import closed_port
from lib.receiver import Receiver
from lib.server import Server, wait_until
from lib.world import Net, Project

HOT = over(30)


class World:
    """A server of its own, and a device that alerts in it."""

    def __init__(self, folder, *options):
        self.server = Server("--webhook-private", "127.0.0.0/8", *options).start()
        self.project = Project.add(self.server)
        self.login = self.project.device()
        Rules(self.server, self.project, folder).add(HOT, self.login)
        self.admin = Api(self.server).set_up()

    def notifier(self, verb, *args):
        return self.server.cli("notifier", verb, *args, "--project", self.project.key)

    def alert(self, *values):
        device = Net(self.server, self.project).device(self.login)
        for t in values:
            report(device, t=t)
            report(device, t=0)

    def have_reports_owed(self):
        """What the device reports is on disk when it is acknowledged, and what it changes too."""
        app = Net(self.server, self.project).app(client_id="owed", clean=False,
                                                 props=((Prop.SESSION_EXPIRY, 600),))
        app.subscribe(self.login.open("attributes"))
        app.disconnect()

    def status(self):
        return self.admin.get("/api/v1/projects/{project_key}/notifiers/{name}/status",
                              project_key=self.project.key, name="hook").json

    def counter(self, name):
        return self.server.counters()[name]

    def restart(self):
        self.admin.close()
        self.server.start()


@pytest.fixture
def world(tmp_path):
    made = []

    def make(*options):
        made.append(World(tmp_path, *options))
        return made[-1]

    yield make
    for one in made:
        try:
            one.admin.close()
            one.server.stop()
        finally:
            one.server.remove()


@pytest.mark.parametrize("end", ["stop", "kill9"])
def test_over_a_stop_and_a_crash(world, end):
    """What was owed before is told afterwards, in order, and before what is new."""
    w, port = world(), closed_port()
    w.notifier("add", "hook", "--url", f"http://127.0.0.1:{port}/")
    w.have_reports_owed()
    w.alert(31, 32, 33)
    wait_until(lambda: w.status()["waiting"] == 6 and w.status()["failures"], "a try")
    wait_until(lambda: w.counter("alarm_records") == 6, "the changes on disk")
    getattr(w.server, end)()
    w.restart()
    assert w.status()["waiting"] == 6
    with Receiver(port=port) as receiver:
        w.alert(34)
        posts = [receiver.next().json for _ in range(8)]
        wait_until(lambda: w.status()["waiting"] == 0, "the last answer")
    assert [p["values"]["t"] for p in posts] == [31, 0, 32, 0, 33, 0, 34, 0]
    assert w.counter("notifications_sent") == 8


def test_a_receiver_that_hangs_holds_no_stop_up(world):
    """The stop does not wait for an answer; the change is told after the next start."""
    w = world("--webhook-timeout", 60)
    with Receiver() as receiver:
        receiver.hold = threading.Event()
        w.notifier("add", "hook", "--url", receiver.url)
        w.alert(31)
        first = receiver.next()
        waiting = []
        test = threading.Thread(target=lambda: waiting.append(
            w.server.cli_run("notifier", "test", "hook", "--project", w.project.key)))
        test.start()
        w.server.stop()
        test.join()
        assert waiting[0].returncode == 1
        assert not receiver.hold.is_set()
        receiver.hold.set()
        w.restart()
        again = receiver.next()
        assert again.delivery == first.delivery and again.body == first.body
        assert receiver.next().json["values"]["t"] == 0
        wait_until(lambda: w.status()["waiting"] == 0, "the last answer")


def test_no_more_is_owed_than_the_limit(world):
    """What comes when too many wait is not told, and counted; the messages do not wait."""
    w, port = world("--webhook-waiting-max", 3), closed_port()
    w.notifier("add", "hook", "--url", f"http://127.0.0.1:{port}/")
    w.alert(31, 32, 33)
    wait_until(lambda: w.counter("notifications_dropped") == 3, "the limit")
    assert w.status()["waiting"] == 3 and w.counter("notifications_waiting") == 3
    wait_until(lambda: "notifications_dropped" in w.server.log(), "a line about it")
    with Receiver(port=port) as receiver:
        assert [receiver.next().json["values"]["t"] for _ in range(3)] == [31, 0, 32]
        wait_until(lambda: w.status()["waiting"] == 0, "the last answer")
        w.alert(34)
        assert [receiver.next().json["values"]["t"] for _ in range(2)] == [34, 0]


def test_given_up_after_so_many_tries(world):
    """Then the next one's turn has come."""
    w = world("--webhook-tries", 2)
    with Receiver() as receiver:
        receiver.answers = [500, 500]
        w.notifier("add", "hook", "--url", receiver.url)
        w.alert(31)
        posts = [receiver.next() for _ in range(3)]
        assert [p.json["values"]["t"] for p in posts] == [31, 31, 0]
        wait_until(lambda: w.status()["waiting"] == 0, "the last answer")
    assert w.counter("notifications_given_up") == 1 and w.counter("notifications_sent") == 1
    assert w.counter("notification_failures") == 2
    assert "notification_given_up" in w.server.log() and "notifier_fails" in w.server.log()
    assert "notifier_works" in w.server.log()


def test_given_up_after_so_long(world):
    """What is older than the limit is not told any more, also not after a restart."""
    w, port = world("--webhook-retry", 1), closed_port()
    w.notifier("add", "hook", "--url", f"http://127.0.0.1:{port}/")
    w.alert(31)
    wait_until(lambda: w.counter("notifications_given_up") == 2, "the limit")
    wait_until(lambda: w.status()["waiting"] == 0, "the end of their rows")


def test_a_removed_notifier_leaves_nothing(world):
    """Its rows go with it, and one of the same name begins anew."""
    w, port = world(), closed_port()
    w.notifier("add", "hook", "--url", f"http://127.0.0.1:{port}/")
    w.alert(31, 32)
    wait_until(lambda: w.status()["waiting"] == 4, "the alarms")
    w.notifier("remove", "hook")
    wait_until(lambda: w.counter("notifications_waiting") == 0, "the removal")
    with Receiver(port=port) as receiver:
        w.notifier("add", "hook", "--url", f"http://127.0.0.1:{port}/")
        w.alert(33)
        assert [receiver.next().json["values"]["t"] for _ in range(2)] == [33, 0]
        wait_until(lambda: w.status()["waiting"] == 0, "the last answer")
        w.server.stop()
    w.restart()
    assert w.status()["waiting"] == w.counter("notifications_waiting") == 0


def test_a_removed_project_takes_its_notifiers_along(world):
    """open-api 1: nothing of a tenant stays."""
    w = world()
    w.notifier("add", "hook", "--url", f"http://127.0.0.1:{closed_port()}/")
    w.alert(31, 32)
    wait_until(lambda: w.status()["waiting"] == 4, "the alarms")
    w.server.cli("project", "remove", w.project.key)
    wait_until(lambda: w.counter("notifications_waiting") == 0, "the removal")
