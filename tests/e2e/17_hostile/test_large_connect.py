"""A CONNECT has a limit of its own: whoever sends it is a stranger."""
import pytest

from lib import packets
from lib.cases import V4, V5, table, versions
from lib.packets import Will

SERVER_OPTIONS = ["--connect-max", 4096]


def connect_of(version, project, size, **fields):
    """A good CONNECT of this many bytes, most of them its will's."""
    def made(length):
        will = Will(f"open/{project.key}/DU_0123456789/attributes_push", b"x" * length)
        return packets.connect(version, "", project.key, project.secret, will=will, **fields)
    data = made(size - len(made(1000)) + 1000)
    assert len(data) == size
    return data


@table("version, codes", {"3.1.1": (V4, ()), "v5": (V5, (0x95,))})
@pytest.mark.parametrize("sent", [20, 4097])
def test_one_byte_too_long(net, project, version, codes, sent):
    """open-api 8: refused when its length and version are known, v5 with 0x95; not read to its
    end."""
    client = net.raw("tls", version)
    client.send(connect_of(version, project, 4097)[:sent])
    if codes:
        assert client.recv().code in codes
    client.expect_closed()


@versions
def test_as_long_as_allowed(net, project, version):
    """It is decoded: this one is refused for its will (no such device), not for its length."""
    client = net.raw("tls", version)
    client.send(connect_of(version, project, 4096))
    assert client.recv().code == (0x90 if version == V5 else 5)


@versions
@pytest.mark.parametrize("kind", [3, 8, 14])
def test_another_packet_is_not_waited_for(net, version, kind):
    """[MQTT-3.1.0-1]: closed with the header of a packet that is no CONNECT."""
    client = net.raw("tls", version)
    client.send(bytes([kind << 4 | (2 if kind == 8 else 0)]) + b"\xff\x0f")
    client.expect_closed()
