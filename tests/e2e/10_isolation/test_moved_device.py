"""A deviceUsername that is removed from one project and added to another starts anew there."""
import signal
import subprocess

import pytest

from lib.server import BINARY, Server, wait_until
from lib.world import Login, Net, Project


@pytest.fixture
def moving():
    """A server, its connections, and two projects."""
    own = Server()
    try:
        net = Net(own.start(), Project.add(own, "first"))
        yield own, net, net.project, Project.add(own, "second")
        net.close()
        own.stop()
    finally:
        own.remove()


def remove(login):
    """The words of the command that removes the device."""
    return "device", "remove", login.username, "--project", login.project_key


def add(login):
    """The words of the command that adds it."""
    return ("device", "add", "--project", login.project_key, "--username", login.username,
            "--password", login.password)


def start_command(server, *words):
    """A command that waits for the server after it has changed the registry."""
    return subprocess.Popen([BINARY, *words, "--data", server.data], stdout=subprocess.DEVNULL)


def is_device_of(server, login):
    show = ("device", "show", login.username, "--project", login.project_key)
    return server.cli_run(*show).returncode == 0


def test_regress_removed_and_added_between_two_looks(moving):
    """open-api 1, 3.1: the server that sees both changes at once does not keep the device in its
    old project."""
    own, net, first, second = moving
    old = first.device()
    stranger = net.app(project=first)
    stranger.subscribe("#")
    held = net.device(old)
    stranger.receive_online(old.open("online"), True)
    new = Login(old.username, "moved", second.key)
    own.signal(signal.SIGSTOP)
    removal = start_command(own, *remove(old))
    wait_until(lambda: not is_device_of(own, old), "the removal")
    addition = start_command(own, *add(new))
    wait_until(lambda: is_device_of(own, new), "the addition")
    own.signal(signal.SIGCONT)
    assert (removal.wait(), addition.wait()) == (0, 0)
    held.expect_closed(0x87, why="the device was removed, or has a parent now")
    stranger.receive_online(old.open("online"), False)
    app = net.app(project=second)
    app.subscribe("#")
    device = net.device(new)
    app.receive_online(new.open("online"), True)
    device.publish(device.own("attributes"), b'{"of":"second"}')
    app.receive(new.open("attributes"), b'{"of":"second"}')
    stranger.expect_nothing()


def test_regress_values_do_not_move_with_the_name(moving):
    """open-api 1, 4: what the device of one project had stored is not told to the device of
    another, nor was that one ever online."""
    own, net, first, second = moving
    old = first.device()
    net.device(old).publish(old.own("attributes"), b'{"secret":"of first"}')
    own.stop()
    net.close()
    own.start()
    new = Login(old.username, "moved", second.key)
    own.cli(*remove(old))
    own.cli(*add(new))
    own.stop()
    own.start()
    net = Net(own, second)
    device = net.device(new, subscribe=("attributes_get_response",))
    device.publish(device.own("attributes_get"), b"{}")
    answer = device.receive(device.own("attributes_get_response"))
    net.close()
    assert b"secret" not in answer.payload, answer


def test_regress_values_do_not_move_while_the_server_is_stopped(moving):
    """open-api 1, 4: the same, when nobody was there to see the removal."""
    own, net, first, second = moving
    old = first.device()
    net.device(old).publish(old.own("attributes"), b'{"secret":"of first"}')
    own.stop()
    net.close()
    new = Login(old.username, "moved", second.key)
    own.cli(*remove(old))
    own.cli(*add(new))
    own.start()
    net = Net(own, second)
    device = net.device(new, subscribe=("attributes_get_response",))
    device.publish(device.own("attributes_get"), b"{}")
    answer = device.receive(device.own("attributes_get_response"))
    net.close()
    assert b"secret" not in answer.payload, answer
