"""Peers that take nothing of what they are sent."""
import socket
import ssl
from pathlib import Path

import pytest

from lib import packets
from lib.server import wait_until

SERVER_OPTIONS = ["--write-timeout", 1]
WS_PING = b"\x89\x80\0\0\0\0"


def tcp_of(client):
    return getattr(client.stream, "below", client.stream).socket


class Deaf:
    """Asks on and on, and reads nothing."""

    def __init__(self, client, question):
        self._socket, self._data, self._at = tcp_of(client), question * 4000, 0
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        self._socket.setblocking(False)

    def is_closed(self):
        """Sends as much as goes; true when the server has closed."""
        try:
            while True:
                self._at += self._socket.send(self._data[self._at:])
                self._at %= len(self._data)
        except (BlockingIOError, ssl.SSLWantWriteError):
            return False
        except OSError:
            return True


@pytest.mark.parametrize("transport", ["tcp", "mqtts", "ws", "tls", "wss"])
def test_who_asks_and_never_reads_is_closed(net, counted, transport):
    """Hostile peers: with keep alive 0 nothing else would end it; counted."""
    side = net.device if transport in ("tcp", "mqtts", "ws") else net.app
    ping = WS_PING if transport in ("ws", "wss") else packets.PINGREQ
    deaf = Deaf(side(transport=transport, keep_alive=0), ping)
    wait_until(deaf.is_closed, "the server to close")
    wait_until(lambda: counted("conns_stalled") == 1, "it to be counted")


def test_a_subscriber_that_never_reads(net, server, counted):
    """Hostile peers: what others publish waits for it no longer than this; logged."""
    device, deaf = net.device(), net.app(keep_alive=0)
    tcp_of(deaf).setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    deaf.subscribe(device.open("data/s"), qos=0)

    def publish():
        device.publish(device.own("data", "s"), bytes(200000))
        return counted("conns_stalled")

    wait_until(publish, "it to be closed")
    assert "write_timeout" in server.log()


def test_who_has_nothing_to_read_stays(net, counted):
    """Hostile peers: keep alive 0 and silence are allowed when nothing waits."""
    idle = [net.app(4, keep_alive=0), net.app(5, keep_alive=0), net.device(version=4, keep_alive=0)]
    wait_until(Deaf(net.device(keep_alive=0), packets.PINGREQ).is_closed, "another to be closed")
    wait_until(lambda: counted("conns_stalled") == 1, "it to be counted")
    for client in idle:
        client.ping()


@pytest.mark.parametrize("transport", ["tcp", "mqtts", "tls", "wss"])
def test_idle_peers_are_probed(net, transport):
    """open-api 8: TCP keep alive beside MQTT's: the kernel minds a silent connection."""
    side = net.device if transport in ("tcp", "mqtts") else net.app
    client = side(transport=transport, version=4, keep_alive=0)
    client.ping()
    peer = f":{tcp_of(client).getsockname()[1]:04X}"
    ours = f":{tcp_of(client).getpeername()[1]:04X}"

    def timers():
        rows = [line.split() for name in ("tcp", "tcp6")
                for line in Path(f"/proc/net/{name}").read_text().splitlines()[1:]]
        return [row[5][:2] for row in rows if row[1].endswith(ours) and row[2].endswith(peer)]

    wait_until(lambda: timers() == ["02"], "the timer of keep alive to be set")
