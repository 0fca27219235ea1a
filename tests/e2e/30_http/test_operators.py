"""Operators: the first visit, log-ins, roles. (open-api 7)"""
import re

import pytest

from lib.http import COOKIE, PASSWORD, USERNAME, Api, setup_token


@pytest.fixture(scope="module")
def first(server):
    """The first operator, made by the link that the server prints."""
    api = Api(server)
    assert api.get("/api/v1/setup")["needed"] is True
    wrong = {"token": "x" * 32, "username": USERNAME, "password": PASSWORD}
    api.post("/api/v1/setup", wrong, expect=403)
    weak = {"token": setup_token(server), "username": USERNAME, "password": "short"}
    assert api.post("/api/v1/setup", weak, expect=422)["field"] == "password"
    api.set_up()
    yield api
    api.close()


@pytest.fixture
def second(server, first):
    """An operator of a test's own, logged in: (name, its Api)."""
    names = {o["username"] for o in first.get("/api/v1/operators")["items"]}
    name = next(n for n in (f"op{i}" for i in range(100)) if n not in names)
    first.post("/api/v1/operators", {"username": name, "password": PASSWORD, "role": "admin"})
    api = Api(server).operator(name, PASSWORD)
    yield name, api
    api.close()


def test_the_link_works_once(server, first, nobody):
    """open-api 7: with the first operator there is nothing to set up any more."""
    assert nobody.get("/api/v1/setup")["needed"] is False
    again = {"token": setup_token(server), "username": "mallory", "password": PASSWORD}
    nobody.post("/api/v1/setup", again, expect=403)
    assert first.get("/api/v1/session")["username"] == USERNAME


def test_the_cookie(server, first):
    """open-api 7: the cookie is the browser's alone, and says nothing."""
    answer = Api(server).post("/api/v1/login", {"username": USERNAME, "password": PASSWORD})
    cookie = answer.headers["Set-Cookie"]
    assert re.match(COOKIE + r"=\w{43}; Path=/; Secure; HttpOnly; SameSite=Strict; Max-Age=\d+$",
                    cookie)
    assert answer["role"] == "admin" and answer["csrf_token"] not in cookie


def test_what_is_wrong_is_not_told_apart(nobody, first):
    """open-api 3, 7: an unknown name and a wrong password get the same answer."""
    answers = [nobody.post("/api/v1/login", {"username": name, "password": password}, expect=401)
               for name, password in ((USERNAME, "wrong password"), ("nobody", PASSWORD),
                                      ("", ""), ("a" * 200, "b"), ("' OR 1=1 --", "x"))]
    assert len({a.body for a in answers}) == 1


def test_nobody_gets_in(nobody, first):
    """open-api 7: without a log-in everything is 401; a made-up cookie is no log-in."""
    for headers in ({}, {"Cookie": f"{COOKIE}={'a' * 43}"}, {"Cookie": f"{COOKIE}="},
                    {"Authorization": "Bearer x"}, {"Authorization": "Basic YTpi"}):
        nobody.get("/api/v1/session", expect=401, headers=headers)
        nobody.get("/api/v1/projects", expect=401, headers=headers)


def test_a_cookie_alone_changes_nothing(server, second):
    """open-api 7: what changes something needs the CSRF token of this very log-in."""
    _, api = second
    token = api.headers.pop("X-CSRF-Token")
    refused = api.post("/api/v1/projects", {"name": "x"}, expect=403)
    assert refused["type"] == "urn:eztcloud:problem:csrf"
    other = Api(server).operator(USERNAME, PASSWORD).headers["X-CSRF-Token"]
    for wrong in (other, "", token[:-1]):
        api.post("/api/v1/projects", {"name": "x"}, expect=403, headers={"X-CSRF-Token": wrong})
    api.get("/api/v1/projects")
    api.headers["X-CSRF-Token"] = token
    api.post("/api/v1/projects", {"name": "x"})


def test_a_viewer_changes_nothing(viewer, project):
    """open-api 7: the role viewer reads, without secrets."""
    viewer.get("/api/v1/projects/{project_key}", project_key=project.key)
    viewer.get("/api/v1/projects/{project_key}/credentials", project_key=project.key, expect=403)
    viewer.post("/api/v1/projects", {"name": "x"}, expect=403)
    viewer.patch("/api/v1/projects/{project_key}", {"name": "x"}, project_key=project.key,
                 expect=403)
    viewer.get("/api/v1/operators", expect=403)
    viewer.get("/api/v1/session")


def test_logging_out(server, second):
    """open-api 7: the cookie is worth nothing afterwards."""
    _, api = second
    answer = api.post("/api/v1/logout")
    assert f"{COOKIE}=; " in answer.headers["Set-Cookie"]
    api.get("/api/v1/session", expect=401)


def test_the_own_password(server, second):
    """open-api 7: it needs the old one, and other log-ins of the operator end."""
    name, api = second
    other = Api(server).operator(name, PASSWORD)
    api.post("/api/v1/session/password",
             {"old_password": "not this one", "new_password": "another one"}, expect=401)
    api.post("/api/v1/session/password", {"old_password": PASSWORD, "new_password": "another one"})
    api.get("/api/v1/session")
    other.get("/api/v1/session", expect=401)
    Api(server).post("/api/v1/login", {"username": name, "password": PASSWORD}, expect=401)
    Api(server).operator(name, "another one")


def test_operators_of_others(server, first, second):
    """open-api 7: administrators add, change and remove operators; it counts at once."""
    name, api = second
    path = "/api/v1/operators/{username}"
    first.post("/api/v1/operators", {"username": name, "password": PASSWORD, "role": "viewer"},
               expect=409)
    assert first.patch(path, {"role": "viewer"}, username=name)["role"] == "viewer"
    assert api.get("/api/v1/session")["role"] == "viewer"
    api.post("/api/v1/projects", {"name": "x"}, expect=403)
    first.patch(path, {"password": "set by another"}, username=name)
    api.get("/api/v1/session", expect=401)
    api.operator(name, "set by another")
    assert first.get(path, username=name)["last_login_ms"]
    first.delete(path, username=name)
    api.get("/api/v1/session", expect=401)
    first.get(path, username=name, expect=404)
    first.delete(path, username=name, expect=404)


@pytest.mark.parametrize("form, field", [
    ({"username": "a b", "password": PASSWORD, "role": "admin"}, "username"),
    ({"username": "a" * 65, "password": PASSWORD, "role": "admin"}, "username"),
    ({"username": "ok", "password": "1234567", "role": "admin"}, "password"),
    ({"username": "ok", "password": "a" * 129, "role": "admin"}, "password"),
    ({"username": "ok", "password": PASSWORD, "role": "root"}, "role"),
    ({"username": "ok", "password": PASSWORD}, "role")])
def test_operators_that_cannot_be(first, form, field):
    """open-api 7: names, passwords and roles have their forms."""
    assert first.post("/api/v1/operators", form, expect=422)["field"] == field


def test_an_administrator_is_left(first):
    """open-api 7: nobody shuts everybody out."""
    path = "/api/v1/operators/{username}"
    for operator in first.get("/api/v1/operators")["items"]:
        if operator["username"] != USERNAME:
            first.delete(path, username=operator["username"])
    first.patch(path, {"role": "viewer"}, username=USERNAME, expect=409)
    first.delete(path, username=USERNAME, expect=409)
    assert first.get("/api/v1/session")["role"] == "admin"
