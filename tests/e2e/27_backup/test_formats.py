"""A data directory of a newer program is refused in one clear line, whatever part of it is newer,
and left as it is."""
import sqlite3

import pytest


def newer_registry(data):
    with sqlite3.connect(data / "registry.db") as registry:
        registry.execute("PRAGMA user_version = 9999")
    registry.close()


def newer(data, part, before, after):
    path = data / part / "data.mdb"
    spoilt = path.read_bytes().replace(before, after)
    assert spoilt != path.read_bytes()
    path.write_bytes(spoilt)


def newer_journal(data):
    newer(data, "journal", b"format\x02\0\0\0", b"format\x03\0\0\0")


def newer_alarms(data):
    newer(data, "alarms", b"format" + b"\0" * 7 + b"\x01", b"format" + b"\0" * 7 + b"\x02")


@pytest.mark.parametrize("spoil, part, says", [
    (newer_registry, "registry.db", "has schema version 9999"),
    (newer_journal, "journal", "is of a newer program (format 3, this one knows 2)"),
    (newer_alarms, "alarms", "is of a newer program (format 2, this one knows 1)"),
], ids=["registry", "journal", "alarms"])
def test_newer_data(own, spoil, part, says):
    own.stop()
    spoil(own.data)
    files = {p: p.read_bytes() for p in own.data.rglob("*.mdb") if p.name != "lock.mdb"}
    done = own.cli_run("serve")
    assert done.returncode == 1
    line, = done.stderr.splitlines()
    assert part in line and says in line
    assert {p: p.read_bytes() for p in files} == files


def test_alarms_without_a_format(own):
    """A history of alarms of before formats had numbers is taken as it is, and marked."""
    own.stop()
    path = own.data / "alarms" / "data.mdb"
    mark = b"format" + b"\0" * 7 + b"\x01"
    path.write_bytes(path.read_bytes().replace(mark, b"former" + mark[6:]))
    own.start()
    own.stop()
    assert mark in path.read_bytes()
    own.start()
