"""`eztcloud status`: each kind of bad input moves its counter, and no other one of a fault; and the
server's log has a line about it."""
import contextlib
import json
import re
import socket
from dataclasses import dataclass
from typing import Callable

import pytest

from lib import packets, ws
from lib.cases import V4, V5, table
from lib.packets import Type, Will
from lib.server import Server, assert_no_sanitizer_report, run, wait_until
from lib.world import Login, Net, Project

HALF_A_HELLO = bytes.fromhex("1603010200010001fc0303")
# What counts faults; only those that a row names may move.
FAULTS = {"mqtt_faults", "mqtt_connects_refused", "mqtt_keep_alive_timeouts", "conns_timed_out",
          "accept_failures", "tls_failures", "tls_plain_text", "ws_refused", "ws_faults",
          "reports_recorded", "downlinks_refused", "logins_failed", "logins_locked_out",
          "subscribes_refused", "publishes_refused", "acks_unknown"}


@dataclass(frozen=True)
class Fault:
    commit: Callable  # by a client of the `net` that it is given
    counters: tuple   # each goes up by one
    event: str
    words: tuple = ()  # in the event's line


# ---- the faults


def first_bytes(data, transport="tls"):
    def commit(net):
        stream = net.stream(transport)
        stream.send(data)
        while stream.read():
            pass
    return commit


def behind_connect(data, code, version=V5, side="app"):
    def commit(net):
        client = getattr(net, side)(version=version)
        client.send(data)
        client.expect_closed(code)
    return commit


def bad_connect(**fields):
    return first_bytes(packets.connect(V5, fields.pop("client_id", "c"), "u", "p", **fields))


def plain(service):
    def commit(net):
        stream = net.tcp(service)
        stream.send(packets.connect(V5, "c", "u", "p"))
        assert stream.read() == b""
    return commit


def hello_and_silence(net):
    stream = net.tcp("app_mqtts")
    stream.send(HALF_A_HELLO)
    assert stream.read() == b""


def hello_and(end):
    def commit(net):
        stream = net.tcp("app_mqtts")
        stream.send(HALF_A_HELLO)
        getattr(stream, end)()
    return commit


def upgrade(**change):
    def commit(net):
        assert net.wss().ask(ws.request(**change)).status == 400
    return commit


def frame(data):
    def commit(net):
        stream = net.wss().open()
        stream.below.send(data)
        stream.read_close()
    return commit


def report(topic, payload, code, is_closed):
    """A device publishes; `topic` is made from its login."""
    def commit(net):
        device = net.device()
        device.send(packets.publish(V5, topic(device), payload, qos=1, pid=1))
        assert device.expect(packets.Ack, kind=Type.PUBACK).code == code
        if is_closed:
            device.expect_closed(code, why="the payload is not a JSON object")
    return commit


def downlink(topic, payload, code):
    """An application publishes; `topic` is made from a device's login."""
    def commit(net):
        assert net.app().publish(topic(net.project.device()), payload).code == code
    return commit


def filters(side, topic, code):
    def commit(net):
        assert getattr(net, side)().subscribe(topic).codes == (code,)
    return commit


def login(transport, user, secret, version=V5, code=0x86):
    def commit(net):
        known = {"key": net.project.key, "secret": net.project.secret,
                 "device": net.project.device().username}
        net.raw(transport, version).connect(None, known.get(user, user),
                                            known.get(secret, secret), code=code)
    return commit


def will_of_an_application(net):
    """Its topic is right, so it is taken at CONNECT; what it says is looked at when it is sent."""
    app = net.app(will=Will(net.project.device().open("attributes_push"), b"no JSON"))
    app.disconnect(code=4)


OTHER = Login("DU_0000000000", "", "PR_0000000000")
MQTT, CONNECT = ("mqtt_faults",), ("packet=CONNECT",)
REPORT = ("reports_recorded",)
PUBLISH = ("publishes_refused", "downlinks_refused")
LOGIN = ("logins_failed", "mqtt_connects_refused")

CASES = {
    # bytes that are no MQTT
    "garbage": Fault(first_bytes(b"\xff" * 64), MQTT, "mqtt_no_connect"),
    "garbage of a device": Fault(first_bytes(b"SSH-2.0-x\r\n", "tcp"), MQTT, "mqtt_no_connect"),
    "garbage behind CONNECT": Fault(behind_connect(b"\xff" * 64, 0x81), MQTT, "mqtt_fault"),
    "length of five bytes": Fault(first_bytes(b"\x10\xff\xff\xff\xff\x01"), MQTT,
                                  "mqtt_no_connect"),
    "length of 256 MB": Fault(behind_connect(b"\x32\xff\xff\xff\x7f", 0x95), MQTT, "mqtt_fault",
                              ('"fixed header"',)),
    # packets that are wrong
    "protocol name": Fault(bad_connect(name="MQTX"), MQTT, "mqtt_fault", CONNECT),
    "bad UTF-8": Fault(bad_connect(client_id=b"a\xff"), MQTT, "mqtt_fault", CONNECT),
    "bad UTF-8 in a topic": Fault(behind_connect(packets.publish(V5, b"a\xc0\xaf", b""), 0x81), MQTT,
                                  "mqtt_fault", ("packet=PUBLISH",)),
    "wildcard in a publish": Fault(behind_connect(packets.publish(V5, "open/+/x", b""), 0x90), MQTT,
                                   "mqtt_fault", ("packet=PUBLISH",)),
    "packet identifier 0": Fault(behind_connect(packets.subscribe(V4, 0, [("a", 0)]), None, V4), MQTT,
                                 "mqtt_fault", ("packet=SUBSCRIBE",)),
    "second CONNECT": Fault(behind_connect(packets.connect(V5, "c", "u", "p"), 0x82, side="device"),
                            MQTT, "mqtt_fault", CONNECT),
    "no CONNECT first": Fault(first_bytes(packets.PINGREQ), MQTT, "mqtt_no_connect",
                              ("packet=PINGREQ",)),
    # TLS
    "plain text, application": Fault(plain("app_mqtts"), ("tls_plain_text",), "tls_plain_text"),
    "plain text, device": Fault(plain("device_mqtts"), ("tls_plain_text",), "tls_plain_text"),
    "plain text, wss": Fault(plain("app_wss"), ("tls_plain_text",), "tls_plain_text"),
    **{f"half a hello, then {end}": Fault(hello_and(end), ("tls_failures",), "tls_failed",
                                          ('"closed in the handshake"',))
       for end in ("close", "abort")},
    # WebSocket
    "no subprotocol": Fault(upgrade(drop=["Sec-WebSocket-Protocol"]), ("ws_refused",),
                            "ws_refused", ("status=400",)),
    "unmasked frame": Fault(frame(ws.frame(ws.BINARY, b"\xc0\0", mask=False)), ("ws_faults",),
                            "ws_fault"),
    "text frame": Fault(frame(ws.frame(ws.TEXT, b"hello")), ("ws_faults",), "ws_fault",
                        ('"text frame"',)),
    "fragment of nothing": Fault(frame(ws.frame(ws.CONTINUATION, b"x")), ("ws_faults",),
                                 "ws_fault"),
    # payloads
    "no JSON from a device": Fault(report(lambda d: d.own("attributes"), b"no", 0x99, True),
                                   REPORT, "device_recorded", ("direction=up",)),
    "no JSON from an application": Fault(
        downlink(lambda d: d.open("attributes_push"), b"no", 0x99), PUBLISH,
        "app_publish_refused"),
    "no JSON in a will": Fault(will_of_an_application, ("downlinks_refused",),
                               "downlink_recorded"),
    # names of others
    "unknown device, downlink": Fault(
        downlink(lambda d: f"open/{d.project_key}/DU_0000000000/attributes_push", b"{}", 0x90),
        PUBLISH, "app_publish_refused"),
    "unknown device, login": Fault(login("tcp", "DU_0000000000", "p"), LOGIN, "mqtt_refused",
                                   ("username=DU_0000000000",)),
    "topic of another project": Fault(downlink(lambda d: OTHER.open("attributes_push"), b"{}",
                                               0x87), PUBLISH, "app_publish_refused"),
    "topic of another device": Fault(report(lambda d: OTHER.own("attributes"), b"{}", 0x87,
                                            False), REPORT, "device_recorded"),
    "filter of another project": Fault(filters("app", OTHER.open("online"), 0x87),
                                       ("subscribes_refused",), "subscribe_refused",
                                       ("service=application", "filter=open/PR_0000000000/")),
    "filter of another device": Fault(filters("device", OTHER.own("command_send"), 0x87),
                                      ("subscribes_refused",), "subscribe_refused",
                                      ("service=device",)),
    "request": Fault(downlink(lambda d: f"$open/{d.project_key}/ctl", b"{}", 0x99), PUBLISH,
                     "app_publish_refused", ("must be",)),
    # logins
    "wrong secret": Fault(login("tls", "key", "wrong"), LOGIN, "mqtt_refused"),
    "wrong secret, 3.1.1": Fault(login("tls", "key", "wrong", V4, 4), LOGIN, "mqtt_refused"),
    "wrong password": Fault(login("tcp", "device", "wrong"), LOGIN, "mqtt_refused"),
}
TIMED_OUT = ("conns_timed_out",), "connect_timeout"
SILENCES = {
    "no CONNECT in time": Fault(first_bytes(b"", "tcp"), *TIMED_OUT),
    "half a CONNECT": Fault(first_bytes(packets.connect(V5, "c")[:9]), *TIMED_OUT),
    "half a hello, then silence": Fault(hello_and_silence, *TIMED_OUT),
}


def status(server):
    return server.cli("status")


def commit_and_look(net, fault):
    """Commits a fault: it is counted and logged, and no other is."""
    server = net.server
    before, said = status(server), len(server.log())

    def moved():
        now = status(server)
        return {name: now[name] - before[name] for name in FAULTS if now[name] != before[name]}

    fault.commit(net)
    wait_until(lambda: len(moved()) >= len(fault.counters), fault.counters)
    assert moved() == dict.fromkeys(fault.counters, 1)
    lines = wait_until(lambda: [line for line in server.log()[said:].splitlines()
                                if re.match(rf"\S+ [A-Z]+ {fault.event} ", line)], fault.event)
    assert len(lines) == 1, lines
    for word in fault.words:
        assert word in lines[0]


@table("fault", CASES)
def test_fault_is_counted_and_logged(net, fault):
    """Bad input, named: counted, logged."""
    commit_and_look(net, fault)


@pytest.fixture(scope="module")
def impatient():
    """A server that waits a second for a CONNECT, which is too short for a busy machine."""
    made = Server("--connect-timeout", 1)
    try:
        yield made.start()
        made.stop()
    finally:
        made.remove()


@table("fault", SILENCES)
def test_silence_is_counted_and_logged(impatient, fault):
    """The same of who does not say who he is."""
    net = Net(impatient, None)

    def keep_silent(net):
        with contextlib.suppress(OSError):  # the time may be over within the handshake
            fault.commit(net)

    commit_and_look(net, Fault(keep_silent, fault.counters, fault.event))
    net.close()


def test_every_fault_has_a_case(server):
    """All of these counters exist, and those that a peer alone can move are moved above."""
    assert FAULTS <= set(status(server))
    moved = {name for fault in [*CASES.values(), *SILENCES.values()] for name in fault.counters}
    assert FAULTS - moved == {"accept_failures", "acks_unknown", "logins_locked_out",
                              "mqtt_keep_alive_timeouts"}


# ---- what is counted without a fault


def test_gauges_and_totals(net, server):
    """Clients that come and go, messages, and memory that is in use."""
    before = wait_until(  # those of other tests go when they end
        lambda: (now := status(server))["mqtt_clients"] == now["devices_online"] == 0 and now,
        "the end of all connections")
    app, device = net.app(), net.device()
    app.subscribe(device.open("data/s"))
    device.publish(device.own("data", "s"), b"x")
    app.receive(payload=b"x")
    after = status(server)
    assert after["mqtt_clients"] - before["mqtt_clients"] == 2
    assert after["devices_online"] - before["devices_online"] == 1
    assert after["publishes_received"] - before["publishes_received"] == 1
    assert after["publishes_sent"] - before["publishes_sent"] == 1
    assert after["subscriptions"] - before["subscriptions"] == 1
    assert after["memory_conn"] > 0 and after["memory_device"] > 0


def test_table(server):
    """For people: name, value, unit, help, below each other, the same names as for programs."""
    done = server.cli_run("status")
    assert done.returncode == 0 and not done.stderr
    lines = done.stdout.splitlines()
    assert [line.split()[0] for line in lines] == list(status(server))
    row = next(line for line in lines if line.startswith("tls_plain_text "))
    assert re.fullmatch(r"tls_plain_text +\d+  connections +closed because plain text came to a "
                        r"TLS port", row)
    row = next(line for line in lines if line.startswith("memory_conn "))
    assert re.fullmatch(r"memory_conn +\d+  bytes +connections and their buffers", row)
    starts = {re.match(r"\S+ +-?\d+ ", line).end() for line in lines}
    assert len(starts) == 1, "values end in one column"


def test_long_data_path():
    """The name of a socket has at most 108 bytes; the data directory's may be longer."""
    server = Server()
    server.data = server.root / ("d" * 100) / ("e" * 100)
    server.data.parent.mkdir()
    try:
        server.start()
        assert status(server)["projects"] > 0
        Project.add(server).device()
        server.stop()
        assert not (server.data / "control.sock").exists()
        assert_fails(server.cli_run("status"), "no server runs")
    finally:
        server.remove()


# ---- mistakes


@pytest.mark.parametrize("left", ["nothing", "directory", "socket"])
def test_no_server(tmp_path, left):
    """No server on the directory: one line that names it, exit 1."""
    data = tmp_path / "data"
    if left != "nothing":
        data.mkdir()
    if left == "socket":
        socket.socket(socket.AF_UNIX).bind(str(data / "control.sock"))
    for flags in ((), ("--json",)):
        assert_fails(run("status", "--data", data, *flags), str(data))


@table("args, named", {
    "unknown": (("--frobnicate",), "--frobnicate"), "value missing": (("--data",), "--data"),
    "a word": (("all",), "all"),
})
def test_mistakes(args, named):
    """A wrong option: one line that names it, exit 1."""
    assert_fails(run("status", *args), named)


def test_help():
    """It is listed, and has help of its own."""
    assert "eztcloud status" in run("--help").stdout
    done = run("status", "--help")
    assert done.returncode == 0 and "--json" in done.stdout and not done.stderr


def test_directory_from_the_environment(server):
    """EZTCLOUD_DATA stands for --data."""
    done = run("status", "--json", env={"EZTCLOUD_DATA": str(server.data)})
    assert done.returncode == 0 and "mqtt_clients" in json.loads(done.stdout)


def assert_fails(done, named):
    assert_no_sanitizer_report(done.stderr)
    assert done.returncode == 1 and not done.stdout
    assert named in done.stderr and done.stderr.count("\n") == 1, done.stderr
