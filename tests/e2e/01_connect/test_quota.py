"""How many applications of a project may be connected, and how many sessions are kept for it."""
from lib.cases import V5, versions
from lib.client import refusal
from lib.packets import Prop
from lib.world import Project

SERVER_OPTIONS = ["--app-connections-max", 2, "--app-sessions-max", 3]


def expect_refused(net, version, project, why, **fields):
    refused = net.app(version, project=project, code=refusal(version, 0x97, 3), **fields)
    assert refused.connack.props == (((Prop.REASON_STRING, why),) if version == V5 else ())


@versions
def test_at_most(net, server, version):
    """open-api 3 and 8: the one too many gets 3 / 0x97; the place that one leaves another takes.
    Projects do not count for each other."""
    project, other = Project.add(server), Project.add(server)
    first, _ = (net.app(version, project=project, client_id=name) for name in ("a", "b"))
    expect_refused(net, version, project, "too many application connections of this project",
                   client_id="c")
    net.app(version, project=other).ping()
    net.app(version, project=project, client_id="b").ping()  # a take-over
    first.disconnect()
    net.app(version, project=project, client_id="c").ping()


@versions
def test_at_most_persistent_sessions(net, server, version):
    """open-api 8: so are those that outlive their connections: the one too many gets 3 / 0x97. One
    that goes on, or begins anew in its own place, and clean ones are none more."""
    project, other = Project.add(server), Project.add(server)
    kept = {"clean": False, "props": ((Prop.SESSION_EXPIRY, 60),) if version == V5 else ()}

    def connect(name, where=project, **fields):
        net.app(version, project=where, client_id=name, **{**kept, **fields}).disconnect()

    for name in ("a", "b", "c"):
        connect(name)
    expect_refused(net, version, project, "too many persistent sessions of this project",
                   client_id="d", **kept)
    connect("d", clean=True, props=())
    connect("d", other)
    connect("a")
    if version == V5:
        connect("b", clean=True)
        expect_refused(net, version, project, "too many persistent sessions of this project",
                       client_id="d", **kept)
    connect("c", clean=True, props=())  # ends it
    connect("d")
