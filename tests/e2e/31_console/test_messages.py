"""Messages: what the journal has of a project, filtered, and followed."""
import pytest

from lib.console import test
from lib.server import wait_until


@pytest.fixture
def messages(page, project, admin):
    """The page, of a project that is told on it to store all."""
    page.goto(f"/#/p/{project.key}/settings/general")
    page.choose(test("project-journal"), "All")
    wait_until(lambda: admin.get("/api/v1/projects/{project_key}", project_key=project.key)
               ["journal"] == "always", "that it is told")
    page.goto(f"/#/p/{project.key}/messages")
    page.wait_live()
    return page


def test_messages_are_followed_and_chosen(messages, net):
    """open-api 3.4, 7: what devices send is on the page when it is stored; by device and by kind."""
    page, device, other = messages, net.device(), net.device()
    stored = test("stored-messages")
    device.publish(device.own("attributes"), b'{"t":1}')
    page.contains(stored, '{"t":1}')
    other.publish(other.own("data", "bus"), b"\x00\xff")
    page.contains(stored, "00 ff")
    page.fill(test("message-device"), device.login.username)
    page.press(test("message-device"), "Enter")
    page.gone(f'{stored} :text("00 ff")')
    page.contains(stored, '{"t":1}')
    page.choose(test("message-kind"), "Event")
    page.wait(test("empty"))
    device.publish(device.own("event_report"), b'{"method":"opened","params":{}}')
    page.contains(stored, '"opened"')


def test_times(messages, net):
    """open-api 7: of a time alone."""
    page, device = messages, net.device()
    device.publish(device.own("attributes"), b'{"when":"now"}')
    page.contains(test("stored-messages"), '{"when":"now"}')
    page.fill(test("message-from"), "2100-01-01T00:00")
    page.wait(test("empty"))
    page.fill(test("message-from"), "2020-01-01T00:00")
    page.contains(test("stored-messages"), '{"when":"now"}')


def test_pages(messages, net):
    """open-api 7, pagination: older ones are on the next page, which does not move."""
    page, device = messages, net.device()
    for n in range(60):
        device.publish(device.own("attributes"), b'{"n":%d}' % n)
    page.contains(test("stored-messages"), '{"n":59}')
    page.click(test("next"))
    page.contains(test("stored-messages"), '{"n":0}')
    page.wait(f'{test("follow")}.is-disabled')
    page.click(test("previous"))
    page.contains(test("stored-messages"), '{"n":59}')
