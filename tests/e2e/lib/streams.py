"""Byte streams to the server: TCP and TLS, each read with a deadline.

A stream has `send`, `read` (what there is, b"" at the end), `close`, and `abort` (a reset, as when
a device loses its power). `lib.ws` has the third kind.
"""
import os
import socket
import ssl
import struct
import time

# How long a test waits for what must come. Nothing measures it; it is only when a test gives up.
DEADLINE_S = float(os.environ.get("EZTCLOUD_E2E_DEADLINE", "20"))


def deadline():
    return time.monotonic() + DEADLINE_S


class TcpStream:
    def __init__(self, port, source=None):
        self.socket = socket.create_connection(
            ("127.0.0.1", port), DEADLINE_S, source and (source, 0))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def send(self, data):
        """Sends all of `data`; that the server has already closed is no failure of a test."""
        self.socket.settimeout(DEADLINE_S)
        try:
            self.socket.sendall(data)
        except (ConnectionError, ssl.SSLError):
            pass

    def read(self, until=None):
        """The next bytes, b"" at the end of the stream, TimeoutError after `until`."""
        left = (until or deadline()) - time.monotonic()
        if left <= 0:
            raise TimeoutError("the server sent nothing more")
        self.socket.settimeout(left)
        try:
            return self.socket.recv(65536)
        except (ConnectionError, ssl.SSLError):
            return b""

    def close(self):
        self.socket.close()

    def half_close(self):
        """The end of what we send, below TLS: as when a process is gone but its host is not."""
        self.socket.shutdown(socket.SHUT_WR)

    def abort(self):
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.socket.close()


class TlsStream(TcpStream):
    def __init__(self, port, ca, source=None, version=None, server_name="localhost"):
        super().__init__(port, source)
        context = ssl.create_default_context(cafile=ca)
        if version:
            context.minimum_version = context.maximum_version = version
        self.socket = context.wrap_socket(self.socket, server_hostname=server_name)
