"""Clients that are not ours: mosquitto's tools, paho, MQTT.js in Node and in Chromium.

Each is started as its users start it; `Lines` reads what a program prints, line by line.
"""
import json
import queue
import subprocess
import threading
import time
from pathlib import Path

import paho.mqtt.client as paho

from lib.streams import DEADLINE_S, deadline

JS = Path(__file__).resolve().parent.parent / "js"


class Lines:
    """A program and the lines that it prints."""

    def __init__(self, *command, **more):
        self.process = subprocess.Popen(
            list(map(str, command)), stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, text=True, bufsize=1, **more)
        self.lines, self.seen = queue.Queue(), []
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self):
        for line in self.process.stdout:
            self.lines.put(line.rstrip("\n"))
        self.lines.put(None)

    def next(self, until=None):
        """The next line; None when the program has ended."""
        try:
            line = self.lines.get(timeout=max(0, (until or deadline()) - time.monotonic()))
        except queue.Empty:
            raise AssertionError(f"nothing more was printed after {self.seen}") from None
        self.seen.append(line)
        return line

    def until(self, text, after=0):
        """Reads on to a line with `text` in it, which may not come before `after` seconds."""
        limit = deadline() + after
        while text not in (line := self.next(limit) or ""):
            assert self.seen[-1] is not None, f"ended without {text!r}: {self.seen}"
        return line

    def write(self, value):
        self.process.stdin.write(json.dumps(value) + "\n")
        self.process.stdin.flush()

    def wait(self):
        return self.process.wait(DEADLINE_S)

    def close(self):
        """Ends it in an orderly way, as the page must end its browser."""
        self.process.terminate()
        try:
            self.process.wait(DEADLINE_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


class Paho:
    """paho with its own thread; what it tells goes into one queue."""

    def __init__(self, version, transport="tcp", client_id="", clean=True):
        self.events = queue.Queue()
        session = {} if version == 5 else {"clean_session": clean}
        self.client = paho.Client(client_id, protocol=version, transport=transport, **session)
        self.client.on_connect = lambda c, u, f, code, p=None: self._tell(
            "connect", getattr(code, "value", code))
        self.client.on_subscribe = lambda c, u, mid, codes, p=None: self._tell(
            "subscribe", [getattr(code, "value", code) for code in codes])
        self.client.on_publish = lambda c, u, mid: self._tell("publish", mid)
        self.client.on_message = lambda c, u, message: self._tell("message", message)

    def _tell(self, what, value):
        self.events.put((what, value))

    def open(self, port, username, password, ca=None):
        """Connects and gives the code of the CONNACK."""
        self.client.username_pw_set(username, password)
        if ca:
            self.client.tls_set(ca)
        self.client.connect("localhost", port)
        self.client.loop_start()
        return self.expect("connect")

    def subscribe(self, topic, qos):
        self.client.subscribe(topic, qos)
        return self.expect("subscribe")

    def publish(self, topic, payload, qos=1, **more):
        self.client.publish(topic, payload, qos, **more)
        self.expect("publish")

    def receive(self):
        return self.expect("message")

    def expect(self, what):
        try:
            found, value = self.events.get(timeout=DEADLINE_S)
        except queue.Empty:
            raise AssertionError(f"waited in vain for {what}") from None
        assert found == what, (found, value)
        return value

    def close(self):
        self.client.disconnect()
        self.client.loop_stop()
