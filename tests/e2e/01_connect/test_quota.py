"""How many applications of a project may be connected."""
from lib.cases import versions
from lib.client import refusal
from lib.world import Project

SERVER_OPTIONS = ["--app-connections-max", 2]


@versions
def test_at_most(net, server, version):
    """open-api 3 and 8: the one too many gets 3 / 0x97; the place that one leaves another takes.
    Projects do not count for each other."""
    project, other = Project.add(server), Project.add(server)
    first, _ = (net.app(version, project=project, client_id=name) for name in ("a", "b"))
    net.app(version, project=project, client_id="c", code=refusal(version, 0x97, 3))
    net.app(version, project=other).ping()
    first.disconnect()
    net.app(version, project=project, client_id="c").ping()
