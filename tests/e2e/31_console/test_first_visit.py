"""The first visit, signing in and out, and what the two roles may."""
import pytest

from lib.console import test
from lib.http import Api, setup_token

SERVER_OPTIONS = ("--login-failures", 10)


@pytest.fixture
def door(browser):
    """A page in front of the door."""
    fresh = browser.page()
    yield fresh
    fresh.assert_clean()


def set_up(door, token, password="correct horse"):
    door.goto(f"/#/setup?token={token}")
    door.fill(test("password"), password)
    door.fill(test("again"), password)
    door.click(test("submit"))


def test_without_an_operator_the_login_tells_of_the_link(door):
    """open-api 7: a first visit says how the first operator is made."""
    door.goto("/")
    door.wait(test("setup-needed"))


def test_a_wrong_link_is_told(door):
    """open-api 7: the one-time link alone makes the first operator."""
    set_up(door, "wrong")
    door.wait(test("problem"))
    door.goto("/#/setup")
    door.wait(test("bad-link"))


def test_passwords_that_differ_are_not_sent(door, server):
    """open-api 7: the form says what is wrong before anything is sent."""
    door.goto(f"/#/setup?token={setup_token(server)}")
    door.fill(test("password"), "correct horse")
    door.fill(test("again"), "correct house")
    door.click(test("submit"))
    door.wait(".el-form-item__error")
    assert Api(server).get("/api/v1/setup")["needed"] is True


def test_the_link_makes_the_first_operator_once(door, server):
    """open-api 7: the link sets the first password and signs in; it works once, and its token does
    not stay in the address."""
    token = setup_token(server)
    set_up(door, token)
    door.wait(test("new-project"))
    assert token not in door.evaluate("location.href")
    door.goto(f"/#/setup?token={token}")
    door.gone(test("password"))
    door.contains("main", "already")


def test_sign_in_out_and_back(door):
    """open-api 7: a wrong password is said, the right one leads to where one wanted to go, and
    after signing out nothing is open."""
    door.goto("/#/server")
    door.fill(test("username"), "admin")
    door.fill(test("password"), "wrong password")
    door.click(test("submit"))
    door.wait(test("problem"))
    door.fill(test("password"), "correct horse")
    door.click(test("submit"))
    door.contains("h1", "Server")
    door.click(test("user-menu"))
    door.click(test("sign-out"))
    door.wait(test("username"))
    door.goto("/#/projects")
    door.wait(test("username"))


def test_a_session_that_ends_leads_to_the_login_and_back(door, server):
    """open-api 7: when the server no longer knows the session, the page asks to sign in again and
    goes on where it was."""
    door.sign_in("admin", "correct horse")
    door.goto("/#/operators")
    door.wait(test("operators"))
    other = Api(server).operator("admin", "correct horse")
    other.post("/api/v1/session/password",
               {"old_password": "correct horse", "new_password": "battery staple"})
    other.close()
    door.click(test("add-operator"))
    door.fill(test("operator-name"), "li.na")
    door.fill(test("operator-password"), "only to look")
    door.click(test("add"))
    door.fill(test("password"), "battery staple")
    door.fill(test("username"), "admin")
    door.click(test("submit"))
    door.wait(test("operators"))


def test_signing_in_elsewhere_disturbs_nothing(door):
    """open-api 7: another window of the same browser has signed in, so the token of this one is an
    old one; what is done here succeeds all the same."""
    door.sign_in("admin", "battery staple")
    door.evaluate("""fetch("/api/v1/login", {method: "POST",
        headers: {"Content-Type": "application/json"},
        body: JSON.stringify({username: "admin", password: "battery staple"})})
        .then((answer) => answer.status)""")
    door.click(test("new-project"))
    door.fill(test("project-name-input"), "Of the other window")
    door.click(test("create"))
    door.wait(test("mqtt-endpoint"))


def test_a_lock_out_is_told(door):
    """open-api 8, failed logins: who has guessed too often is told to wait."""
    door.goto("/#/login")
    # failures count by address, so the browser itself has to be the one who guesses
    assert door.evaluate("""(async () => {
        let status;
        for (let guess = 0; guess < 10; guess++)
            ({ status } = await fetch("/api/v1/login", {method: "POST",
                headers: {"Content-Type": "application/json"},
                body: JSON.stringify({username: "guess", password: "wrong"})}));
        return status;
    })()""") == 401
    door.fill(test("username"), "guess")
    door.fill(test("password"), "wrong")
    door.click(test("submit"))
    door.contains(test("problem"), "Too many failed attempts")


def test_a_viewer_sees_and_does_not_change(door, server, project):
    """open-api 7, roles: a viewer finds no button that changes something, and no secret."""
    admin = Api(server).operator("admin", "battery staple")
    admin.post("/api/v1/operators",
               {"username": "viewer", "password": "only to look", "role": "viewer"})
    admin.close()
    project.device()
    door.sign_in("viewer", "only to look")
    door.wait(test("project"))
    assert door.count(test("new-project")) == 0
    door.goto(f"/#/p/{project.key}/devices")
    door.wait(test("devices"))
    assert door.count(test("add-device")) == 0
    door.goto(f"/#/p/{project.key}/settings/api")
    door.wait(test("mqtt-endpoint"))
    assert door.count(test("reveal-project")) == 0
    assert door.count(test("renew-secret")) == 0
    door.wait_live()
    door.goto("/#/operators")
    door.wait(test("project"))
