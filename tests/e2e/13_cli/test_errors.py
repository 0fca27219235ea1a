"""Mistakes of an operator: one line that names the mistake, exit 1."""
import os
import re
import socket

import pytest

from lib.cases import table
from lib.ports import free_port_block
from lib.server import assert_no_sanitizer_report, run

LOG_LINE = re.compile(r"\d{4}-\d\d-\d\dT\S+ [A-Z]+ ")  # of a start that went well until then

ERRORS = {
    "no verb": ((), ""),
    "unknown verb": (("frobnicate",), "frobnicate"),
    "unknown noun's verb": (("project", "frobnicate"), "frobnicate"),
    "unknown option": (("serve", "--frobnicate"), "frobnicate"),
    "value missing": (("serve", "--data", "x", "--port-base"), "port-base"),
    "no number": (("serve", "--port-base", "x1"), "port-base"),
    "number with a tail": (("serve", "--workers", "2x"), "workers"),
    "port out of range": (("serve", "--port-base", "65535"), "port-base"),
    "negative": (("serve", "--workers", "-1"), "workers"),
    "no such level": (("serve", "--log-level", "loud"), "log-level"),
    "no such config": (("serve", "--config", "/nonexistent/x.yaml"), "/nonexistent/x.yaml"),
    "project name missing": (("project", "add"), "name"),
    "device's project missing": (("device", "add"), "project"),
    "unknown project": (("device", "add", "--project", "PR_0000000000"), "PR_0000000000"),
    "unknown project to remove": (("project", "remove", "PR_0000000000"), "PR_0000000000"),
}


def assert_one_line(done, named):
    assert_no_sanitizer_report(done.stderr)
    assert done.returncode == 1, done
    lines = [line for line in done.stderr.splitlines() if not LOG_LINE.match(line)]
    assert len(lines) == 1 and named in lines[0], done.stderr


@table("args, named", ERRORS)
def test_one_line(tmp_path, args, named):
    """A wrong option or an unreadable file: one line that names it, exit 1."""
    assert_one_line(run(*args, cwd=tmp_path), named)


@table("text, named", {
    "unknown key": ("frobnicate: 1\n", "frobnicate"),
    "wrong type": ("port_base: many\n", "port_base"),
    "no yaml": ("{[\n", "config.yaml"),
})
def test_config_file(tmp_path, text, named):
    """A wrong configuration file names the file or the key."""
    path = tmp_path / "config.yaml"
    path.write_text(text)
    assert_one_line(run("serve", "--data", tmp_path / "data", "--config", path), named)


@pytest.mark.parametrize("offset", [0, 2, 3, 4])
def test_port_in_use(tmp_path, offset):
    """A port in use: its number in one line, exit 1."""
    base = free_port_block()
    with socket.create_server(("0.0.0.0", base + offset)):
        assert_one_line(run("serve", "--data", tmp_path / "data", "--port-base", base),
                        str(base + offset))


def test_two_servers_on_one_directory(server):
    """A second server on the same data directory is refused; the first one goes on."""
    done = run("serve", "--data", server.data, "--port-base", free_port_block())
    assert_one_line(done, str(server.data))
    server.cli("project", "list")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_data_directory_that_cannot_be_made():
    """The path is named."""
    assert_one_line(run("serve", "--data", "/proc/eztcloud"), "/proc/eztcloud")


def test_data_directory_that_is_a_file(tmp_path):
    """So is a path that is no directory."""
    path = tmp_path / "file"
    path.write_text("")
    assert_one_line(run("serve", "--data", path, "--port-base", free_port_block()), str(path))


@pytest.mark.parametrize("args", [("--help",), ("serve", "--help"), ("--version",)])
def test_help(args):
    """Help is no error: exit 0, on standard output."""
    done = run(*args)
    assert done.returncode == 0 and done.stdout and not done.stderr
