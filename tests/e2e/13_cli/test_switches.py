"""`eztcloud project set` and `eztcloud device set` while the server runs: who may not connect any
more is cut off at once, and keeps the session for the day on which it may again."""
import signal
import sqlite3
import subprocess

import pytest

from lib.cases import table, versions
from lib.client import refusal
from lib.packets import Prop, Will
from lib.server import BINARY, Server, wait_until
from lib.world import Login, Net, Project

KEEP = {"clean": False, "props": ((Prop.SESSION_EXPIRY, 60),)}
OFF = {"api off": ("--open-mqtt",), "project off": ("--enabled",)}


@pytest.fixture
def own(server):
    """A project that the test may switch off."""
    return Project.add(server, "switched")


def switch(own, flag, value):
    return own.server.cli("project", "set", own.key, flag, value)


def switch_device(login, server, *flags):
    return server.cli("device", "set", "--project", login.project_key, login.username, *flags)


def assert_refused(net, version, own):
    """open-api 3: not authorized, but for who does not know the secret."""
    net.raw("tls", version).connect(None, own.key, own.secret, code=refusal(version, 0x87, 5))
    net.raw("wss", version).connect(None, own.key, own.secret, code=refusal(version, 0x87, 5))
    net.raw("tls", version).connect(None, own.key, own.secret[::-1],
                                    code=refusal(version, 0x86, 4))


def assert_device_refused(net, version, login):
    net.raw("tcp", version).connect(None, login.username, login.password,
                                    code=refusal(version, 0x87, 5))
    net.raw("tcp", version).connect(None, login.username, "wrong", code=refusal(version, 0x86, 4))


# ---- projects


def test_project_name(net, server, own):
    """A new name, and nothing else: credentials, switches and connections stay."""
    app, device = net.app(project=own), net.device(own.device())
    before = server.cli("project", "show", own.key)
    told = server.cli("project", "set", own.key, "--name", "Werk Süd 南")
    assert told["name"] == "Werk Süd 南" and own.secret not in str(told)
    assert server.cli("project", "show", own.key) == before | {"name": "Werk Süd 南"}
    app.ping()
    device.ping()


@versions
def test_open_mqtt(net, server, own, version):
    """open-api 2 "Enabled per project": CONNECT is refused as not authorized, existing application
    connections are closed. Devices and other projects do not notice."""
    app, secure = net.app(version, project=own), net.app(version, "wss", project=own)
    other, device = net.app(version), net.device(own.device(), version)
    told = switch(own, "--open-mqtt", "off")
    assert (told["open_mqtt"], told["enabled"]) == (False, True)
    app.expect_closed(0x87, why="the application API is not enabled for this project")
    secure.expect_closed(0x87, why="the application API is not enabled for this project")
    assert_refused(net, version, own)
    device.publish(device.own("attributes"), b'{"a":1}')
    device.ping()
    other.ping()
    net.device(own.device(), version).ping()
    assert switch(own, "--open-mqtt", "on")["open_mqtt"]
    net.app(version, project=own).ping()


@versions
def test_project_enabled(net, server, own, version):
    """open-api 3: a disabled project is refused, its devices too, and all of its connections are
    closed; one that is enabled again works as before. Other projects do not notice."""
    app, device = net.app(version, project=own), net.device(own.device(), version)
    others = net.app(version), net.device(version=version)
    told = switch(own, "--enabled", "off")
    assert (told["open_mqtt"], told["enabled"]) == (True, False)
    app.expect_closed(0x87, why="the project is disabled")
    device.expect_closed(0x87, why="the device or its project is disabled")
    assert_refused(net, version, own)
    assert_device_refused(net, version, device.login)
    for client in others:
        client.ping()
    assert switch(own, "--enabled", "on")["enabled"]
    app = net.app(version, project=own)
    app.subscribe(device.open("data/s"))
    device = net.device(device.login, version)
    device.publish(device.own("data", "s"), b"again")
    app.receive(device.open("data/s"), b"again")


@versions
@table("off", OFF)
def test_sessions_are_kept(net, own, version, off):
    """open-api 2 and 3.4: connections are closed; a persistent session is there again when the
    switch is on, with what it is owed."""
    device, name = net.device(own.device(), version), f"kept{version}{off[0]}"
    app = net.app(version, project=own, client_id=name, **KEEP)
    app.subscribe(device.open("data/s"), device.open("online"))
    away = net.app(version, project=own, client_id=name + "away", **KEEP)
    away.subscribe(device.open("data/s"), device.open("online"))
    away.disconnect()
    device.publish(device.own("data", "s"), b"before")
    app.receive(device.open("data/s"), b"before")
    app.ping()
    switch(own, *off, "off")
    if off == OFF["api off"]:
        device.publish(device.own("data", "s"), b"while off")
    switch(own, *off, "on")
    app = net.app(version, project=own, client_id=name, **KEEP)
    away = net.app(version, project=own, client_id=name + "away", **KEEP)
    assert app.connack.session_present and away.connack.session_present
    away.receive(device.open("data/s"), b"before")
    for client in (app, away):
        if off == OFF["api off"]:
            client.receive(device.open("data/s"), b"while off")
        else:
            client.receive_online(device.open("online"), False)


@versions
@table("off", OFF)
def test_will_of_a_closed_application(net, own, version, off):
    """open-api 3.4: wills obey the rules for publishing, so who may not connect any more has none."""
    login = own.device()
    topic = login.open("attributes_push")
    net.app(version, project=own, will=Will(topic, b'{"will":1}'))
    switch(own, *off, "off")
    switch(own, *off, "on")
    assert_not_pushed(net, own, login)


@table("off", OFF)
def test_delayed_will_of_a_closed_application(net, own, off):
    """open-api 3.4: nor one that waits for its delay, or for the end of its session."""
    login = own.device()
    will = Will(login.open("attributes_push"), b'{"will":1}', props=((Prop.WILL_DELAY, 60),))
    net.app(project=own, client_id="delayed", will=will, **KEEP).disconnect(code=4)
    switch(own, *off, "off")
    switch(own, *off, "on")
    net.app(project=own, client_id="delayed", props=KEEP["props"]).ping()
    assert_not_pushed(net, own, login)


def assert_not_pushed(net, own, login):
    device = net.device(login, subscribe=["attributes_push", "attributes_get_response"])
    device.publish(device.own("attributes_get"), b"{}")
    assert b'"attributes": {}' in device.receive().payload
    net.app(project=own).publish(login.open("attributes_push"), b'{"marker":1}')
    device.receive(device.own("attributes_push"), b'{"marker":1}')


@versions
def test_device_sessions_are_kept(net, own, version):
    """open-api 3.3, 3.4: a device's persistent session outlives the switch of its project."""
    login = own.device()
    device = net.device(login, version, client_id="pump", **KEEP)
    device.subscribe(device.own("attributes_push"))
    switch(own, "--enabled", "off")
    device.expect_closed(0x87, why="the device or its project is disabled")
    switch(own, "--enabled", "on")
    net.app(version, project=own).publish(login.open("attributes_push"), b'{"a":1}')
    device = net.device(login, version, client_id="pump", **KEEP)
    assert device.connack.session_present
    device.receive(device.own("attributes_push"), b'{"a":1}')


@table("command, why", {
    "switched off": (("set", "--enabled", "off"), "the project is disabled"),
    "removed": (("remove",), "the project was removed")})
def test_key_and_username_of_the_same_letters(net, server, own, command, why):
    """A device of another project that is named like the project does not notice its end."""
    name = "DU_" + own.key.removeprefix("PR_")
    made = server.cli("device", "add", "--project", net.project.key, "--username", name)
    device = net.device(Login(name, made["password"], net.project.key))
    app = net.app(project=own)
    server.cli("project", command[0], own.key, *command[1:])
    app.expect_closed(0x87, why=why)
    device.ping()


# ---- devices


@versions
def test_device_enabled(net, server, version):
    """open-api 3.2, 4: a disabled device is closed and refused, applications see it go; one that
    is enabled again comes back to its session."""
    login, app = net.project.device(), net.app(version)
    device = net.device(login, version, client_id="valve", **KEEP)
    device.subscribe(device.own("command_send"))
    other = net.device(version=version)
    app.subscribe(login.open("online"))
    assert not switch_device(login, server, "--enabled", "off")["enabled"]
    device.expect_closed(0x87, why="the device or its project is disabled")
    app.receive_online(login.open("online"), False)
    assert_device_refused(net, version, login)
    other.ping()
    assert switch_device(login, server, "--enabled", "on")["enabled"]
    device = net.device(login, version, client_id="valve", **KEEP)
    assert device.connack.session_present
    app.receive_online(login.open("online"), True)
    app.publish(login.open("command_send"), b'{"method":"m","id":1}')
    device.receive(device.own("command_send"), b'{"method":"m","id":1}')


@versions
def test_device_password(net, server, version):
    """open-api 4: with a new password the old one is refused from then on; the live connection
    stays."""
    login = net.project.device()
    device = net.device(login, version)
    told = switch_device(login, server, "--password", "nëw password")
    assert "password" not in told
    device.ping()
    net.raw("tcp", version).connect(None, login.username, login.password,
                                    code=refusal(version, 0x86, 4))
    device.ping()
    net.raw("tcp", version).connect(None, login.username, "nëw password").ping()
    device.expect_closed(0x8E)
    assert server.cli("device", "show", "--project", login.project_key, login.username)[
        "password"] == "nëw password"


def test_device_name(net, server):
    """A new name, and nothing else."""
    login = net.project.device()
    device = net.device(login)
    before = server.cli("device", "show", "--project", login.project_key, login.username)
    switch_device(login, server, "--name", "Pumpe 2")
    after = server.cli("device", "show", "--project", login.project_key, login.username)
    assert after == before | {"name": "Pumpe 2"}
    device.ping()


# ---- mistakes and circumstances


@table("flags, named", {
    "nothing": ((), "--enabled"), "no switch": (("--enabled", "maybe"), "maybe"),
    "half right": (("--enabled", "off", "--name", ""), "--name"),
})
def test_mistakes(net, server, own, flags, named):
    """One line that names the mistake, exit 1, and nothing has changed."""
    login = own.device()
    app, device = net.app(project=own), net.device(login)
    for command in (("project", "set", own.key),
                    ("device", "set", "--project", own.key, login.username)):
        done = server.cli_run(*command, *flags)
        assert done.returncode == 1
        assert named in done.stderr and done.stderr.count("\n") == 1
    app.ping()
    device.ping()


def test_another_projects_device(net, server, own):
    """A device is found in its own project only."""
    device = net.device()
    done = server.cli_run("device", "set", "--project", own.key, device.login.username,
                          "--enabled", "off")
    assert done.returncode == 1 and device.login.username in done.stderr
    device.ping()


def test_over_a_restart():
    """Switches are kept, and may be set while no server runs."""
    server = Server()
    try:
        offline, online = Project.add(server, "offline"), Project.add(server, "online")
        switch(offline, "--open-mqtt", "off")
        net = Net(server.start(), online)
        assert_refused(net, 5, offline)
        switch(online, "--enabled", "off")
        server.stop()
        server.start()
        assert_refused(net, 5, online)
        assert_device_refused(net, 5, online.device())
        net.device(offline.device()).ping()
        net.close()
        server.stop()
    finally:
        server.remove()


def test_changes_that_come_at_once(net, server):
    """A server that finds a project added, its device added and the project changed, all in one
    go, has both."""
    # the commands wait for the server for ten seconds alone, so the registry itself is looked at
    registry = sqlite3.connect(f"file:{server.data}/registry.db?mode=ro", uri=True)

    def run(*args):
        command = [BINARY, *args, "--data", server.data]
        return subprocess.Popen(list(map(str, command)), stdout=subprocess.DEVNULL)

    def has(table, name):
        return registry.execute(f"SELECT 1 FROM {table} WHERE name = ?", (name,)).fetchone()

    server.signal(signal.SIGSTOP)
    try:
        waiting = [run("project", "add", "--name", "at once")]
        wait_until(lambda: has("project", "at once"), "the project")
        key = next(row["project_key"] for row in server.cli("project", "list")["projects"]
                   if row["name"] == "at once")
        waiting.append(run("device", "add", "--project", key, "--password", "secret",
                           "--username", "DU_e2eAtOnce0", "--name", "its device"))
        wait_until(lambda: has("device", "its device"), "the device")
        waiting.append(run("project", "set", key, "--name", "changed"))
        wait_until(lambda: has("project", "changed"), "the change")
    finally:
        server.signal(signal.SIGCONT)
    registry.close()
    assert [command.wait() for command in waiting] == [0, 0, 0]
    net.device(Login("DU_e2eAtOnce0", "secret", key)).ping()
