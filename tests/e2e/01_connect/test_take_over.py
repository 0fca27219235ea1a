"""The same client again: the new connection wins."""
import pytest

from lib.cases import V4, V5, versions
from lib.packets import Prop


@pytest.mark.fast_tsan
@pytest.mark.parametrize("first", [V4, V5])
@pytest.mark.parametrize("second", [V4, V5])
def test_application(net, first, second):
    """[MQTT-3.1.4-3], 3.1.1 [MQTT-3.1.4-2]: the first gets 0x8E (3.1.1: nothing) and the end, the
    second works; versions may differ."""
    old = net.app(first, client_id=f"twin{first}{second}")
    new = net.app(second, client_id=f"twin{first}{second}")
    old.expect_closed(0x8E)
    new.ping()


@pytest.mark.fast_tsan
@pytest.mark.parametrize("first", [V4, V5])
@pytest.mark.parametrize("second", [V4, V5])
@pytest.mark.parametrize("names", [("a", "a"), ("a", "b"), ("", "")])
def test_device(net, first, second, names):
    """open-api 4: one live connection a device, whatever the client identifiers."""
    old = net.device(version=first, client_id=names[0])
    new = net.device(old.login, version=second, client_id=names[1])
    old.expect_closed(0x8E)
    new.ping()


@versions
def test_clean_start_of_the_new_one_counts(net, version):
    """[MQTT-3.1.4-4], 3.1.1 [MQTT-3.1.4-3]: also during a take-over."""
    keep = ((Prop.SESSION_EXPIRY, 60),)
    name = f"over{version}"
    topic = net.project.device().open("data/s")
    net.app(version, client_id=name, clean=False, props=keep).subscribe(topic)
    resumed = net.app(version, client_id=name, clean=False, props=keep)
    assert resumed.connack.session_present
    fresh = net.app(version, client_id=name, clean=True, props=keep)
    assert not fresh.connack.session_present


def test_across_transports(net):
    """open-api 2: the two ports of the application API are one service."""
    old = net.app(transport="wss", client_id="both")
    new = net.app(transport="tls", client_id="both")
    old.expect_closed(0x8E)
    new.ping()
