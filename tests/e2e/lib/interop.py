"""Clients that others have written, all driven in the same way.

A `Kind` is an implementation and what it can do and tell; `ROWS` are the ways to the server that
the tests go with each. A driver carries out the same few commands for every kind and tells the same
events (`js/clients.mjs` lists them): lines of JSON to a program, or paho's module in this process.
"""
import itertools
import json
import os
import queue
import ssl
import subprocess
import threading
from dataclasses import dataclass
from pathlib import Path

import paho.mqtt.client as paho
import pytest
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from lib.clients import JS
from lib.packets import V4, V5
from lib.streams import DEADLINE_S

HERE = Path(__file__).resolve().parent.parent / "14_clients"
END = "the end of the program"
LONG_S = 600  # the expiry of a session that a test comes back to
APP_SERVICES = {"tls": "app_mqtts", "wss": "app_wss"}
VERSION_NAMES = {V4: "v3.1.1", V5: "v5"}


@dataclass(frozen=True)
class Kind:
    name: str
    refused: dict  # how it says that the password is wrong, by version of the protocol
    transports: tuple = ("tls", "wss")
    levels: tuple = (0, 1, 2)  # of QoS
    tells_present: bool = True  # whether its session was there
    tells_return: bool = True  # the same when it has come back by itself
    tells_codes: bool = True  # v5: the code with which a publish was answered
    says_goodbye: bool = True  # sends DISCONNECT when it is closed
    keeps_flight: bool = True  # what is under way at QoS 1 and 2 survives the loss of a connection

    @property
    def versions(self):
        return tuple(self.refused)


MQTTJS = Kind("mqttjs", {V4: 4, V5: 0x86})
PAHO_JS = Kind("paho", {V4: "AMQJS0006E Bad Connack return code:4 Connection Refused: bad user "
                            "name or password."},
               transports=("wss",), tells_present=False, tells_return=False)
MQTTS = Kind("mqtts", {V4: "BadUsernameOrPassword"}, transports=("tls",), says_goodbye=False,
              keeps_flight=False)
U8 = Kind("u8", {V4: 4, V5: 0x86}, levels=(1,), keeps_flight=False)
PAHO_C = Kind("paho_c", {V4: 4, V5: 0x86}, tells_return=False)
PAHO_PYTHON = Kind("paho_python", {V4: 4, V5: 0x86}, tells_codes=False)
KINDS = (MQTTJS, PAHO_JS, MQTTS, U8, PAHO_C, PAHO_PYTHON)

ROWS = [(kind, version, transport)
        for kind in KINDS for version in kind.versions for transport in kind.transports]


def rows(*levels, where=lambda kind, version, transport: True):
    """Parametrises by `kind`, `version`, `transport` and `qos`: each of `levels` that the kind
    knows, or its highest."""
    chosen = [(*row, qos) for row in ROWS if where(*row)
              for qos in (levels or row[0].levels[-1:]) if qos in row[0].levels]
    return pytest.mark.parametrize(
        "kind, version, transport, qos", chosen,
        ids=[f"{kind.name}-{VERSION_NAMES[version]}-{transport}-qos{qos}"
             for kind, version, transport, qos in chosen])


def told(kind, present):
    """What such a client tells of the session when it has connected."""
    return present if kind.tells_present else None


def told_on_return(kind):
    """The same when it has come back by itself to a session that is there."""
    return True if kind.tells_return else None


def commands(count):
    return [b'{"method":"m","params":{},"id":%d}' % number for number in range(1, count + 1)]


def cc(program, *arguments):
    """Compiles a program."""
    subprocess.run(["cc", "-std=c17", "-D_GNU_SOURCE", "-O1", "-Wall", "-Wextra", "-Wconversion",
                    "-Werror", "-o", program, *arguments], check=True)


class Handle:
    """One client. Messages are kept apart from the answers to its commands."""

    def __init__(self, send):
        self._send = send  # carries a command out
        self._messages, self._answers = queue.Queue(), queue.Queue()
        self._is_closed = False

    def told(self, what, value):
        """An event of the client."""
        if what != "message":
            self._answers.put((what, value))
        if what in ("message", END):
            self._messages.put((what, value))

    def do(self, what, **fields):
        self._send({"do": what, **fields})

    def expect(self, what):
        """The next answer, which must be this one: a client that comes back tells `connect`."""
        return self._next(self._answers, what)

    def open(self, **options):
        self.do("open", **options)
        return self.expect("connect")

    def subscribe(self, topic, qos):
        self.do("subscribe", filter=topic, qos=qos)
        assert self.expect("granted") == [qos]

    def publish(self, topic, payload, qos):
        """Gives the code of the answer, None when the client cannot tell it."""
        self.do("publish", topic=topic, payload=payload.hex(), qos=qos)
        return self.expect("published")

    def message(self):
        """The next message, as the client tells it."""
        return self._next(self._messages, "message")

    def receive(self):
        """Topic, payload and QoS of the next message."""
        message = self.message()
        return message["topic"], bytes.fromhex(message["payload"]), message["qos"]

    def close(self):
        """It does not come back any more, and says goodbye."""
        if self._is_closed:
            return
        self._is_closed = True
        self.do("close")
        while self._get(self._answers, "closed")[0] not in ("closed", END):
            pass

    def _next(self, events, what):
        found, value = self._get(events, what)
        assert found == what, f"expected {what}, got {found}: {value}"
        return value

    @staticmethod
    def _get(events, what):
        try:
            return events.get(timeout=DEADLINE_S)
        except queue.Empty:
            raise AssertionError(f"waited in vain for {what}") from None


class Program:
    """A program that drives clients: lines of JSON in and out."""

    def __init__(self, *command, ca):
        self._process = subprocess.Popen(
            list(map(str, [*command, ca])), stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            text=True, bufsize=1, env={**os.environ, "NODE_EXTRA_CA_CERTS": str(ca)})
        self._handles, self._ids = {}, itertools.count(1)
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def client(self):
        number = next(self._ids)
        self._handles[number] = Handle(lambda command: self._write({"id": number, **command}))
        return self._handles[number]

    def close(self):
        self._process.stdin.close()
        code = self._process.wait(DEADLINE_S)
        assert code == 0, f"{self._process.args} ended with {code}"
        self._thread.join()

    def _write(self, command):
        self._process.stdin.write(json.dumps(command) + "\n")
        self._process.stdin.flush()

    def _read(self):
        for line in self._process.stdout:
            event = json.loads(line)
            self._handles[event["id"]].told(event["what"], event["value"])
        for handle in self._handles.values():
            handle.told(END, None)


class PahoClient(paho.Client):
    """Its thread ends by an error of TLS, unless that is one of the connection."""

    def _sock_send(self, buf):
        try:
            return super()._sock_send(buf)
        except ssl.SSLError as error:
            raise ConnectionError(f"TLS: {error}") from error


class PahoPython:
    """paho's Python module, which has a thread of its own for each client."""

    def client(self, ca):
        handle = Handle(lambda command: getattr(self, command.pop("do"))(**command))
        self._handle, self._ca = handle, ca
        return handle

    def open(self, host, port, transport, username, password, version, clientId, clean, expiry,
             will=None, **_):
        keep = {} if version == V5 else {"clean_session": clean}
        self._client = client = PahoClient(
            clientId, protocol=version, transport="websockets" if transport == "wss" else "tcp",
            **keep)
        client.reconnect_delay_set(0.02, 0.02)
        client.on_connect = self._on_connect
        client.on_subscribe = lambda c, u, mid, codes, p=None: self._handle.told(
            "granted", [getattr(code, "value", code) for code in codes])
        client.on_publish = lambda c, u, mid: self._handle.told("published", None)
        client.on_message = self._on_message
        client.username_pw_set(username, password)
        client.tls_set(self._ca)
        if will:
            client.will_set(will["topic"], bytes.fromhex(will["payload"]), will["qos"])
        more = {}
        if version == V5:
            more = {"clean_start": clean, "properties": Properties(PacketTypes.CONNECT)}
            more["properties"].SessionExpiryInterval = expiry
        client.connect(host, port, **more)
        client.loop_start()

    def _on_connect(self, _client, _userdata, flags, code, _properties=None):
        code = getattr(code, "value", code)
        if code:
            self._handle.told("refused", code)
        else:
            self._handle.told("connect", bool(flags["session present"]))

    def _on_message(self, _client, _userdata, message):
        properties = getattr(message, "properties", None)
        self._handle.told("message", {
            "topic": message.topic, "payload": message.payload.hex(), "qos": message.qos,
            "user": dict(getattr(properties, "UserProperty", ())),
            "contentType": getattr(properties, "ContentType", None)})

    def subscribe(self, filter, qos):
        self._client.subscribe(filter, qos)

    def publish(self, topic, payload, qos):
        self._client.publish(topic, bytes.fromhex(payload), qos)

    def close(self):
        self._client.disconnect()
        self._client.loop_stop()
        self._handle.told("closed", None)


class Drivers:
    """Clients of every kind, at one server."""

    def __init__(self, server, folder):
        self.server, self._folder = server, folder
        self._node, self._made, self._programs = None, [], []
        self._numbers = itertools.count(1)

    def client(self, kind):
        """A client that is not connected yet."""
        if kind is PAHO_PYTHON:
            handle = PahoPython().client(self.server.ca)
        elif kind is PAHO_C:
            self._programs.append(Program(self._paho_c(), ca=self.server.ca))
            handle = self._programs[-1].client()
        else:
            if self._node is None:
                self._node = Program("node", JS / "clients.mjs", ca=self.server.ca)
                self._programs.append(self._node)
            handle = self._node.client()
        self._made.append(handle)
        return handle

    def options(self, kind, version, transport, port, username, password, **more):
        """What `Handle.open` is told."""
        scheme = {"tls": "ssl" if kind is PAHO_C else "mqtts", "wss": "wss"}[transport]
        path = "/mqtt" if transport == "wss" else ""
        return {"kind": kind.name, "version": version, "transport": transport, "host": "localhost",
                "port": port, "url": f"{scheme}://localhost:{port}{path}", "username": username,
                "password": password, "clean": True, "expiry": 0,
                "clientId": f"{kind.name}{next(self._numbers)}", **more}

    def end_clients(self):
        for handle in self._made:
            handle.close()
        self._made.clear()

    def close(self):
        self.end_clients()
        for program in self._programs:
            program.close()

    def _paho_c(self):
        """Compiled when it is first needed."""
        program = self._folder / "paho_c"
        if not program.exists():
            cc(program, HERE / "paho_c.c", "-lpaho-mqtt3as", "-ljansson")
        return program
