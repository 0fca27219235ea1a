"""A small WebSocket client (RFC 6455) that can also break the rules, for tests of the server's.

What the server sends is checked: unmasked, no reserved bits, shortest lengths, one whole MQTT
packet in a binary frame, control frames whole and at most 125 bytes, the accept value computed from
the key.
"""
import base64
import hashlib
import os
import struct
from dataclasses import dataclass

from lib import packets
from lib.streams import deadline

CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG = 0, 1, 2, 8, 9, 10
GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"


def accept_value(key):
    return base64.b64encode(hashlib.sha1((key + GUID).encode()).digest()).decode()


def request(path="/mqtt", *, method="GET", key=None, drop=(), **replace):
    """The upgrade request as bytes; headers are dropped or replaced by name (- written _)."""
    headers = {
        "Host": "localhost",
        "Upgrade": "websocket",
        "Connection": "Upgrade",
        "Sec-WebSocket-Key": key or base64.b64encode(os.urandom(16)).decode(),
        "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Protocol": "mqtt",
    }
    headers.update({name.replace("_", "-"): value for name, value in replace.items()})
    lines = [f"{method} {path} HTTP/1.1"]
    lines += [f"{name}: {value}" for name, value in headers.items() if name not in drop]
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


def frame(opcode, payload=b"", *, fin=True, mask=True, rsv=0, length=None):
    """One frame; `length` replaces the true length by a 64-bit one."""
    first = bytes([fin << 7 | rsv << 4 | opcode])
    bit = mask << 7
    if length is not None:
        head = bytes([bit | 127]) + struct.pack(">Q", length)
    elif len(payload) < 126:
        head = bytes([bit | len(payload)])
    elif len(payload) < 65536:
        head = bytes([bit | 126]) + struct.pack(">H", len(payload))
    else:
        head = bytes([bit | 127]) + struct.pack(">Q", len(payload))
    if not mask:
        return first + head + payload
    key = os.urandom(4)
    return first + head + key + bytes(b ^ key[i % 4] for i, b in enumerate(payload))


@dataclass(frozen=True)
class Response:
    status: int
    headers: dict


@dataclass(frozen=True)
class Frame:
    opcode: int
    payload: bytes

    @property
    def close_code(self):
        return struct.unpack(">H", self.payload[:2])[0] if self.payload else None


class WsStream:
    """A WebSocket above another stream; `read` and `send` carry the bytes of binary frames."""

    def __init__(self, below):
        self.below, self.buffer = below, b""

    def open(self, path="/mqtt", **headers):
        """The upgrade as a good client does it."""
        key = base64.b64encode(os.urandom(16)).decode()
        response = self.ask(request(path, key=key, **headers))
        if response is None:
            raise ConnectionResetError("closed before it was a WebSocket")
        assert response.status == 101, response
        assert response.headers["upgrade"].lower() == "websocket"
        assert response.headers["connection"].lower() == "upgrade"
        assert response.headers["sec-websocket-accept"] == accept_value(key)
        assert response.headers["sec-websocket-protocol"] == "mqtt"
        assert "sec-websocket-extensions" not in response.headers
        return self

    def ask(self, data):
        """Sends a request as it is; None if the server closes without an answer."""
        self.below.send(data)
        return self.response()

    def response(self):
        until = deadline()
        while b"\r\n\r\n" not in self.buffer:
            if not self._fill(until):
                return None
        head, self.buffer = self.buffer.split(b"\r\n\r\n", 1)
        status, *lines = head.decode("ascii").split("\r\n")
        assert status.startswith("HTTP/1.1 "), status
        headers = (line.split(":", 1) for line in lines)
        return Response(int(status.split()[1]),
                        {name.lower(): value.strip() for name, value in headers})

    def send(self, data):
        self.below.send(frame(BINARY, data))

    def read(self, until=None):
        while True:
            found = self.read_frame(until)
            if found is None or found.opcode == CLOSE:
                return b""
            assert found.opcode in (BINARY, PONG), found
            if found.opcode == BINARY:
                assert packets.split(found.payload) == len(found.payload), found
                return found.payload

    def read_frame(self, until=None):
        """The next frame; None at the end of the stream."""
        until = until or deadline()
        while True:
            found, size = self._parse()
            if found:
                self.buffer = self.buffer[size:]
                return found
            if not self._fill(until):
                assert not self.buffer, f"the stream ended inside a frame: {self.buffer.hex()}"
                return None

    def read_close(self):
        """Reads to the end; the code of the close frame before it, None without one."""
        code = None
        while (found := self.read_frame()) is not None:
            assert code is None, "a frame after the close frame"
            if found.opcode == CLOSE:
                code = found.close_code
        return code

    def close(self):
        self.below.close()

    def half_close(self):
        self.below.half_close()

    def abort(self):
        self.below.abort()

    def _fill(self, until):
        data = self.below.read(until)
        self.buffer += data
        return data

    def _parse(self):
        data = self.buffer
        if len(data) < 2:
            return None, 0
        opcode, length, size = data[0] & 0x0F, data[1], 2
        assert data[0] & 0xF0 == 0x80, "reserved bits, or a frame in parts"
        assert length < 128, "a masked frame from a server"
        for mark, form, least in ((126, ">H", 126), (127, ">Q", 65536)):
            if data[1] == mark:
                size = 2 + struct.calcsize(form)
                if len(data) < size:
                    return None, 0
                length = struct.unpack(form, data[2:size])[0]
                assert length >= least, "a length longer than needed"
        assert opcode < CLOSE or length <= 125, "a control frame of more than 125 bytes"
        if len(data) < size + length:
            return None, 0
        return Frame(opcode, data[size:size + length]), size + length
