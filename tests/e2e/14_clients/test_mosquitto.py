"""mosquitto_pub and mosquitto_sub, as devices and as applications."""
import shlex
import subprocess

import pytest

from lib.cases import each_qos, table
from lib.streams import DEADLINE_S

VERSIONS = pytest.mark.parametrize("version", ["mqttv311", "mqttv5"])


def login(server, project, device, side):
    """Where and as whom the tools connect."""
    if side == "device":
        return ["-h", "localhost", "-p", server.port("device_mqtt"), "-u", device.username, "-P",
                device.password]
    if side == "device over TLS":
        return ["-h", "localhost", "-p", server.port("device_mqtts"), "--cafile", server.ca, "-u",
                device.username, "-P", device.password]
    return ["-h", "localhost", "-p", server.port("app_mqtts"), "--cafile", server.ca, "-u",
            project.key, "-P", project.secret]


def pub(version, where, topic, payload, qos, *more):
    """mosquitto_pub to its end, which must be good."""
    done = subprocess.run(
        list(map(str, ["mosquitto_pub", "-V", version, *where, "-t", topic, "-m", payload, "-q",
                       qos, *more])), capture_output=True, text=True, timeout=DEADLINE_S)
    assert (done.returncode, done.stderr) == (0, ""), done


def sub(start, version, where, qos, *topics):
    """mosquitto_sub that has been granted its topics; prints topic and payload."""
    args = [arg for topic in topics for arg in ("-t", topic)]
    program = start("stdbuf", "-oL", "mosquitto_sub", "-d", "-V", version, *where, "-q", qos, *args,
                    "-F", "got %t %p")
    program.until("Subscribed")
    return program


@VERSIONS
@each_qos
@table("side", {"tcp": "device", "tls": "device over TLS"})
def test_from_device_to_application(server, project, start, version, qos, side):
    """open-api 2, 3.1, 3.2, 3.1.1 [MQTT-7.0.0-2]: a value reported with mosquitto_pub comes out of
    mosquitto_sub."""
    device = project.device()
    app = sub(start, version, login(server, project, device, "app"), qos,
              device.open("attributes"), device.open("data/s"))
    where = login(server, project, device, side)
    pub(version, where, device.own("attributes"), '{"t": 21.5}', qos)
    assert app.until("got") == f'got {device.open("attributes")} {{"t": 21.5}}'
    pub(version, where, device.own("data", "s"), "any text", qos)
    assert app.until("got") == f'got {device.open("data/s")} any text'


@VERSIONS
@each_qos
def test_from_application_to_device(server, project, start, version, qos):
    """open-api 3.3: a command sent with mosquitto_pub comes out of the device's mosquitto_sub."""
    device = project.device()
    receiver = sub(start, version, login(server, project, device, "device"), qos,
                   device.own("command_send"))
    command = '{"method":"open","params":{},"id":1}'
    pub(version, login(server, project, device, "app"), device.open("command_send"), command, qos)
    assert receiver.until("got") == f'got {device.own("command_send")} {command}'


@VERSIONS
def test_bare_hash(server, project, start, version):
    """open-api 3.1: `#` shows everything of the project, and nothing else."""
    device = project.device()
    app = sub(start, version, login(server, project, device, "app"), 1, "#")
    pub(version, login(server, project, device, "device"), device.own("data", "s"), "x", 1)
    while (line := app.until("got")) != f'got {device.open("data/s")} x':
        assert line.startswith(f"got open/{project.key}/")


@VERSIONS
def test_wrong_password(server, project, version):
    """open-api 3: mosquitto_pub says that it was refused."""
    device = project.device()
    where = login(server, project, device, "app")[:-1] + ["wrong"]
    done = subprocess.run(
        list(map(str, ["mosquitto_pub", "-V", version, *where, "-t", "x", "-m", "x"])),
        capture_output=True, text=True, timeout=DEADLINE_S)
    assert done.returncode != 0
    assert "user name or password" in done.stderr.lower()


@VERSIONS
def test_without_the_ca(server, project, version):
    """open-api 2: TLS is not optional: without it there is no connection."""
    where = login(server, project, project.device(), "app")
    at = where.index("--cafile")
    done = subprocess.run(
        list(map(str, ["mosquitto_pub", "-V", version, *where[:at], *where[at + 2:], "-t", "x",
                       "-m", "x"])), capture_output=True, text=True, timeout=DEADLINE_S)
    assert done.returncode != 0


SESSIONS = table("version, keep", {"3.1.1": ("mqttv311", []), "v5": ("mqttv5", ["-x", "60"])})


@SESSIONS
def test_persistent_session(server, project, version, keep):
    """open-api 3.4: subscribe and leave (-E), come back (-C): what came meanwhile is there, in
    order and unchanged, up to a payload of 256 KiB (open-api 8)."""
    device = project.device()
    common = ["mosquitto_sub", "-V", version, *login(server, project, device, "app"), *keep, "-c",
              "-i", version, "-q", 2, "-t", device.open("data/s"), "-N"]
    subprocess.run(list(map(str, [*common, "-E"])), check=True, timeout=DEADLINE_S)
    where = login(server, project, device, "device")
    payloads = [b"1", bytes(range(256)) * 1024, b"3"]
    for payload in payloads:
        subprocess.run(
            list(map(str, ["mosquitto_pub", "-V", version, *where, "-t", device.own("data", "s"),
                           "-q", 1, "-s"])),
            input=payload, check=True, timeout=DEADLINE_S)
    done = subprocess.run(list(map(str, [*common, "-C", 3])), check=True, timeout=DEADLINE_S,
                          capture_output=True)
    assert done.stdout == b"".join(payloads)


@SESSIONS
def test_comes_back_by_itself(net, server, project, start, relay, version, keep):
    """open-api 3.4, 3.1.1 [MQTT-3.1.2-5]: mosquitto_sub loses its connection, and prints what came
    meanwhile, in order, once; its will was published."""
    cable, device = relay("app_mqtts"), net.device(subscribe=["attributes_push"])
    where = login(server, project, device.login, "app")
    where[where.index("-p") + 1] = cable.port
    app = sub(start, version, [*where, *keep, "-c", "-i", f"back {version}", "--will-topic",
                               device.open("attributes_push"), "--will-payload", '{"gone": true}',
                               "--will-qos", 1], 2, device.open("data/s"))
    cable.cut()
    device.receive(device.own("attributes_push"), b'{"gone": true}')
    for number in range(20):
        device.publish(device.own("data", "s"), b"%d" % number)
    cable.mend()
    for number in range(20):
        assert app.until("got") == f'got {device.open("data/s")} {number}'


def test_printed_line(net, server, start):
    """The line that the server prints for a terminal shows what a demo device sends."""
    line = next(line for line in server.log().splitlines() if "mosquitto_sub " in line)
    app = start("stdbuf", "-oL", *shlex.split(line), "-d")
    app.until("Subscribed")
    first = server.demo["devices"][0]
    device = net.raw("tcp").connect(None, first["username"], first["password"])
    device.publish(f"attributes/{first['username']}", b'{"t": 21.5}')
    topic = f"open/{server.demo['project_key']}/{first['username']}/attributes"
    assert app.until(topic + " ") == f'{topic} {{"t": 21.5}}'
