"""docs/clients.md: its examples work as they stand there."""
import re

import pytest

from lib.clients import JS
from lib.examples import blocks, example, filled_in
from lib.http import is_subscribed
from lib.interop import cc
from lib.server import wait_until
from lib.world import Project

PAGE = "clients.md"
COMMAND = b'{"method": "fan", "params": {"on": true}}'
ENDINGS = {"sh": "sh", "python": "py", "c": "c", "javascript": "js"}


@pytest.fixture
def own(server):
    """A project of its own for each test: the examples share a client identifier."""
    return Project.add(server)


@pytest.fixture
def program(server, start, tmp_path, monkeypatch):
    """Writes an example into a file and gives how to start it."""
    (tmp_path / "ca.pem").write_bytes(open(server.ca, "rb").read())
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("NODE_PATH", str(JS / "node_modules"))
    monkeypatch.setenv("NODE_EXTRA_CA_CERTS", str(server.ca))

    def program(language, text):
        file = tmp_path / f"example.{ENDINGS[language]}"
        if language == "sh":  # the last command is the program that the test ends
            text = re.sub(r"^(?=\S.*(?:\n .*)*\Z)", "exec ", text.rstrip(), flags=re.M)
        file.write_text(text)
        if language == "c":
            cc(tmp_path / "example", file, "-lpaho-mqtt3as")
        command = {
            "sh": ["stdbuf", "-oL", "sh", file],
            "python": ["/usr/bin/python3", file],
            "c": [tmp_path / "example"],
            "javascript": ["node", "-r", JS / "browser.js", file],
        }[language]
        return lambda: start(*command)

    return program


@pytest.mark.parametrize("heading", [
    "mosquitto's tools", "paho for Python", "paho for C", "MQTT.js", "paho for JavaScript", "mqtts",
    "u8-mqtt"])
def test_dashboard(net, server, own, program, heading):
    """open-api 3.1, 3.3, 3.4: it sends a command, prints what devices report, and after it was
    killed what they reported meanwhile."""
    language, text = example(PAGE, heading)
    device = net.device(own.device(), subscribe=["command_send"])
    port = "7886" if "wss://localhost:7886" in text and "7887" not in text else "7887"
    run = program(language, filled_in(text, **{
        "PR_0123456789": own.key, "projectSecret": own.secret,
        "DU_0123456789": device.login.username,
        port: server.port("app_wss" if port == "7886" else "app_mqtts")}))
    shown = run()
    message = device.receive(device.own("command_send"))
    assert message.payload.startswith(COMMAND[:-1]), message
    wait_until(lambda: is_subscribed(server, own, "dashboard", f"open/{own.key}/+/attributes"),
               "the subscription")
    device.publish(device.own("attributes"), b'{"t": 21.5}')
    assert shown.until("open/") == f'{device.open("attributes")} {{"t": 21.5}}'

    shown.process.kill()
    shown.process.wait()
    device.publish(device.own("attributes"), b'{"t": "meanwhile"}')
    assert run().until("meanwhile") == f'{device.open("attributes")} {{"t": "meanwhile"}}'


def test_curl(net, server, own, program):
    """open-api 4: a device with curl."""
    device, app = own.device(), net.app(project=own)
    app.subscribe(f"open/{own.key}/#")
    shown = program(*filled_in_curl(server, device))()
    app.receive_online(device.open("online"), True)
    app.receive(device.open("attributes"), b'{"temperature": 21.5}')
    # The second curl may take over from the first. It asks for a subscription right after
    # it has connected; the command waits for it.
    command = b'{"method":"m","id":1}\n'  # curl adds no end of line
    wait_until(lambda: app.publish(device.open("command_send"), command).code == 0x00,
               "the subscription")
    shown.until(command.decode().strip())


def filled_in_curl(server, device):
    language, text = example(PAGE, "curl")
    return language, filled_in(text, DU_0123456789=device.username,
                               devicePassword=device.password,
                               **{"7883": server.port("device_mqtt")})


def test_twins_have_the_same_examples():
    """The examples are the same in both languages."""
    assert blocks(PAGE) == blocks(f"zh-CN/{PAGE}") != []
