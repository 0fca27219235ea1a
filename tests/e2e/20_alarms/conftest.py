"""Alarm rules for the tests of this directory."""
import pytest

from lib.alarms import Rules


@pytest.fixture
def rules(server, project, tmp_path):
    return Rules(server, project, tmp_path)


@pytest.fixture
def watched(net):
    """A device and an application that gets its alarms."""
    device, app = net.device(), net.app()
    app.subscribe(device.open("alarm"), f"$open/{net.project.key}/{device.login.username}/alarm_detail")
    return device, app
