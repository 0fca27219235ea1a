"""Ports for servers: blocks that no other test has, in whatever process it runs.

A block that is found free is bound some moments later, and again after each restart of the server
on it; a lock that this process holds on a byte of one file keeps the others away meanwhile.
"""
import fcntl
import os
import random
import socket
import tempfile
from pathlib import Path

PORTS = 6  # device_mqtt, device_ws, device_mqtts, app_wss, app_mqtts, https
FIRST, LAST = 10000, 32000  # below those that the system gives to clients

_locks = os.open(Path(tempfile.gettempdir()) / f"eztcloud-test-ports-{os.getuid()}",
                 os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
_ours = set()


def free_port_block():
    """The first of PORTS free ports, ours until `give_back_ports` or the end of the process."""
    while True:
        base = random.randrange(FIRST, LAST, PORTS)
        if base in _ours:
            continue
        try:
            fcntl.lockf(_locks, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, base)
        except OSError:
            continue
        _ours.add(base)
        if all(_is_free(base + i) for i in range(PORTS)):
            return base
        give_back_ports(base)


def give_back_ports(base):
    _ours.discard(base)
    fcntl.lockf(_locks, fcntl.LOCK_UN, 1, base)


def _is_free(port):
    try:
        socket.create_server(("0.0.0.0", port)).close()
    except OSError:
        return False
    return True


def closed_port():
    """A port at which nobody listens, and nobody else will."""
    return free_port_block()
