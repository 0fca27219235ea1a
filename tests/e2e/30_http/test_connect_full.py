"""How many devices quick connections make in a project. (open-api 8, device-protocol)"""
from lib.world import Project

SERVER_OPTIONS = ["--http-connect-devices-max", 2]


def test_at_most(server, admin, nobody):
    """open-api 8, device-protocol "Quick connection": beyond the limit nothing is made, no type either;
    devices that are there go on, an operator may add more, and other projects do not count."""
    project, other = Project.add(server), Project.add(server)

    def ask(sn, product="meter", key=project.key):
        return nobody.request("GET", f"/api/connect/1/?project={key}&product={product}&sn={sn}")

    def counts():
        lists = (admin.get("/api/v1/projects/{project_key}/" + kind, project_key=project.key)["items"]
                 for kind in ("devices", "types"))
        return [len(items) for items in lists]

    first = ask("1")
    assert (first.status, ask("2").status) == (200, 200)
    for refused in (ask("3"), ask("3", "valve")):
        assert refused.status == 403 and refused["result"] != 0
    assert counts() == [2, 1]
    assert ask("1")["mqtt"] == first["mqtt"]
    assert ask("3", key=other.key).status == 200
    admin.post("/api/v1/projects/{project_key}/devices", {}, project_key=project.key)
    assert counts() == [3, 1]
    assert "quick_connection_full" in server.log()
