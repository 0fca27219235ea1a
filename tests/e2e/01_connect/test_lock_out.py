"""Guessing is slowed down by address and name together, and hurts nobody else."""
import pytest

from lib.cases import versions
from lib.client import refusal
from lib.world import Project

SERVER_OPTIONS = ["--login-failures", 3]
ELSEWHERE = "127.0.0.2"


def lock_out(net, username, transport="tls", version=5):
    """Wrong guesses until the answer changes: exactly three are answered as wrong."""
    for _ in range(3):
        net.raw(transport, version).connect(None, username, "guess",
                                            code=refusal(version, 0x86, 4))
    net.raw(transport, version).connect(None, username, "guess", code=refusal(version, 0x9F, 3))


@versions
def test_application(net, server, version):
    """open-api 3 and 8: locked out → 3 / 0x9F, the right secret too."""
    project = Project.add(server)
    lock_out(net, project.key, version=version)
    net.raw("app", version).connect(None, project.key, project.secret,
                                    code=refusal(version, 0x9F, 3))


@versions
def test_device(net, project, version):
    """open-api 8: on device access too."""
    login = project.device()
    lock_out(net, login.username, "tcp", version)
    net.raw("device", version).connect(None, login.username, login.password,
                                    code=refusal(version, 0x9F, 3))


def test_another_address_is_free(net, server):
    """open-api 3: nobody can lock a whole project out by guessing at it."""
    project = Project.add(server)
    lock_out(net, project.key)
    stream = net.tls(source=ELSEWHERE)
    net.client(stream).connect(None, project.key, project.secret)


def test_another_name_is_free(net, server):
    """open-api 8: one address and user name together."""
    first, second = (Project.add(server) for _ in range(2))
    lock_out(net, first.key)
    net.app(project=second).ping()


def test_a_live_connection_stays(net, server):
    """open-api 3: the lock-out concerns logins only."""
    project = Project.add(server)
    app = net.app(project=project)
    lock_out(net, project.key)
    app.ping()


def test_unknown_names_are_counted_alike(net, route):
    """open-api 3: an unknown key gets the same answers as a wrong secret."""
    lock_out(net, f"PR_0000000{route}")


@pytest.mark.parametrize("rounds", [4])
def test_success_between_failures(net, server, rounds):
    """open-api 8: ten failed logins a minute lock; good ones never do."""
    project = Project.add(server)
    for _ in range(rounds):
        net.app(project=project).disconnect()
    net.raw("app").connect(None, project.key, "guess", code=0x86)
    net.app(project=project).ping()
