"""`eztcloud journal check` and `stat`: what is in a journal, and what is damaged in it."""
import json
import random
import shutil

import pytest

from lib.client import V5, Prop
from lib.server import run, wait_until
from lib.world import Net, Project

PAGE = 4096


class Filled:
    """A project whose journal has one of each: records, sessions with backlog, downlinks, values,
    alarms, commands and retained messages."""

    def __init__(self, server):
        self.server, self.project = server, Project.add(server)
        self.login = self.project.device()
        self.fill()

    def fill(self):
        net = Net(self.server, self.project)
        keep = {"clean": False, "props": [(Prop.SESSION_EXPIRY, 3600)]}
        away = net.app(V5, client_id="away", **keep)
        away.subscribe(self.login.open("attributes"), self.login.open("command_send"), qos=2)
        away.acknowledges = False
        device = net.device(self.login, V5, client_id="d", **keep)
        device.subscribe(device.own("command_send"), device.own("attributes_push"), qos=2)
        for n in range(100):
            device.publish(device.own("attributes"), b'{"n":%d,"text":"%s"}' % (n, b"x" * 50 * n),
                           qos=2)
        device.disconnect()
        app = net.app(V5)
        app.publish(self.login.open("command_send"), b'{"method":"m","id":1}')
        app.publish(self.login.open("attributes_push"), b'{"n":1}', retain=True)
        app.disconnect()
        net.close()

    def check(self):
        """The exit code, and the faults that were told."""
        done = self.server.cli_run("journal", "check", "--json")
        return done.returncode, json.loads(done.stdout)

    def stat(self):
        """Its own line of `stat`."""
        listed = self.server.cli("journal", "stat")["projects"]
        return next(p for p in listed if p["project"] == self.project.key)


@pytest.fixture
def filled(own):
    return Filled(own)


def test_sound(filled):
    """All that a running server writes is found sound, beside it and after its end, and `stat`
    shows what is there."""
    def is_written():
        rows = filled.stat()["rows"]
        return all(rows[name] for name in ("session", "flight", "downlink", "device", "value",
                                           "command", "retained"))
    wait_until(is_written, "a row of each")
    code, told = filled.check()
    assert (code, told["faults"]) == (0, [])
    assert told["records"] >= 101 and told["rows"] > 5 and told["cursors"] >= 1
    filled.server.stop()
    code, told = filled.check()
    assert (code, told["faults"]) == (0, [])
    stat = filled.stat()
    assert stat["records"] == stat["last_seq"] and stat["first_seq"] == 1
    assert stat["sessions"] == 1 and stat["bytes"] > 100 * 50
    cursor, = stat["cursor_list"]
    assert cursor["client_id"] == "away" and cursor["lag"] == stat["lag_max"]
    assert cursor["seq"] + cursor["lag"] == stat["last_seq"]
    assert filled.server.cli_run("journal", "stat").stdout.startswith("project ")
    filled.server.start()


def test_under_load(filled):
    """A check beside a server that writes all the time sees one moment of it."""
    net = Net(filled.server, filled.project)
    device = net.device(filled.login)
    for n in range(5):
        for k in range(20):
            device.publish(device.own("attributes"), b'{"n":%d}' % (20 * n + k), qos=1)
        code, told = filled.check()
        assert (code, told["faults"]) == (0, [])
    net.close()


def test_no_journal(own, tmp_path):
    """A directory without one is told."""
    done = run("journal", "check", "--data", tmp_path)
    assert done.returncode == 1 and "there is no journal here" in done.stderr
    done = run("journal", "stat", "--data", tmp_path)
    assert done.returncode == 1 and "there is no journal here" in done.stderr


@pytest.fixture
def damaged(filled):
    """The journal of a server that has ended, for damage; whole again afterwards."""
    filled.server.stop()
    path = filled.server.data / "journal" / "data.mdb"
    whole = path.parent / "whole"
    shutil.copy(path, whole)
    filled.path = path
    yield filled
    shutil.move(whole, path)
    filled.server.start()


@pytest.mark.parametrize("part", [0, 0.01, 0.3, 0.6])
def test_cut_off(damaged, part):
    """A file that was cut off is told in clear lines, by check and by stat."""
    size = int(damaged.path.stat().st_size * part)
    with damaged.path.open("r+b") as file:
        file.truncate(size)
    code, told = damaged.check()
    assert code == 1 and told["faults"]
    assert all("data.mdb" in line or line.startswith("and ") for line in told["faults"])
    done = damaged.server.cli_run("journal", "stat")
    assert done.returncode == 1 and "it is damaged" in done.stderr


def test_overwritten(damaged):
    """Pages that were overwritten are told, whatever is in them now."""
    noise = random.Random(7)
    pages = damaged.path.stat().st_size // PAGE
    with damaged.path.open("r+b") as file:
        for page in range(2, pages, 2):
            file.seek(page * PAGE)
            file.write(noise.randbytes(PAGE))
    code, told = damaged.check()
    assert code == 1 and any("is damaged" in line for line in told["faults"])


def test_record_that_cannot_be_decoded(damaged):
    """A record whose bytes are wrong is told with its project and number; the others count."""
    data = bytearray(damaged.path.read_bytes())
    topic = damaged.login.open("attributes").encode()
    at = [i for i in range(len(data)) if data.startswith(topic, i)]
    assert at
    for i in at:
        data[i - 56] = 99  # the form of the record, which stands that far before its topic
    damaged.path.write_bytes(data)
    code, told = damaged.check()
    lines = [line for line in told["faults"] if "cannot be decoded" in line]
    assert code == 1 and lines and damaged.project.key in lines[0] and " record " in lines[0]
    assert told["records"] >= 101


def test_newer_format(damaged):
    """A journal of a newer program is told as such."""
    data = bytearray(damaged.path.read_bytes())
    for i in range(len(data)):
        if data.startswith(b"format\x02\0\0\0", i):
            data[i + 6] = 3
    damaged.path.write_bytes(data)
    code, told = damaged.check()
    assert code == 1 and told["faults"] == [
        "the journal is of a newer program (format 3, this one knows 2)"]
