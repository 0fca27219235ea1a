"""A will that a CONNACK has accepted outlives the server, however it ends. [MQTT-3.1.2-8]"""
from itertools import product

import pytest

from lib.cases import V4, V5, table, versions
from lib.packets import Prop, Will
from lib.server import Server, wait_until
from lib.world import Net, Project

DAY, GRACE = 86400, "--restart-grace"
COMMAND = b'{"method":"%b","params":{},"id":"%b"}'
ENDS = table("end", {"killed": Server.kill9, "stopped": Server.stop})


def keep(version):
    """What a persistent session asks for."""
    return {"clean": False, "props": ((Prop.SESSION_EXPIRY, DAY),) if version == V5 else ()}


class Stage:
    """A server that ends and starts, and a persistent session of an application that is owed all
    that happens, and away."""

    def __init__(self):
        self.server = Server(GRACE, DAY)
        self.project = Project.add(self.server.start())
        self.net = Net(self.server, self.project)
        self.watcher(False).subscribe("#", qos=2)

    def watcher(self, present=True):
        app = self.net.app(client_id="watcher", **keep(V5))
        assert app.connack.session_present == present
        return app

    def restart(self, end, grace=DAY):
        """The server ends while its clients are connected."""
        end(self.server)
        self.net.close()
        self.server.options = [GRACE, str(grace)]
        self.server.start()
        self.net = Net(self.server, self.project)

    def owed(self):
        """How many wills wait for their clients, or for the end of the grace."""
        return self.server.counters()["wills_owed"]

    def stored(self):
        projects = self.server.cli("journal", "stat")["projects"]
        return sum(p["rows"]["will"] for p in projects)

    def expect_stored(self, count):
        wait_until(lambda: self.stored() == count, f"{count} wills in the journal")

    def settle(self, app):
        """What the watcher has got is acknowledged to the end: a crash does not bring it again."""
        def is_over():
            app.ping()  # reads what is to be answered yet
            session, = self.server.cli("session", "list", "--project", self.project.key)["sessions"]
            return session["unacknowledged"] == 0
        wait_until(is_over, "the end of all handshakes")

    def rest(self, kinds):
        """What the watcher has got of these kinds until a marker that is published now."""
        device, app = self.net.device(), self.watcher()
        device.publish(device.own("data", "end"), b"end")
        got = []
        while True:
            message = app.receive()
            if message.topic == device.open("data/end"):
                return got
            if message.topic.rsplit("/", 1)[1] in kinds:
                got.append(message.payload)


@pytest.fixture
def stage():
    made = Stage()
    try:
        yield made
        made.net.close()
        made.server.stop()
        assert made.server.cli("journal", "check")["faults"] == []
    finally:
        made.server.remove()


def connect_devices(stage):
    """Devices of all sorts, with wills, by their topics of it."""
    logins = {}
    for version, qos, is_kept in product((V4, V5), (0, 1, 2), (False, True)):
        login = stage.project.device()
        stage.net.device(login, version, client_id="d", will=Will(login.own("data", "will"), b"%d"
                         % qos, qos), **(keep(version) if is_kept else {}))
        logins[login.username] = login, version, b"%d" % qos, is_kept
    return logins


def connect_applications(stage, device):
    """The same of applications: what their wills say, and at which QoS, by client identifier."""
    made = {}
    for version, qos, is_kept in product((V4, V5), (0, 1, 2), (False, True)):
        name = f"a{version}{qos}{is_kept}"
        payload = COMMAND % ((name.encode(),) * 2)
        stage.net.app(version, client_id=name, will=Will(device.open("command_send"), payload, qos),
                      **(keep(version) if is_kept else {}))
        made[name] = payload, qos, version, is_kept
    return made


@ENDS
def test_device_does_not_come_back(stage, end):
    """open-api 3.4, 4: when `restart_grace` is over its will is published, and then `online` false;
    who is owed it gets it, once."""
    devices = connect_devices(stage)
    stage.restart(end, 1)
    app, got = stage.watcher(), {name: [] for name in devices}
    while any(len(seen) < 3 for seen in got.values()):
        message = app.receive()
        name, kind = message.topic.split("/")[2:4]
        got[name].append((kind, message.payload))
    for name, (_, _, payload, _) in devices.items():
        assert [kind for kind, _ in got[name]] == ["online", "data", "online"]
        assert got[name][1] == ("data", payload) and b"false" in got[name][2][1]
    stage.settle(app)
    stage.expect_stored(0)
    stage.restart(end, 1)
    assert stage.owed() == 0
    assert stage.rest({"will"}) == []


@ENDS
def test_application_does_not_come_back(stage, end):
    """open-api 3.4: its will is published as it would have been: the device gets it, and who
    watches, though QoS 0 is not kept for those who are away."""
    device = stage.net.device(client_id="d", subscribe=["command_send"], **keep(V5))
    wills = {payload: qos for payload, qos, _, _ in connect_applications(stage, device).values()}
    stage.restart(end, 1)
    back = stage.net.device(device.login, client_id="d", **keep(V5))
    assert {back.receive(device.own("command_send")).payload for _ in wills} == wills.keys()
    stage.expect_stored(0)
    got = [payload for payload in stage.rest({"command_send"}) if wills[payload] > 0]
    assert sorted(got) == sorted(payload for payload, qos in wills.items() if qos > 0)


@ENDS
def test_who_comes_back_has_not_gone(stage, end):
    """open-api 4: a restart is no end of a client that comes back within `restart_grace`, with its
    session or another one: `online` says nothing, and there is no will."""
    device = stage.net.device(subscribe=["command_send"])
    devices, apps = connect_devices(stage), connect_applications(stage, device)
    stage.restart(end)
    assert stage.owed() == len(devices) + len(apps)
    for login, version, _, is_kept in devices.values():
        kept = keep(version) if is_kept else {}
        back = stage.net.device(login, version, client_id="d", **kept)
        assert back.connack.session_present == is_kept
    for name, (_, _, version, is_kept) in apps.items():
        back = stage.net.app(version, client_id=name, **(keep(version) if is_kept else {}))
        assert back.connack.session_present == is_kept
    assert stage.owed() == 0
    assert stage.rest({"will", "command_send"}) == []
    stage.expect_stored(0)


@ENDS
def test_another_session_takes_its_place(stage, end):
    """A clean start, or another client identifier of a device, is a client that has come back."""
    device, app = stage.project.device(), stage.project.device()
    stage.net.device(device, client_id="d", will=Will(device.own("data", "will"), b"w"), **keep(V5))
    stage.net.app(client_id="a", will=Will(app.open("command_send"), COMMAND % (b"m", b"1"), 1),
                  **keep(V5))
    stage.restart(end)
    assert stage.owed() == 2
    assert not stage.net.device(device, client_id="other").connack.session_present
    assert not stage.net.app(client_id="a", clean=True).connack.session_present
    assert stage.owed() == 0
    assert stage.rest({"will", "command_send"}) == []


@ENDS
def test_new_will_in_the_place_of_the_old(stage, end):
    """A client that comes back has the will of its new CONNECT, and no other."""
    login = stage.project.device()
    for n in (1, 2, 3):
        stage.net.device(login, will=Will(login.own("data", "will"), b"%d" % n, 1))
        if n < 3:
            stage.restart(end)
    stage.expect_stored(1)
    stage.restart(end, 0)
    stage.expect_stored(0)
    assert stage.rest({"will"}) == [b"3"]


@ENDS
def test_published_or_dropped_before(stage, end):
    """What was published before, or dropped by DISCONNECT, is not published after the start."""
    login = stage.project.device()
    will = Will(login.own("data", "will"), b"once", 1)
    for leave in (lambda client: client.abort(), lambda client: client.disconnect()):
        leave(stage.net.device(login, will=will))
        stage.expect_stored(0)
    stage.restart(end, 0)
    assert stage.owed() == 0
    assert stage.rest({"will"}) == [b"once"]


@ENDS
def test_delay(stage, end):
    """MQTT 5.0 section 3.1.3.2.2: a delay goes on over the restart: of a client that was there it
    begins with the start; one that was away has waited already. A device's ends with `online`
    false."""
    login = stage.project.device()

    def connect(name, delay, expiry=DAY):
        payload = COMMAND % ((name.encode(),) * 2)
        return stage.net.app(client_id=name, clean=False, props=((Prop.SESSION_EXPIRY, expiry),),
                             will=Will(login.open("command_send"), payload, 1,
                                       props=((Prop.WILL_DELAY, delay),)))

    for name, delay, expiry in (("short", 2, DAY), ("long", DAY, DAY), ("session", DAY, 2)):
        connect(name, delay, expiry)
    connect("away", 2).abort()
    connect("long away", DAY).abort()
    device = stage.project.device()
    stage.net.device(device, client_id="d", **keep(V5), will=Will(
        device.own("data", "will"), b"device", props=((Prop.WILL_DELAY, DAY),)))
    stage.restart(end, 0)
    wait_until(lambda: stage.owed() == 2, "two wills that wait longer")
    stage.expect_stored(2)
    got = stage.rest({"will", "command_send"})
    assert sorted(got) == sorted(
        [b"device", *(COMMAND % (name, name) for name in (b"short", b"session", b"away"))])


@table("clean", {"goes on": False, "clean start": True})
def test_away_before_the_stop(stage, clean):
    """[MQTT-3.1.3-9], [MQTT-3.1.2-8]: of who had gone before the stop the delay decides: the session
    that goes on cancels the will, a clean start publishes it."""
    login, payload = stage.project.device(), COMMAND % (b"m", b"1")
    will = Will(login.open("command_send"), payload, 1, props=((Prop.WILL_DELAY, DAY // 2),))
    stage.net.app(client_id="a", will=will, **keep(V5)).abort()
    stage.net.device(login, client_id="d", **keep(V5), will=Will(
        login.own("data", "will"), b"w", props=((Prop.WILL_DELAY, DAY),))).abort()
    wait_until(lambda: stage.server.counters()["mqtt_clients"] == 1, "all but the watcher to go")
    stage.restart(Server.stop)
    assert stage.owed() == 1  # the device's was its last data before `online` false
    app = stage.net.app(client_id="a", clean=clean, props=((Prop.SESSION_EXPIRY, DAY),))
    assert app.connack.session_present != clean
    assert stage.owed() == 0
    assert stage.rest({"will", "command_send"}) == ([b"w", payload] if clean else [b"w"])
    stage.expect_stored(0)


SHUT_OUT = {
    "device disabled": ("device", "set", "{du}", "--enabled", "off"),
    "device removed": ("device", "remove", "{du}"),
    "project disabled": ("project", "set", "{pk}", "--enabled", "off"),
    "application API closed": ("project", "set", "{pk}", "--open-mqtt", "off"),
    "project removed": ("project", "remove", "{pk}"),
    "secret renewed": ("secret", "renew", "main"),
}


@pytest.mark.parametrize("runs", [True, False], ids=["after", "before the start"])
@table("command", SHUT_OUT)
def test_who_may_not_connect_has_no_will(stage, command, runs):
    """Removed or switched off between the stop and the end of the grace: the will is dropped."""
    other = Project.add(stage.server, "other")
    login = other.device()
    clients = [stage.net.device(login, will=Will(login.own("data", "will"), b"w")),
               stage.net.app(project=other, will=Will(login.open("command_send"), COMMAND % (
                   b"m", b"1")))]
    at_fault = {"device": 1, "secret": 1}.get(command[0], 2)
    if "--open-mqtt" in command:
        at_fault = 1
    command = [word.format(du=login.username, pk=other.key) for word in command]
    if command[0] != "project":
        command += ["--project", other.key]
    if runs:
        stage.restart(Server.kill9)
        assert stage.owed() == len(clients)
        stage.server.cli(*command)
    else:
        stage.server.kill9()
        stage.server.cli(*command)
        stage.restart(Server.stop)  # it has ended already
    assert stage.owed() == len(clients) - at_fault
    stage.expect_stored(len(clients) - at_fault)


@table("policy", {"when owed": "when_owed", "always": "always", "never": "never"})
def test_however_messages_are_journalled(stage, policy):
    """A will is stored whatever `--journal` says; with `never` its CONNACK does not wait for it."""
    stage.server.cli("project", "set", stage.project.key, "--journal", policy)
    login = stage.project.device()
    stage.net.device(login, will=Will(login.own("data", "will"), b"w", 1))
    stage.expect_stored(1)
    stage.restart(Server.kill9, 0)
    stage.expect_stored(0)
    assert stage.rest({"will"}) == [b"w"]


def test_properties(stage):
    """[MQTT-3.1.3-10], MQTT 5.0 section 3.1.3.2: properties, QoS and RETAIN outlive the stop."""
    login = stage.project.device()
    topic, payload = login.open("attributes_push"), b'{"a":1}'
    props = ((Prop.MESSAGE_EXPIRY, 1000), (Prop.CONTENT_TYPE, "x/y"),
             (Prop.USER_PROPERTY, ("b", "1")), (Prop.USER_PROPERTY, ("a", "2")))
    stage.net.app(will=Will(topic, payload, 2, retain=True, props=props))
    stage.restart(Server.kill9, 0)
    stage.expect_stored(0)
    app = stage.net.app()
    app.subscribe(topic, qos=2)
    message = app.receive(topic, payload)
    assert message.retain and message.qos == 2
    assert message.props.get(Prop.CONTENT_TYPE) == "x/y"
    assert message.props.all(Prop.USER_PROPERTY) == [("b", "1"), ("a", "2")]
    assert 0 < message.props.get(Prop.MESSAGE_EXPIRY) <= 1000
