"""`eztcloud backup` and `restore`: a data directory copied while its server runs, and put back."""
import json
import os
import shutil
import sqlite3
import threading

import pytest

from lib.client import V4, V5, Prop
from lib.server import Server, wait_until
from lib.world import Net, Project

KEEP = {"clean": False, "props": [(Prop.SESSION_EXPIRY, 3600)]}


@pytest.fixture
def other():
    """A server that was never started, for a restore."""
    made = Server()
    try:
        yield made
        made.stop()
    finally:
        made.remove()


@pytest.fixture
def copy(tmp_path):
    return tmp_path / "copy"


class Load:
    """Devices that report at QoS 1 all the time, each a number that grows."""

    def __init__(self, server, project, count=3):
        self.logins = [project.device() for _ in range(count)]
        self.acknowledged = [0] * count
        self._net, self._over = Net(server, project), threading.Event()
        self._threads = [threading.Thread(target=self._run, args=(i,)) for i in range(count)]
        self._faults = []
        for thread in self._threads:
            thread.start()

    def _run(self, i):
        try:
            device = self._net.device(self.logins[i])
            while not self._over.is_set():
                n = self.acknowledged[i] + 1
                device.publish(device.own("attributes"), b'{"n":%d}' % n, qos=1)
                self.acknowledged[i] = n
        except Exception as fault:  # told where the test waits
            self._faults.append(fault)

    def wait_for_more(self, count):
        before = list(self.acknowledged)
        wait_until(lambda: self._faults or all(now >= was + count for now, was in
                                               zip(self.acknowledged, before)), "reports")

    def end(self):
        self._over.set()
        for thread in self._threads:
            thread.join()
        self._net.close()
        assert not self._faults


def numbers_of(app, logins, at_least):
    """What the application gets of each device until all have reached `at_least`; each grows by one
    from 1."""
    got = [0] * len(logins)
    topics = {login.open("attributes"): i for i, login in enumerate(logins)}
    while any(have < want for have, want in zip(got, at_least)):
        message = app.receive()
        i = topics[message.topic]
        assert json.loads(message.payload)["n"] == got[i] + 1
        got[i] += 1
    return got


@pytest.mark.parametrize("version", [V4, V5], ids=["v3.1.1", "v5"])
def test_under_load(own, other, copy, version):
    """All that was acknowledged before a backup began is in it, in order and without holes: a
    persistent session gets it from a server that starts on the restored directory."""
    project = Project.add(own)
    net = Net(own, project)
    fields = KEEP if version == V5 else {"clean": False}
    app = net.app(version, client_id="owed", **fields)
    app.subscribe(f"open/{project.key}/+/attributes", qos=1)
    app.disconnect()
    load = Load(own, project)
    load.wait_for_more(30)
    before = list(load.acknowledged)
    made = own.cli("backup", copy, "--keys")
    load.wait_for_more(10)
    load.end()
    net.close()
    assert made["keys"] is True and made["bytes"] > 0
    own.stop()

    restored = other.cli("restore", copy)
    assert restored["data"] == str(other.data)
    assert other.cli("journal", "check")["faults"] == []
    other.start()
    net = Net(other, project)
    app = net.app(version, client_id="owed", **fields)
    assert app.connack.session_present
    got = numbers_of(app, load.logins, before)
    for login, count in zip(load.logins, got):  # they go on there
        net.device(login).publish(login.own("attributes"), b'{"n":0}', qos=1)
    net.close()


def test_what_is_in_it(own, copy):
    """The set has the parts, readable for nobody else, and a list of them; without --keys no key is
    in it and the operator is told."""
    project = Project.add(own)
    done = own.cli_run("backup", copy)
    assert done.returncode == 0
    assert "note: secret.key and tls/ are not in it" in done.stderr
    files = sorted(str(p.relative_to(copy)) for p in copy.rglob("*") if p.is_file())
    assert files == ["alarms/data.mdb", "backup.json", "journal/data.mdb", "registry.db"]
    assert all(p.stat().st_mode & 0o77 == 0 for p in [copy, *copy.rglob("*")])
    listed = json.loads((copy / "backup.json").read_text())
    assert listed["keys"] is False
    assert {f["name"]: f["bytes"] for f in listed["files"]} == {
        name: (copy / name).stat().st_size for name in files if name != "backup.json"}
    for path in copy.rglob("*"):
        if path.is_file():  # secrets of the registry are sealed
            assert project.secret.encode() not in path.read_bytes()


def test_without_keys(own, other, copy):
    """A set without keys is restored with a word about what is missing; a server does not start
    there until secret.key is put beside it, and then all secrets are as they were."""
    project = Project.add(own)
    assert own.cli("backup", copy)["keys"] is False
    done = other.cli_run("restore", copy)
    assert done.returncode == 0 and "put secret.key" in done.stderr
    refused = other.cli_run("serve")
    assert refused.returncode == 1 and "secret.key: is missing" in refused.stderr
    shutil.copy(own.data / "secret.key", other.data / "secret.key")
    other.start()
    net = Net(other, project)
    net.app().ping()
    net.close()


def test_with_keys(own, other, copy):
    """With --keys the certificates go along too: clients of the old server trust the new one."""
    project = Project.add(own)
    (own.data / "tls" / "sni").mkdir(exist_ok=True)
    for end in ("pem", "key"):
        shutil.copy(own.data / "tls" / f"server.{end}", own.data / "tls" / "sni" / f"x.{end}")
    own.cli("backup", copy, "--keys")
    other.cli("restore", copy)
    for name in ("secret.key", "tls/ca.pem", "tls/server.key", "tls/sni/x.key"):
        assert (other.data / name).read_bytes() == (own.data / name).read_bytes()
        assert (other.data / name).stat().st_mode & 0o77 == 0
    other.start()
    net = Net(other, project)
    net.app().ping()
    net.close()


def test_of_a_stopped_server(own, other, copy):
    """A directory on which no server runs is backed up the same way."""
    project = Project.add(own)
    login = project.device()
    own.stop()
    own.cli("backup", copy, "--keys")
    other.cli("restore", copy)
    other.start()
    net = Net(other, project)
    net.device(login).ping()
    net.close()
    own.start()


def test_values_and_presence(own, other, copy):
    """What is known of devices is in it: cloud values and commands."""
    project = Project.add(own)
    login, net = project.device(), Net(own, project)
    watcher = net.app(V5, client_id="w", **KEEP)
    watcher.subscribe(login.open("attributes"))
    device = net.device(login)
    device.publish(device.own("attributes"), b'{"a":1}', qos=1)
    own.cli("backup", copy, "--keys")
    device.publish(device.own("attributes"), b'{"a":2}', qos=1)
    net.close()
    other.cli("restore", copy)
    other.start()
    net = Net(other, project)
    device = net.device(login, subscribe=["attributes_get_response"])
    device.publish(device.own("attributes_get"), b"{}")
    answer = json.loads(device.receive(device.own("attributes_get_response")).payload)
    assert answer["attributes"] == {"a": 1}
    net.close()


def test_project_removed_while_it_runs(own, other, copy):
    """What was removed from the registry behind the journal's copy is gone after the restore: the
    registry comes last, as at a crash."""
    project = Project.add(own)
    net = Net(own, project)
    net.app(V5, client_id="w", **KEEP).subscribe(f"open/{project.key}/+/attributes")
    login = project.device()
    device = net.device(login)
    device.publish(device.own("attributes"), b'{"a":1}', qos=1)
    net.close()
    own.cli("backup", copy, "--keys")
    own.cli("project", "remove", project.key)
    own.cli("backup", copy.with_name("later"), "--keys")
    shutil.copy(copy.with_name("later") / "registry.db", copy / "registry.db")
    listed = json.loads((copy / "backup.json").read_text())
    for file in listed["files"]:
        file["bytes"] = (copy / file["name"]).stat().st_size
    (copy / "backup.json").write_text(json.dumps(listed))
    other.cli("restore", copy)
    assert [p["project"] for p in other.cli("journal", "stat")["projects"]].count(project.key) == 1
    other.start()
    wait_until(lambda: project.key not in [
        p["project"] for p in other.cli("journal", "stat")["projects"]], "its end")
    assert "app_row_damaged" not in other.log()


# ---- refusals

def test_target_of_a_backup(own, tmp_path):
    """A backup goes into a directory that is new or empty, below one that is there."""
    (tmp_path / "file").write_text("mine")
    done = own.cli_run("backup", tmp_path)
    assert done.returncode == 1 and "is not empty" in done.stderr
    assert (tmp_path / "file").read_text() == "mine"
    done = own.cli_run("backup", tmp_path / "no" / "where")
    assert done.returncode == 1 and "make the directory above it" in done.stderr
    done = own.cli_run("backup")
    assert done.returncode == 1 and "the directory of the backup is missing" in done.stderr


def test_backup_of_nothing(other, copy):
    done = other.cli_run("backup", copy)
    assert done.returncode == 1 and "there is no registry here" in done.stderr
    assert not copy.exists()


def test_target_of_a_restore(own, other, copy, tmp_path):
    """A restore goes into a directory that is new or empty, and never below a running server."""
    own.cli("backup", copy, "--keys")
    done = own.cli_run("restore", copy)
    assert done.returncode == 1 and "another server runs on" in done.stderr
    own.stop()
    done = own.cli_run("restore", copy)
    assert done.returncode == 1 and "is not empty" in done.stderr
    own.start()
    other.data.mkdir(mode=0o700)
    other.cli("restore", copy)
    done = other.cli_run("restore", copy)
    assert done.returncode == 1 and "is not empty" in done.stderr


def spoil_nothing(copy):
    (copy / "backup.json").unlink()


def spoil_length(copy):
    os.truncate(copy / "registry.db", 4096)


def spoil_missing(copy):
    (copy / "journal" / "data.mdb").unlink()


def spoil_list(copy, **more):
    listed = json.loads((copy / "backup.json").read_text())
    listed.update(more)
    (copy / "backup.json").write_text(json.dumps(listed))


def spoil_way_out(copy):
    spoil_list(copy, files=[{"name": "../outside", "bytes": 1}])


def spoil_newer(copy):
    spoil_list(copy, backup=2)


def spoil_schema(copy):
    with sqlite3.connect(copy / "registry.db") as registry:
        registry.execute("PRAGMA user_version = 9999")
    registry.close()


def spoil_journal_format(copy):
    path = copy / "journal" / "data.mdb"
    path.write_bytes(path.read_bytes().replace(b"format\x02\0\0\0", b"format\x03\0\0\0"))


def spoil_alarms_format(copy):
    path = copy / "alarms" / "data.mdb"
    path.write_bytes(path.read_bytes().replace(b"format" + b"\0" * 7 + b"\x01",
                                               b"format" + b"\0" * 7 + b"\x02"))


def spoil_pages(copy):
    path = copy / "journal" / "data.mdb"
    data = path.read_bytes()
    path.write_bytes(data[:8192] + b"\xa5" * (len(data) - 8192))


@pytest.mark.parametrize("spoil, says", [
    (spoil_nothing, "was not completed"),
    (spoil_length, "has another length"),
    (spoil_missing, "is missing in the backup"),
    (spoil_way_out, "is no file of a backup"),
    (spoil_newer, "is of a newer program"),
    (spoil_schema, "use the newer program"),
    (spoil_journal_format, "is of a newer program"),
    (spoil_alarms_format, "is of a newer program"),
    (spoil_pages, "is damaged"),
], ids=lambda value: value.__name__ if callable(value) else "")
def test_set_that_is_not_restored(own, other, copy, spoil, says):
    """A set that is damaged, not complete or of a newer program is refused with a word about it."""
    own.cli("backup", copy, "--keys")
    spoil(copy)
    done = other.cli_run("restore", copy)
    assert done.returncode == 1 and says in done.stderr, done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_damaged_journal_is_not_backed_up(own, copy):
    """A backup of a damaged journal would replace a good one: it is refused."""
    own.stop()
    path = own.data / "journal" / "data.mdb"
    whole = path.read_bytes()
    path.write_bytes(whole[:8192] + b"\xa5" * (len(whole) - 8192))
    done = own.cli_run("backup", copy)
    assert done.returncode == 1 and "is damaged" in done.stderr
    assert not (copy / "backup.json").exists()
    path.write_bytes(whole)
    own.start()
