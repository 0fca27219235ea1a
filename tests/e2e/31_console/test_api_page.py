"""Project settings › Application-layer API: what an application needs, and lines that work."""
import os
import queue
import shutil
import signal
import sys

import pytest

from lib.clients import JS, Lines
from lib.console import test
from lib.server import wait_until

LINES = {"mosquitto": "mosquitto_sub", "python": "paho", "javascript": "mqtt.connect"}


@pytest.fixture
def settings(page, project):
    page.goto(f"/#/p/{project.key}/settings/api")
    page.wait(test("secrets"))
    return page


def test_what_is_shown(settings, project, server):
    """open-api 2, 3: endpoints, projectKey and the CA are shown; no secret is on the page until
    somebody asks."""
    endpoints = server.demo["endpoints"]
    assert settings.texts(f'{test("mqtt-endpoint")} code') == [endpoints["app_mqtts"],
                                                              endpoints["app_wss"]]
    assert settings.texts(f'{test("https-endpoint")} code') == [endpoints["https"]]
    assert settings.text(f'{test("project-key")} code') == project.key
    text = settings.evaluate("document.body.outerHTML")
    assert project.secret not in text and project.token not in text
    settings.click(test("reveal-project"))
    settings.contains(test("secret-project"), project.secret)
    settings.click(test("reveal-token"))
    settings.contains(test("secret-token"), project.token)
    settings.click(test("reveal-project"))
    assert project.secret not in settings.evaluate("document.body.outerHTML")
    with open(server.ca) as ca:
        assert settings.download(test("ca")) == {"name": "ca.pem", "text": ca.read()}


@pytest.mark.parametrize("name", LINES)
def test_ready_lines_work(settings, net, server, name, tmp_path):
    """open-api 3.5, 7: what is copied from the page and pasted into a terminal subscribes, and
    shows what a device sends."""
    settings.click(test(f"snippet-{name}"))
    settings.contains(test("snippet"), LINES[name])
    settings.click(f'.block:has({test("snippet")}) {test("copy")}')
    settings.wait(".copy.done")
    text = settings.clipboard()
    assert net.project.secret in text
    shutil.copy(server.ca, tmp_path / "ca.pem")
    if name == "mosquitto":
        assert "curl -sk" in text
        command = ["bash", "-c", text]
    else:
        file = tmp_path / {"python": "app.py", "javascript": "app.js"}[name]
        file.write_text(text)
        command = [sys.executable if name == "python" else "node", file]
    program = Lines(*command, cwd=tmp_path, start_new_session=True, env={
        "PATH": os.environ["PATH"], "NODE_PATH": str(JS / "node_modules")})
    device, watcher = net.device(), net.app()
    watcher.subscribe(device.open("attributes"))

    def is_shown():
        # when it has subscribed is not told by all of them, so it is tried again
        device.publish(device.own("attributes"), b'{"temperature":21.5}')
        watcher.receive(device.open("attributes"))
        return any("21.5" in line for line in lines_within(program, 0.5))
    try:
        wait_until(is_shown, f"what {name} shows: {program.seen}")
    finally:
        os.killpg(program.process.pid, signal.SIGTERM)
        program.wait()


def lines_within(program, seconds):
    """The lines that are there, or come within so many seconds of each other."""
    try:
        while (line := program.lines.get(timeout=seconds)) is not None:
            program.seen.append(line)
            yield line
    except queue.Empty:
        return


def test_secrets(settings, net, project):
    """open-api 3, several secrets: one is added with its scopes, works, is shown with its last use,
    and is revoked; then its connection is closed."""
    settings.click(test("add-secret"))
    settings.fill(test("secret-name"), "billing")
    settings.click(test("scope-push"))
    settings.click(f'.el-dialog {test("add")}')
    secret = settings.text(f'{test("new-secret")} code')
    settings.click(test("done"))
    app = net.raw("app").connect(None, project.key, secret)
    settings.contains(test("secrets"), "billing")
    settings.click(test("revoke-billing"))
    settings.confirm()
    settings.gone(test("revoke-billing"))
    app.expect_closed(0x87, why="the secret was revoked")


def test_renew_the_secret(settings, net, project, admin):
    """open-api 3: renewing asks first, then the old secret is refused."""
    settings.click(test("renew-secret"))
    settings.confirm()
    settings.wait(f'{test("renew-secret")}:not(.is-loading)')  # the old one is no answer any more
    settings.click(test("reveal-project"))
    settings.gone(f'{test("secret-project")}:has-text("••")')
    renewed = settings.text(test("secret-project"))
    assert renewed != project.secret
    project.secret = renewed
    net.app()
    settings.wait_live()


def test_the_switch(settings, admin, project):
    """open-api 2, open_mqtt: switching off asks first, switching on does not."""
    settings.click(test("open-mqtt"))
    settings.confirm()
    settings.wait(f'{test("live-state")}[data-state="refused"]')
    path = "/api/v1/projects/{project_key}"
    assert admin.get(path, project_key=project.key)["open_mqtt"] is False
    settings.wait(f'{test("open-mqtt")}:not(.is-checked):not(.is-disabled)')
    settings.click(test("open-mqtt"))
    settings.wait_live()
    assert admin.get(path, project_key=project.key)["open_mqtt"] is True
