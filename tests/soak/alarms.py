"""Alarms in a soak: devices whose reports begin and end one, and applications that are told of it.
The n-th report of a device makes the n-th change of its alarm, so that messages have numbers.
"""
import http.client
import json
import ssl

from actors import App, Device, Fault, Gone
from lib.alarms import Rules
from lib.http import Api

BURST = (1, 40)
ALARMS = "/api/v1/projects/{project_key}/devices/{device}/alarms"
BEHIND_MAX = 300  # changes


def alerts_after(number):
    """Whether the alarm stands after so many changes."""
    return number % 2 == 1


def add_rule(world, devices):
    """One rule for all of them, whose values tell the number of the report."""
    trigger = {"all": [{"attribute": "hot", "operator": "==", "value": True},
                       {"attribute": "n", "operator": ">", "value": 0}]}
    Rules(world.server, world.alarm_project, world.server.root).add(
        trigger, *(device.login for device in devices))


class AlarmDevice(Device):
    """Reports in bursts. Between two, and when it has come back, all that it reported is
    acknowledged, and the HTTPS API must say of its alarm what follows from that."""

    def __init__(self, world, name, login, version, qos, seed):
        super().__init__(world, name, login, version, qos, seed)
        self.project = world.alarm_project
        self.topic = login.own("attributes")
        self.asked, self._left = 0, 0

    def payload(self, number):
        return b'{"n":%d,"hot":%s}' % (number, b"true" if alerts_after(number) else b"false")

    def may_send(self):
        behind = self.made - min(len(app.seen.get(self.login.username, ()))
                                 for app in self.world.alarm_apps)
        if self._left == 0 or behind >= BEHIND_MAX:
            return False
        self._left -= 1
        return True

    def _send(self, wire):
        if self._left == 0 and not self.pending:
            self._ask()
            self._left = self.random.randint(*BURST)
        super()._send(wire)

    def _ask(self):
        try:
            api = Api(self.world.server).application(self.project)
            told = api.get(ALARMS, project_key=self.project.key,
                           device=self.login.username)["items"]
        except (OSError, ssl.SSLError, http.client.HTTPException, AssertionError) as reason:
            is_passing = "without an answer" in str(reason) or "busy" in str(reason)
            if isinstance(reason, AssertionError) and not is_passing:
                raise
            raise Gone from reason  # killed meanwhile
        self.asked += 1
        alerts = any(alarm["state"] == "alerting" for alarm in told)
        if alerts != alerts_after(self.made):
            raise Fault(f"after {self.made} reports the HTTPS API says {told}")

    def _resume(self, wire, present):
        self._left = 0
        super()._resume(wire, present)


class AlarmApp(App):
    """Is told of each change of each alarm, with the values that have made it."""

    def __init__(self, world, *how):
        super().__init__(world, *how)
        self.project = world.alarm_project

    def filter(self):
        return f"$open/{self.project.key}/+/alarm_detail"

    def read(self, message):
        detail = json.loads(message.payload)
        number = detail["values"]["n"]
        if detail["alerting"] != alerts_after(number):
            raise Fault(f"report {number} made {detail}")
        return message.topic.split("/")[2], number


class PlainAlarmApp(AlarmApp):
    """Is told that alarms stand or do not, and counts."""

    def filter(self):
        return f"open/{self.project.key}/+/alarm"

    def read(self, message):
        device = message.topic.split("/")[2]
        number = len(self.got.get(device, ())) + 1
        if json.loads(message.payload)["alerting"] != alerts_after(number):
            raise Fault(f"change {number} of {device} is {message.payload}")
        return device, number
