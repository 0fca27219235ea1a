"""How many subscriptions a session may have, and how long a filter may be."""
import pytest

from lib.cases import V5, versions
from lib.client import refusal
from lib.packets import Prop, Suback

SERVER_OPTIONS = ["--max-subscriptions", 3, "--max-filter", 300]


def suback(version, pid, code, why):
    """A SUBACK that refuses one filter."""
    return Suback(pid, (code,), ((Prop.REASON_STRING, why),)) if version == V5 else \
        Suback(pid, (0x80,))


@versions
def test_at_most(net, version):
    """open-api 8: the one too many is refused; replacing and freeing go on."""
    app = net.app(version)
    texts = [net.project.device().open("attributes") for _ in range(5)]
    why = "too many subscriptions in this session"
    assert app.subscribe(*texts[:3]) == Suback(1, (1, 1, 1))
    assert app.subscribe(texts[3]) == suback(version, 2, 0x97, why)
    assert app.subscribe(texts[0], qos=2) == Suback(3, (2,))
    app.unsubscribe(texts[1])
    assert app.subscribe(texts[3]) == Suback(5, (1,))
    assert app.subscribe(texts[4]) == suback(version, 6, 0x97, why)


@versions
@pytest.mark.parametrize("side", ["app", "device"])
def test_at_most_of_a_device(net, version, side):
    """open-api 8: the same holds for both services."""
    client = getattr(net, side)(version=version)
    texts = [client.own(name) for name in ("attributes_push", "command_send", "event_response",
                                           "attributes_response")] if side == "device" else \
        [net.project.device().open("data/s") for _ in range(4)]
    codes = client.subscribe(*texts).codes
    assert codes == (1, 1, 1, refusal(version, 0x97, 0x80))


@versions
def test_regress_names_of_share_groups_without_end(net, version):
    """open-api 8, "topic 512 bytes" (here 300): a filter is as long as it may be, the name of its
    share group included; a longer one is refused and subscribes to nothing."""
    device, app = net.device(), net.app(version)
    room = 300 - len(f"$share//{device.open('data/s')}")
    longest, too_long = (f"$share/{'g' * size}/{device.open('data/s')}" for size in (room, room + 1))
    assert [len(longest), len(too_long)] == [300, 301]
    assert app.subscribe(too_long) == suback(version, 1, 0x8F,
                                             "the filter is longer than this server allows")
    device.publish(device.own("data", "s"), b"to nobody")
    assert app.subscribe(longest) == Suback(2, (1,))
    device.publish(device.own("data", "s"), b"to the group")
    app.receive(device.open("data/s"), b"to the group")
