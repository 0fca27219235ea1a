"""`eztcloud operator`: who may use the console and the HTTPS API."""
import re

import pytest

from lib.http import Api

PASSWORD = "correct horse"


def refusal(server, *args):
    done = server.cli_run("operator", *args)
    assert done.returncode != 0 and done.stdout == ""
    return done.stderr


def test_adding_one(server):
    """open-api 7: a password is made and shown once; the operator logs in at once, and the first
    visit is over."""
    made = server.cli("operator", "add", "alice")
    assert re.fullmatch(r"[A-Za-z0-9]{16}", made["password"]) and made["role"] == "admin"
    api = Api(server).operator("alice", made["password"])
    assert api.get("/api/v1/session")["role"] == "admin"
    assert Api(server).get("/api/v1/setup")["needed"] is False
    viewer = server.cli("operator", "add", "bob", "--role", "viewer", "--password", PASSWORD)
    assert "password" not in viewer
    assert Api(server).operator("bob", PASSWORD).get("/api/v1/session")["role"] == "viewer"
    listed = server.cli("operator", "list")["operators"]
    assert [(o["username"], o["role"]) for o in listed] == [("alice", "admin"), ("bob", "viewer")]
    assert "correct" not in str(listed) and listed[0]["last_login_ms"]
    shown = server.cli_run("operator", "list")
    assert shown.returncode == 0 and "alice" in shown.stdout


def test_a_new_password_ends_log_ins(server):
    """open-api 7: the way back in for who has lost the password."""
    server.cli("operator", "add", "carol", "--password", PASSWORD)
    api = Api(server).operator("carol", PASSWORD)
    made = server.cli("operator", "reset", "carol")
    api.get("/api/v1/session", expect=401)
    Api(server).operator("carol", made["password"])
    server.cli("operator", "set", "carol", "--role", "viewer")
    server.cli("operator", "remove", "carol")
    Api(server).post("/api/v1/login", {"username": "carol", "password": made["password"]},
                     expect=401)


@pytest.mark.parametrize("args, word", [
    (("add", "a b"), "A-Z"), (("add", "dave", "--role", "root"), "admin or viewer"),
    (("add", "dave", "--password", "short"), "8 to 128"), (("set", "nobody", "--role", "admin"),
                                                           "no such operator"),
    (("reset", "nobody"), "no such operator"), (("remove", "nobody"), "no such operator")])
def test_what_cannot_be(server, args, word):
    """Each fault is one line that says what to do."""
    assert word in refusal(server, *args)


def test_an_administrator_is_left(server):
    """open-api 7: nobody shuts everybody out."""
    for operator in server.cli("operator", "list")["operators"]:
        if operator["username"] != "alice":
            server.cli("operator", "remove", operator["username"])
    assert "no administrator" in refusal(server, "remove", "alice")
    assert "no administrator" in refusal(server, "set", "alice", "--role", "viewer")
    assert "there is such an operator" in refusal(server, "add", "alice")
