"""Gateways with sub-devices. These are made by their first `sub_connect`, which is fast, and are
known by what they are connected at."""
import itertools
import json

import pytest

DIALECTS = ("sub", "gateway")
DOWN = ("attributes_response", "attributes_get_response", "attributes_push", "event_response",
        "command_send")


def pytest_generate_tests(metafunc):
    """A test with a `dialect` runs in both."""
    if "dialect" in metafunc.fixturenames:
        metafunc.parametrize("dialect", DIALECTS)


def path_of(address):
    """An address as a path: a text is a path of one."""
    return [address] if isinstance(address, str) else list(address)


class Gateway:
    """A connected gateway, and an application that sees all of its project."""

    def __init__(self, net, product, version, definition=None):
        self.net, self.product = net, product
        self.client = net.device(version=version)
        self.login, self.own = self.client.login, self.client.own
        self.client.subscribe(*(self.own(f"{dialect}_{word}") for dialect in DIALECTS
                                for word in DOWN))
        self.app = net.app()
        self.app.subscribe(net.project.open("+", "online"))
        self.usernames = {}

    def say(self, topic, value, qos=1):
        """Publishes what is no bytes as JSON; gives the acknowledgement."""
        payload = value if isinstance(value, bytes) else json.dumps(value).encode()
        return self.client.publish(self.own(topic), payload, qos)

    def connect(self, address, dialect="sub", product=True):
        """Connects a sub-device, which is made if it is new; gives its deviceUsername."""
        said = {"device": address}
        if product:
            said["product"] = self.product
        answer = self.say(f"{dialect}_connect", said)
        assert answer.code == 0, answer
        device = self.came()
        self.usernames[tuple(path_of(address))] = device
        return device

    def came(self):
        """The deviceUsername of a sub-device that is online for the first time."""
        while True:
            message = self.app.receive()
            device = message.topic.split("/")[2]
            known = {self.login.username, *self.usernames.values()}
            if b"true" in message.payload and device not in known:
                return device

    def presence(self, address, online):
        """The next that is told of the presence of sub-devices of this test is this; those of
        other tests go when they end."""
        while (message := self.app.receive()).topic.split("/")[2] not in self.usernames.values():
            pass
        device = self.usernames[tuple(path_of(address))]
        assert message.topic == self.open(device, "online"), message
        assert json.loads(message.payload) == {"online": online}, message
        return message

    def expect_no_presence(self):
        """Nothing more is told of it."""
        self.app.ping()
        while self.app.has_messages():
            message = self.app.receive()
            assert message.topic.split("/")[2] not in self.usernames.values(), message

    def watch(self, *kinds):
        """An application that sees what the sub-devices of this test report."""
        app = self.net.app()
        app.subscribe(*(self.net.project.open(device, kind)
                        for device in self.usernames.values() for kind in kinds))
        return app

    def open(self, device, kind):
        return self.net.project.open(device, kind)


@pytest.fixture(scope="module")
def products():
    """The module's device types, by definition and project."""
    return {}


@pytest.fixture
def make_product(server, project, products, tmp_path):
    """Gives the product key of a type with this definition, made when first asked for."""
    def make(definition=None, code=None):
        key = (project.key, json.dumps(definition), code)
        if key not in products:
            path = tmp_path / "type.json"
            path.write_text(json.dumps({"name": "type", "definition": definition or {}}))
            more = ["--code", code] if code else []
            products[key] = server.cli("type", "add", "--project", project.key, "--file", path,
                                       *more)["product_key"]
        return products[key]
    return make


@pytest.fixture
def version():
    return 5


@pytest.fixture
def gateway(net, make_product, version):
    return Gateway(net, make_product(), version)


@pytest.fixture
def names():
    """Addresses that no test has used."""
    return (f"a{n}" for n in itertools.count())
