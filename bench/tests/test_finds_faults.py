#!/usr/bin/python3
"""Proves that the load maker finds what a server does wrong.

Between a subscriber and mosquitto stands a relay that loses, doubles, exchanges or changes single
messages, or ends the connection. The load maker has to report exactly that fault, and exit with 1;
without a fault on the way it has to be content, at every QoS and in both versions of MQTT.
"""

import argparse
import json
import pathlib
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
import unittest

BENCH = None
MESSAGES = 4000
DEVICES = 4
CONNACK = 2
PUBLISH = 3
AWAY = ("away", "--persistent", "--live-rate", "1000")
CHANGED = 1000  # the PUBLISH towards the subscriber that something happens to


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def packets(data: bytearray):
    """Takes whole packets from the front of `data`."""
    while len(data) >= 2:
        length, at = 0, 1
        while True:
            if at == len(data):
                return
            length |= (data[at] & 0x7F) << 7 * (at - 1)
            at += 1
            if data[at - 1] < 0x80:
                break
        if len(data) < at + length:
            return
        yield bytes(data[:at + length])
        del data[:at + length]


class Relay:
    """Hands bytes on between one client, which may come again, and the server; `fault` rewrites
    the list of packets."""

    def __init__(self, server_port: int, fault, connections: int):
        self.fault = fault
        self.connections = connections
        self.server_port = server_port
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.run, daemon=True).start()

    def run(self) -> None:
        for _ in range(self.connections):
            client, _ = self.listener.accept()
            server = socket.create_connection(("127.0.0.1", self.server_port))
            threading.Thread(target=self.up, args=(client, server), daemon=True).start()
            self.down(server, client)
        self.listener.close()

    @staticmethod
    def up(client: socket.socket, server: socket.socket) -> None:
        try:
            while data := client.recv(65536):
                server.sendall(data)
            server.shutdown(socket.SHUT_WR)
        except OSError:
            pass

    def down(self, server: socket.socket, client: socket.socket) -> None:
        data = bytearray()
        count = 0
        held = None
        try:
            while received := server.recv(65536):
                data += received
                out = []
                for packet in packets(data):
                    count += packet[0] >> 4 == PUBLISH
                    if packet[0] >> 4 == CONNACK and self.fault is no_session:
                        packet = no_session(packet)
                    if packet[0] >> 4 == PUBLISH and count == CHANGED:
                        held = packet
                        out += self.fault(packet)
                    elif packet[0] >> 4 == PUBLISH and held and self.fault is exchange:
                        if same_device(held, packet):
                            out += [packet, held]
                            held = None
                        else:
                            out.append(packet)
                    else:
                        out.append(packet)
                client.sendall(b"".join(out))
        except OSError:
            pass
        for end in (client, server):
            try:
                end.shutdown(socket.SHUT_RDWR)  # close() alone leaves it open for the other thread
            except OSError:
                pass
            end.close()


def same_device(one: bytes, other: bytes) -> bool:
    def device(packet):
        return packet[packet.index(b'"device":'):packet.index(b',"seq"')]
    return device(one) == device(other)


def nothing(packet):
    return [packet]


def lose(_packet):
    return []


def double(packet):
    return [packet, packet]


def exchange(_packet):
    return []  # kept until the next one of the same device has passed


def change(packet):
    return [packet.replace(b"xxx", b"xyx", 1)]


def other_topic(packet):
    return [packet.replace(b"open/", b"oben/", 1)]


def no_session(connack):
    return connack[:2] + b"\0" + connack[3:]


def cut_off(_packet):
    raise ConnectionAbortedError


class FindsFaults(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        folder = pathlib.Path(cls.folder.name)
        cls.port = free_port()
        config = folder / "mosquitto.conf"
        config.write_text(f"user root\nallow_anonymous true\nlistener {cls.port} 127.0.0.1\n"
                          "max_inflight_messages 100\nmax_queued_messages 0\n"
                          "set_tcp_nodelay true\nlog_dest none\n")
        cls.credentials = folder / "credentials.json"
        cls.credentials.write_text(json.dumps({
            "project_key": "PR_0123456789", "project_secret": "secret",
            "devices": [{"username": f"DU_{i:010}", "password": "password"}
                        for i in range(DEVICES)]}))
        mosquitto = shutil.which("mosquitto", path="/usr/sbin:/usr/local/sbin:/usr/bin")
        cls.mosquitto = subprocess.Popen([mosquitto, "-c", config], stderr=subprocess.DEVNULL)
        for _ in range(100):
            try:
                socket.create_connection(("127.0.0.1", cls.port)).close()
                return
            except ConnectionRefusedError:
                time.sleep(0.05)
        raise RuntimeError("mosquitto does not start")

    @classmethod
    def tearDownClass(cls):
        cls.mosquitto.terminate()
        cls.mosquitto.wait()
        cls.folder.cleanup()

    def run_bench(self, fault, qos=1, protocol=4, threads=1, mode=("deliver", "--lag", "64")):
        if mode[0] == "away":  # what a run before left in the session
            self.run_bench(nothing, mode=("deliver", "--lag", "64"))
        relay = Relay(self.port, fault, 2 if mode[0] == "away" else 1)
        done = subprocess.run(
            [BENCH, *mode, "--credentials", self.credentials, "--json",
             "--device-url", f"mqtt://127.0.0.1:{self.port}",
             "--subscriber-url", f"mqtt://127.0.0.1:{relay.port}",
             "--devices", str(DEVICES), "--messages", str(MESSAGES),
             "--qos", str(qos), "--subscribe-qos", str(qos), "--protocol", str(protocol),
             "--threads", str(threads), "--quiet", "700"],
            capture_output=True, text=True, timeout=60, check=False)
        self.assertIn(done.returncode, (0, 1), done.stderr)
        result = json.loads(done.stdout)
        faults = {word: count for word, count in result["faults"].items() if count > 0}
        self.assertEqual(result["ok"], done.returncode == 0)
        self.assertEqual(result["ok"], not faults)
        return faults, result

    def test_no_fault(self):
        for protocol in (4, 5):
            for qos in (0, 1, 2):
                for threads in (1, 3):
                    with self.subTest(protocol=protocol, qos=qos, threads=threads):
                        faults, result = self.run_bench(nothing, qos, protocol, threads)
                        self.assertEqual(faults, {})
                        self.assertEqual(result["delivered"], MESSAGES)

    def test_away_no_fault(self):
        for protocol in (4, 5):
            for qos in (1, 2):
                with self.subTest(protocol=protocol, qos=qos):
                    faults, result = self.run_bench(nothing, qos, protocol, mode=AWAY)
                    self.assertEqual(faults, {})
                    self.assertEqual(result["delivered"], result["published"])
                    self.assertGreaterEqual(result["published"], MESSAGES)
                    self.assertEqual(result["storing"]["deliveries_per_s"], 0)
                    self.assertGreater(result["catching_up"]["deliveries_per_s"], 0)

    def test_away_lost(self):
        faults, result = self.run_bench(lose, mode=AWAY)
        self.assertEqual(faults, {"lost": 1})
        self.assertEqual(result["delivered"], result["published"] - 1)

    def test_away_without_session(self):
        faults, _ = self.run_bench(no_session, mode=AWAY)
        self.assertEqual(faults.pop("refused"), 1)
        self.assertGreaterEqual(faults.pop("lost"), MESSAGES)
        self.assertEqual(faults, {})

    def test_lost(self):
        for qos in (0, 1):
            with self.subTest(qos=qos):
                faults, result = self.run_bench(lose, qos)
                self.assertEqual(faults, {"lost": 1})
                self.assertEqual(result["delivered"], MESSAGES - 1)

    def test_duplicate(self):
        # At QoS 1 it would be acknowledged twice, and after an acknowledgement that it does not
        # expect, mosquitto 2.0.11 sends one of the following messages out of order.
        faults, result = self.run_bench(double, qos=0)
        self.assertEqual(faults, {"duplicate": 1})
        self.assertEqual(result["delivered"], MESSAGES)

    def test_disorder(self):
        faults, result = self.run_bench(exchange)
        self.assertEqual(faults, {"disorder": 1})
        self.assertEqual(result["delivered"], MESSAGES)

    def test_changed_payload(self):
        self.assertEqual(self.run_bench(change)[0], {"foreign": 1, "lost": 1})

    def test_changed_topic(self):
        self.assertEqual(self.run_bench(other_topic)[0], {"foreign": 1, "lost": 1})

    def test_connection_ended(self):
        faults, _ = self.run_bench(cut_off)
        self.assertEqual(faults.pop("closed"), 1)
        self.assertGreater(faults.pop("lost"), 0)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--bench", required=True, help="path of eztcloud-bench")
    arguments, rest = parser.parse_known_args()
    BENCH = arguments.bench
    unittest.main(argv=[sys.argv[0], *rest])
