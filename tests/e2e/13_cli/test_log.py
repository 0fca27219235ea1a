"""`eztcloud log`: what a device sent and got, without credentials of an application."""
import json
import os
import subprocess

import pytest

from lib.server import BINARY, assert_no_sanitizer_report, wait_until
from lib.streams import DEADLINE_S


@pytest.fixture
def device(net, server):
    device = net.device(subscribe=("command_send",))
    server.cli("device", "set", device.login.username, "--project", device.login.project_key,
               "--log", "on")
    return device


def words(device, verb, *more):
    return ("log", verb, device.login.username, "--project", device.login.project_key, *more)


def test_show(net, server, device):
    """open-api 3.3 "Recorded": newest first; so many, and behind a number."""
    for n in range(120):  # more than one question to the server brings
        device.publish(device.own("data", "n"), b"%d" % n)
    shown = server.cli(*words(device, "show", "--limit", 70))["entries"]
    assert [e["payload"] for e in shown] == [str(n) for n in range(119, 49, -1)]
    assert shown[0]["direction"] == "up" and shown[0]["topic"] == device.own("data", "n")
    rest = server.cli(*words(device, "show", "--before", shown[-1]["number"]))["entries"]
    assert [e["payload"] for e in rest] == [str(n) for n in range(49, 19, -1)]  # --log-messages


def test_show_to_people(net, server, device):
    """open-api 3.3: a line an entry; what a device sends does not rule the terminal."""
    device.publish(device.own("data", "n"), b"red \x1b[31m\n\xc2\x9b\xc3\xa4")
    device.publish(device.own("event_report"), b"{}")
    done = server.cli_run(*words(device, "show"))
    header, refused, data = done.stdout.splitlines()
    assert header.split() == ["ts", "direction", "verdict", "message"]
    assert "refused" in refused and "method" in refused
    assert data.endswith("red \\x1b[31m\\x0a\\xc2\\x9bä (14 bytes)")
    assert "\x1b" not in done.stdout


def test_of_a_device_that_has_none(server, project):
    """Nothing was logged: an empty list. No device, no project, no server: told."""
    login = project.device()
    assert server.cli("log", "show", login.username, "--project", project.key)["entries"] == []
    for device, key, word in (("DU_0000000000", project.key, "no such device"),
                              ("x", project.key, "no such device"),
                              (login.username, "PR_0000000000", "no such project")):
        done = server.cli_run("log", "show", device, "--project", key)
        assert done.returncode == 1 and word in done.stderr
    server.stop()
    done = server.cli_run("log", "show", login.username, "--project", project.key)
    assert done.returncode == 1 and "no server runs" in done.stderr
    server.start()


class Follower:
    def __init__(self, server, tmp_path, *args):
        self.out, self.err = tmp_path / "out", tmp_path / "err"
        self.process = subprocess.Popen(
            [BINARY, *map(str, args), "--data", str(server.data)], stdout=self.out.open("w"),
            stderr=self.err.open("w"), env={**os.environ, **(server.env or {})})
        wait_until(lambda: "following" in self.err.read_text(), "the follower")

    def lines(self, count):
        """Whole ones: what is written at once may end within a line."""
        return wait_until(
            lambda: len(found := self.out.read_text().rpartition("\n")[0].splitlines()) >= count
            and found, "what is followed")

    def end(self):
        self.process.terminate()
        self.process.wait(timeout=DEADLINE_S)
        assert_no_sanitizer_report(self.err.read_text())


@pytest.mark.fast_tsan
def test_follow(server, device, tmp_path):
    """open-api 3.3: new entries as they come, for programs a JSON object a line."""
    device.publish(device.own("data", "n"), b"before")
    follower = Follower(server, tmp_path, *words(device, "follow", "--json"))
    for n in range(60):
        device.publish(device.own("data", "n"), b"%d" % n)
    entries = [json.loads(line) for line in follower.lines(60)]
    assert [e["payload"] for e in entries] == [str(n) for n in range(60)]
    follower.end()


def test_follow_until_the_server_ends(server, device, project, tmp_path):
    """It says that the log is off, and ends with the server."""
    login = project.device()
    follower = Follower(server, tmp_path, "log", "follow", login.username, "--project", project.key)
    assert "the log is off" in follower.err.read_text()
    server.stop()
    assert follower.process.wait(timeout=DEADLINE_S) == 1
    assert "no server runs" in follower.err.read_text()
    assert_no_sanitizer_report(follower.err.read_text())
    server.start()
