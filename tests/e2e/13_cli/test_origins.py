"""Which web pages may connect to a project's application API."""
import pytest

from lib.cases import V5, versions
from lib.client import refusal
from lib.packets import Prop
from lib.world import Net, Project

SHOP = "https://shop.example"
WHY = "the origin of this page is not one of the project's"


@pytest.fixture
def own(server):
    return Project.add(server, "pages")


def allow(own, *origins):
    return own.server.cli("project", "set", own.key, "--origins", " ".join(origins))["origins"]


def page(net, own, version, origin, code=0, secret=None):
    """An application in a page of this origin; None: in no page."""
    headers = {} if origin is None else {"Origin": origin}
    return net.client(net.wss().open(**headers), version).connect(
        None, own.key, secret or own.secret, code=code)


@versions
def test_regress_origin_is_checked(net, own, version):
    """open-api 3.5: `Origin` is checked against the project's list when there is one: a page of
    another origin is not authorized, and told why; what is no page has no origin."""
    other = Project.add(own.server, "without a list")
    assert page(net, own, version, "https://evil.example").ping() is None
    assert allow(own, SHOP, "http://localhost:8080") == f"{SHOP} http://localhost:8080"
    for origin in (SHOP, "http://localhost:8080", None):
        page(net, own, version, origin).ping()
    refused = refusal(version, 0x87, 5)
    for origin in ("https://evil.example", "http://shop.example", f"{SHOP}:8443",
                   f"{SHOP}.evil.example", "http://localhost", "null", "x" * 1000):
        connack = page(net, own, version, origin, refused).connack
        assert connack.props == (((Prop.REASON_STRING, WHY),) if version == V5 else ())
    page(net, other, version, "https://evil.example").ping()
    net.app(version, project=own, transport="tls").ping()


def test_wrong_secret_is_told_first(net, own):
    """open-api 3: who does not know the secret learns nothing of the list."""
    allow(own, SHOP)
    assert page(net, own, V5, "https://evil.example", 0x86, "wrong").connack.props == ()


def test_counts_from_the_next_connect_on(net, own):
    """open-api 3.5: a page that is connected stays; an empty list lets any page in again."""
    app = page(net, own, V5, "https://evil.example")
    allow(own, SHOP)
    app.ping()
    page(net, own, V5, "https://evil.example", 0x87)
    assert allow(own) == ""
    page(net, own, V5, "https://evil.example").ping()


def test_over_a_restart(own):
    """open-api 3.5: the list is the registry's."""
    allow(own, SHOP)
    own.server.stop()
    own.server.start()
    net = Net(own.server, own)
    page(net, own, V5, SHOP).ping()
    page(net, own, V5, "https://evil.example", 0x87)
    net.close()


def test_what_is_no_origin(own):
    """An entry that can never match is told, and nothing is changed."""
    allow(own, SHOP)
    for word in ("shop.example", "https://shop.example/page", "https://*.example", "https://x:0"):
        done = own.server.cli_run("project", "set", own.key, "--origins", f"{SHOP} {word}")
        assert done.returncode != 0 and f"--origins: {word}: no origin" in done.stderr
    assert own.server.cli("project", "show", own.key)["origins"] == SHOP
    assert allow(own, "HTTPS://Shop.Example:443/,", "null") == f"{SHOP} null"
