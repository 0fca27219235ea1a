"""Without the option no address is told that is not public. (docs/alarms.md)"""
import pytest

from lib.ports import closed_port, free_port_block
from lib.receiver import Receiver
from lib.server import Server, run
from lib.world import Project

INSIDE = ("127.0.0.1", "localhost", "127.1", "2130706433", "0x7f.1", "0.0.0.0", "[::1]", "[::]",
          "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "10.1.2.3", "172.16.0.1", "192.168.1.1",
          "169.254.169.254", "100.64.0.1", "224.0.0.1", "255.255.255.255", "[fe80::1]", "[fd00::1]",
          "[64:ff9b::7f00:1]", "[2002:7f00:1::]", "ip6-localhost")


@pytest.mark.parametrize("host", INSIDE)
def test_what_is_inside_is_not_asked(notifiers, receiver, host):
    """The address that is connected to counts, however it is written."""
    notifiers.add(f"http://{host}:{receiver.port}/")
    done = notifiers.test()
    assert done.returncode == 1 and receiver.posts.empty()
    # names that this machine does not know lead nowhere
    assert "not a public one" in done.stderr or "resolve host" in done.stderr, done


def test_https_is_no_way_around(notifiers):
    """It is refused before a byte is sent."""
    notifiers.add("https://localhost:443/")
    assert "not a public one" in notifiers.test().stderr


def tell(url_of, *options, env=None):
    """Starts a server of its own and has a test sent; gives what the command line says, and whether
    it came."""
    own = Server(*options, env=env)
    try:
        own.start()
        key = Project.add(own).key
        with Receiver() as receiver:
            own.cli("notifier", "add", "hook", "--project", key, "--url", url_of(receiver))
            done = own.cli_run("notifier", "test", "hook", "--project", key)
            came = not receiver.posts.empty()
        own.stop()
    finally:
        own.remove()
    return done, came


@pytest.mark.parametrize("ranges, is_told", [
    ("10.0.0.0/8,fd00::/8", False), ("127.0.0.0/8", True), ("::1,127.0.0.1", True), ("any", True)])
def test_only_the_ranges_that_are_allowed(ranges, is_told):
    """What is allowed opens nothing beside it."""
    done, came = tell(lambda receiver: f"http://127.0.0.1:{receiver.port}/",
                      "--webhook-private", ranges)
    assert (done.returncode == 0, came) == (is_told, is_told), done


def test_proxies_of_the_environment_are_not_used():
    """The address that is checked is the one that is asked."""
    proxy = f"http://127.0.0.1:{closed_port()}"
    done, came = tell(lambda receiver: receiver.url, "--webhook-private", "127.0.0.0/8",
                      env={"http_proxy": proxy, "all_proxy": proxy, "no_proxy": ""})
    assert done.returncode == 0 and came, done


@pytest.mark.parametrize("args, why", [
    (("--webhook-private", "10.0.0.1/8"), "--webhook-private: 10.0.0.1/8: no range of addresses"),
    (("--webhook-private", "inside"), "--webhook-private: inside: no range"),
    (("--webhook-ca", "/nowhere/ca.pem"), "--webhook-ca: /nowhere/ca.pem cannot be read")])
def test_options_that_cannot_be(tmp_path, args, why):
    """Told at the start, not at the first alarm."""
    done = run("serve", "--data", tmp_path / "data", "--port-base", free_port_block(), *args)
    assert done.returncode == 1 and why in done.stderr
