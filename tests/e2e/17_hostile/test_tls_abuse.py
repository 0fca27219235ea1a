"""Peers that want TLS to do more than carry data."""
import re
import subprocess
import threading

import pytest

from lib.cases import table
from lib.server import wait_until
from lib.streams import DEADLINE_S

SERVICES = pytest.mark.parametrize("service", ["device_mqtts", "app_mqtts", "app_wss"])


class OpenSsl:
    """`openssl s_client` with commands: R, k, K."""

    def __init__(self, server, service, version):
        self._process = subprocess.Popen(
            ["openssl", "s_client", "-connect", f"127.0.0.1:{server.port(service)}", "-CAfile",
             server.ca, "-servername", "localhost", version],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        self.output = b""
        self._reader = threading.Thread(target=self._read)
        self._reader.start()
        wait_until(lambda: b"Verify return code" in self.output, "the handshake")

    def _read(self):
        while data := self._process.stdout.read1(65536):
            self.output += data

    def command(self, letter, answer):
        """Gives a command; false when s_client has ended before it said the answer."""
        before = len(self.output)
        try:
            self._process.stdin.write(letter + b"\n")
            self._process.stdin.flush()
        except BrokenPipeError:
            return False
        wait_until(lambda: answer in self.output[before:] or self.has_ended(), answer)
        return answer in self.output[before:]

    def has_ended(self):
        return self._process.poll() is not None and not self._reader.is_alive()

    def wait(self):
        self._process.wait(DEADLINE_S)
        self._reader.join()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._process.kill()
        self._process.wait()
        self._reader.join()



@SERVICES
def test_renegotiation(server, counted, service):
    """Hostile peers: TLS 1.2 renegotiation is not offered, and the connection ends."""
    with OpenSsl(server, service, "-tls1_2") as client:
        client.command(b"R", b"RENEGOTIATING")
        client.wait()
        assert b"no renegotiation" in client.output
    wait_until(lambda: counted("tls_failures") == 1, "it to be counted")


@SERVICES
@pytest.mark.parametrize("letter", [b"k", b"K"], ids=["theirs", "both"])
def test_new_keys_without_end(server, counted, service, letter):
    """Hostile peers: TLS 1.3 key updates with no data in between end the connection."""
    with OpenSsl(server, service, "-tls1_3") as client:
        times = 0
        while times < 100 and client.command(letter, b"KEYUPDATE"):
            times += 1  # the server may be behind, so it may say more than are taken
        assert times >= 32
        client.wait()
    wait_until(lambda: counted("tls_failures") == 1, "it to be counted")


# The beginning of a ClientHello of so many bytes, in a record.
def hello(length):
    return b"\x16\x03\x01\x40\x00\x01" + length.to_bytes(3, "big") + b"\x03\x03"


HUGE = {
    "17 KB": hello(17000),
    "what OpenSSL would take": hello(131000),
    "16 MB": hello((1 << 24) - 1),
    "in records of a byte": b"".join(b"\x16\x03\x01\x00\x01" + bytes([byte])
                                     for byte in hello(131000)[5:]),
}


@SERVICES
@table("sent", HUGE)
def test_huge_hello(net, counted, service, sent):
    """Hostile peers: refused at its length, before memory is asked for and long before the
    time-out."""
    stream = net.tcp(service)
    stream.send(sent)
    assert stream.read() == b""
    assert counted("tls_failures") == 1 and counted("conns_timed_out") == 0


@SERVICES
def test_a_handshake_without_end(net, counted, service):
    """Hostile peers: a hello that goes on and on in records of a byte."""
    stream = net.tcp(service)
    head = b"\x01\x00\x40\x00\x03\x03"
    stream.send(b"".join(b"\x16\x03\x01\x00\x01" + bytes([byte]) for byte in head))
    stream.send(b"\x16\x03\x01\x00\x01\x00" * 15000)
    assert stream.read() == b""
    assert counted("tls_failures") == 1 and counted("conns_timed_out") == 0


@SERVICES
@pytest.mark.parametrize("flood", [b"\x14\x03\x03\x00\x01\x01", b"\x15\x03\x01\x00\x02\x01\x5a",
                                   b"\x16\x03\x01\x00\x00", b"\x17\x03\x03\x00\x01x"],
                         ids=["change cipher spec", "warnings", "empty records", "early data"])
def test_a_flood_of_records(net, counted, service, flood):
    """Hostile peers: records that mean nothing, instead of a handshake and within it."""
    for first in (b"", hello(512) + bytes(100)):
        stream = net.tcp(service)
        stream.send(first + b"\x16\x03\x01\x00\x00" + flood * 50000)
        while stream.read():
            pass
    assert counted("conns_timed_out") == 0


def test_handshakes_that_are_broken_off(net, server):
    """Hostile peers: a hundred hellos, each left alone by a reset."""
    with OpenSsl(server, "device_mqtts", "-tls1_3") as client:
        assert re.search(rb"TLSv1\.3", client.output)
        for _ in range(100):
            stream = net.tcp("device_mqtts")
            stream.send(hello(512))
            stream.abort()
