"""Projects, devices and applications of a test, as clients that are connected in one line.

`Project` and `Login` are what the registry knows; `Net` opens connections and closes them when the
test ends. Fixtures in `conftest.py` hand them out.
"""
from dataclasses import dataclass, field
from itertools import count

from lib.client import Client
from lib.packets import V5
from lib.streams import TcpStream, TlsStream
from lib.ws import WsStream

BATCH = 64  # devices made by one command: starting it costs more than they do

# A route: the transports by which the two sides of a test come to the server.
ROUTES = {
    "tcp": {"device": "tcp", "app": "tls"},
    "tls": {"device": "mqtts", "app": "tls"},
    "wss": {"device": "ws", "app": "wss"},
}


@dataclass(frozen=True)
class Login:
    """A device's credentials."""
    username: str
    password: str
    project_key: str

    def own(self, name, rest=""):
        """A topic of device access: `attributes/<du>`, `data/<du>/<stream>`."""
        return f"{name}/{self.username}" + (f"/{rest}" if rest else "")

    def open(self, kind):
        """A topic of the application API: `open/<pk>/<du>/<kind>`."""
        return f"open/{self.project_key}/{self.username}/{kind}"


@dataclass
class Project:
    server: object
    key: str
    secret: str
    token: str
    _spare: list = field(default_factory=list)

    @classmethod
    def add(cls, server, name="e2e"):
        made = server.cli("project", "add", "--name", name)
        return cls(server, made["project_key"], made["project_secret"], made["project_token"])

    def device(self):
        """A device that no test has used."""
        if not self._spare:
            made = self.server.cli("device", "add", "--project", self.key, "--count", BATCH)
            self._spare = [Login(d["username"], d["password"], self.key) for d in made["devices"]]
        return self._spare.pop(0)

    def errors(self):
        return f"$open/{self.key}/errors"

    def open(self, device, kind):
        return f"open/{self.key}/{device}/{kind}"


class Net:
    """The connections of one test."""

    def __init__(self, server, project, route="tcp"):
        self.server, self.project, self.route = server, project, ROUTES[route]
        self._streams, self._marks, self._marker = [], count(1), None

    def close(self):
        for stream in self._streams:
            stream.close()

    # ---- streams: name of the transport -> how to get there

    def tcp(self, service="device_mqtt", source=None):
        return self._keep(TcpStream(self.server.port(service), source))

    def tls(self, service="app_mqtts", **more):
        return self._keep(TlsStream(self.server.port(service), self.server.ca, **more))

    def wss(self, service="app_wss"):
        """A secure WebSocket before its upgrade."""
        return WsStream(self.tls(service))

    def stream(self, transport):
        """By the name of a transport, or of the side (`device`, `app`) that takes its route."""
        return {
            "tcp": self.tcp,
            "mqtts": lambda: self.tls("device_mqtts"),
            "tls": self.tls,
            "wss": lambda: self.wss().open(),
            "ws": lambda: WsStream(self.tcp("device_ws")).open(),
        }[self.route.get(transport, transport)]()

    def _keep(self, stream):
        self._streams.append(stream)
        return stream

    # ---- proof that nothing came

    def mark(self, topic):
        """Publishes, from a connection of its own, a marker to an `attributes_push` or
        `command_send` topic; gives its payload."""
        self._marker = self._marker or self.app()
        payload = b'{"method":"marker","id":%d}' % (1000000 + next(self._marks))
        assert self._marker.publish(topic, payload).code in (0x00, 0x10)
        return payload

    def expect_none_before_mark(self, topic, *watchers, on=None):
        """Nothing came to these clients before a marker that is published now. What concerns one
        device reaches one client in order, so what has not come by then does not come."""
        payload = self.mark(topic)
        for watcher in watchers:
            watcher.receive(on or topic, payload)

    # ---- clients

    def raw(self, transport, version=V5):
        """A client that has not sent its CONNECT, on a transport or a side's route."""
        return self.client(self.stream(transport), version)

    @staticmethod
    def client(stream, version=V5):
        return Client(stream, version)

    def app(self, version=V5, transport="app", project=None, client_id=None, **fields):
        """A connected application."""
        project = project or self.project
        return self.raw(transport, version).connect(
            client_id, project.key, project.secret, **fields)

    def device(self, login=None, version=V5, transport="device", client_id=None, subscribe=(),
               **fields):
        """A connected device, a new one unless told; subscribed to its own topics by name."""
        login = login or self.project.device()
        client = self.raw(transport, version).connect(
            client_id, login.username, login.password, **fields)
        client.login, client.own, client.open = login, login.own, login.open
        if subscribe:
            suback = client.subscribe(*(login.own(name) for name in subscribe))
            assert max(suback.codes) < 0x80, suback
        return client
