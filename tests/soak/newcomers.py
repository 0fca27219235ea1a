"""Clients of a soak that begin anew: each has a persistent session, replaces it by a clean start,
and looks whether it comes back.
"""
from actors import EXPIRY_S, Actor, Fault, Gone
from lib import packets
from lib.packets import V5, Prop

PAUSE_S = (0, 0.3)
KILLS_OF_ONE_IN = 8  # clean starts: the server is killed right behind its CONNACK


class Newcomer(Actor):
    """`is_kept`: whether its session must be there; None: nobody knows, since what was asked last
    was not answered. `expects`: the same before the last CONNECT."""

    def __init__(self, world, name, version, transport, seed):
        super().__init__(world, name, version, transport, seed)
        self.is_kept = self.expects = False
        self.cleaned, self._is_clean = 0, False

    def credentials(self):
        return self.project.key, self.project.secret

    def service(self):
        return "app_wss" if self.transport == "wss" else "app_mqtts"

    def filter(self):
        return f"open/{self.project.key}/+/event_report"

    def is_done(self):
        return self.world.is_over.is_set() or self.world.is_ending.is_set()

    def _connect_packet(self):
        keeps = self.version == V5 and not self._is_clean
        self.expects = self.is_kept
        if self._is_clean or not self.is_kept:
            self.is_kept = None
        return packets.connect(self.version, self.name, *self.credentials(), clean=self._is_clean,
                               props=[(Prop.SESSION_EXPIRY, EXPIRY_S)] if keeps else ())

    def live(self, wire, connack, found):
        if self._is_clean:
            self.is_kept, self._is_clean = False, False
            self.cleaned += 1
            if self.random.randrange(KILLS_OF_ONE_IN) == 0:
                self.world.moment.set()
        else:
            self._look(connack.session_present)
            self._subscribe(wire)
            self._is_clean = True
        self.world.is_over.wait(self.random.uniform(*PAUSE_S))
        wire.close()

    def _look(self, is_present):
        if self.expects is not None and is_present != self.expects:
            raise Fault("a session that was promised is gone" if self.expects else
                        "the session before a clean start has come back")

    def _subscribe(self, wire):
        wire.send(packets.subscribe(self.version, 1, [(self.filter(), 1)]))
        found = wire.next("SUBACK")
        if isinstance(found[0], packets.Disconnect):
            raise Gone
        if not isinstance(found[0], packets.Suback) or found[0].codes[0] > 2:
            raise Fault(f"{found[0]} instead of SUBACK")
        self.is_kept = True


class DeviceNewcomer(Newcomer):
    def __init__(self, world, name, login, version, seed):
        super().__init__(world, name, version, "tcp", seed)
        self.login = login

    def credentials(self):
        return self.login.username, self.login.password

    def service(self):
        return "device_mqtt"

    def filter(self):
        return self.login.own("attributes_push")
