"""A soak: a server is killed at random moments, in the middle of its start too, and its disk fails
now and then, while devices send and applications receive, until every number is accounted for.

    make soak SOAK_KILLS=300
    python3 tests/soak/soak.py --kills 100 --seed 7

What must hold (open-api 3.4): each number that a device was told to be accepted reaches each
application and a member of each share group, and each push that an application was told to be
accepted reaches its device: at least once, exactly once if both sides have QoS 2; in order for each
device, but for groups; no session that was promised is gone; a message number (seq) names one
message for ever; and whatever a kill leaves behind, `eztcloud journal check` finds nothing in it.

Beside these: each change of an alarm is told once and in order, and the HTTPS API says of it what
follows from the reports that were acknowledged (alarms.py); a replay gives what the journal has,
once and in order, a snapshot each device's state where its next message would be (replays.py); a
session that a clean start has replaced does not come back (newcomers.py); and a backup that is made
meanwhile is restored with all that was acknowledged before it began, and with nothing of projects
that were removed (backups.py).

Retention is small, so that the journal is trimmed all the time; devices wait when an application is
so far behind that retention would take what it is owed.
"""
import argparse
import json
import random
import shutil
import sys
import threading
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "e2e"))

from actors import App, Device, Group, Listener, Pusher  # noqa: E402
from alarms import AlarmApp, AlarmDevice, PlainAlarmApp, add_rule  # noqa: E402
from backups import Backups, Guests  # noqa: E402
from lib.disk import Disk  # noqa: E402
from lib.packets import V4, V5  # noqa: E402
from lib.server import Server, wait_until  # noqa: E402
from lib.world import Project  # noqa: E402
from newcomers import DeviceNewcomer, Newcomer  # noqa: E402
from replays import Replayer, Snapshotter  # noqa: E402

BEHIND_MAX = 600  # messages; some 450 KiB of records, half of the retention
DRAIN_S = 120
DISK_FAULTS = [["write ENOSPC"], ["write EIO"], ["sync EIO"], ["meta EIO"], ["sync slow"]]
DEVICES = [(V4, 1), (V5, 1), (V4, 2), (V5, 2), (V4, 2), (V5, 1)]  # version, QoS
APPS = [  # version, transport, QoS, manner
    (V4, "tls", 1, "quick"), (V5, "tls", 2, "quick"), (V4, "wss", 2, "away"),
    (V5, "wss", 1, "slow"), (V5, "tls", 2, "away"), (V4, "tls", 2, "slow"),
]

GROUPS = [  # QoS, members: version, transport, manner
    (1, [(V5, "tls", "quick"), (V4, "wss", "away"), (V5, "tls", "gone")]),
    (2, [(V4, "tls", "slow"), (V5, "wss", "away"), (V5, "tls", "gone")]),
]
PUSHES = [  # QoS of both sides, version and manner of the device, version of the application
    (1, V4, "away", V5), (2, V5, "away", V5), (2, V4, "slow", V4),
]
ALARM_DEVICES = [(V4, 2), (V5, 2)]  # version, QoS
ALARM_APPS = [  # class, version, transport, QoS, manner
    (AlarmApp, V5, "tls", 2, "away"), (AlarmApp, V4, "wss", 2, "quick"),
    (PlainAlarmApp, V5, "tls", 2, "slow"), (PlainAlarmApp, V4, "tls", 2, "away"),
]
ASKERS = [  # class, transport, QoS, by SUBSCRIBE, whether its session is kept
    (Replayer, "tls", 1, False, False), (Replayer, "wss", 2, True, False),
    (Replayer, "tls", 2, False, True), (Snapshotter, "tls", 1, False, False),
    (Snapshotter, "tls", 2, True, True),
]
NEWCOMERS = [(V4, "tls"), (V5, "wss")]  # version, transport


class World:
    def __init__(self, seed, devices=DEVICES, apps=APPS, groups=GROUPS, pushes=PUSHES,
                 askers=ASKERS):
        self.random = random.Random(seed)
        self.disk = Disk()
        self.server = Server("--journal-retention-size", 1, "--restart-grace", 5,
                             env=self.disk.env)
        self.start_s = []
        self._start()
        self.project = Project.add(self.server)
        self.faults = []
        self.is_ending, self.is_over = threading.Event(), threading.Event()
        self.moment = threading.Event()  # somebody asks for the next blow now
        self.devices = [Device(self, f"device-{i}", self.project.device(), version, qos, seed)
                        for i, (version, qos) in enumerate(devices)]
        self.apps = [App(self, f"app-{i}", version, transport, qos, manner, seed)
                     for i, (version, transport, qos, manner) in enumerate(apps)]
        self.groups = [Group(self, f"group-{i}", qos, members, seed)
                       for i, (qos, members) in enumerate(groups)]
        self.members = [member for group in self.groups for member in group.members]
        self.listeners = [Listener(self, f"listener-{i}", self.project.device(), version, qos,
                                   manner, seed)
                          for i, (qos, version, manner, _) in enumerate(pushes)]
        self.pushers = [Pusher(self, f"pusher-{i}", listener, version, qos, seed)
                        for i, (listener, (qos, _, _, version)) in enumerate(
                            zip(self.listeners, pushes))]
        self._make_alarms(seed)
        self.askers = [kind(self, f"asker-{i}", *how, seed)
                       for i, (kind, *how) in enumerate(askers)]
        for asker in self.askers:
            if isinstance(asker, Snapshotter):
                asker.project = self.alarm_project
        self.newcomers = [Newcomer(self, f"newcomer-{i}", version, transport, seed)
                          for i, (version, transport) in enumerate(NEWCOMERS)]
        self.newcomers.append(DeviceNewcomer(self, "newcomer-device", self.project.device(), V5,
                                             seed))
        self.senders = self.devices + self.pushers + self.alarm_devices
        self.receivers = self.apps + self.members + self.listeners + self.alarm_apps
        self.guests = Guests(self, random.Random(f"{seed}/guests"))
        self.backups = Backups(self, random.Random(f"{seed}/backups"))
        self.others = [*self.askers, *self.newcomers, self.guests, self.backups]
        self.pairs = [
            *((device, app) for device in self.devices for app in self.apps),
            *((device, app) for device in self.alarm_devices for app in self.alarm_apps),
            *((pusher, pusher.listener) for pusher in self.pushers)]
        self.figures = dict.fromkeys(
            ("kills", "kills_at_start", "stops", "disk_faults", "checks", "checked_records"), 0)

    def _make_alarms(self, seed):
        """In a project of their own, since retention is one project's."""
        self.alarm_project = Project.add(self.server)
        self.alarm_devices = [
            AlarmDevice(self, f"alarm-device-{i}", self.alarm_project.device(), version, qos, seed)
            for i, (version, qos) in enumerate(ALARM_DEVICES)]
        self.alarm_apps = [kind(self, f"alarm-app-{i}", *how, seed)
                           for i, (kind, *how) in enumerate(ALARM_APPS)]
        add_rule(self, self.alarm_devices)

    # ---- for the actors

    def may_send(self):
        """No application is so far behind that retention would take something from it."""
        made = sum(device.made for device in self.devices)
        return made - min(who.distinct for who in self.apps + self.groups) < BEHIND_MAX

    # ---- the server's bad luck

    def _start(self):
        before = time.monotonic()
        self.server.start()
        self.start_s.append(time.monotonic() - before)

    def _look(self):
        told = self.server.cli_run("journal", "check", "--json")
        self.figures["checks"] += 1
        answer = json.loads(told.stdout)
        self.figures["checked_records"] += answer["records"]
        if told.returncode != 0:
            self.faults.append(f"journal check: {answer['faults'][:5]} {told.stderr}")

    def _kill_while_it_starts(self):
        self.server.spawn()
        time.sleep(self.random.uniform(0, 1.1) * max(self.start_s))
        self.server.kill9()
        self.figures["kills"] += 1
        self.figures["kills_at_start"] += 1

    def _live(self):
        self.moment.clear()
        self.moment.wait(self.random.choice((0.05, 0.3, 0.8, 2.5)) * self.random.uniform(0.5, 1.5))

    def blow(self):
        """One moment of life, and its end."""
        self._live()
        if self.random.random() < 0.25:
            self.disk.fail(*self.random.choice(DISK_FAULTS))
            self.figures["disk_faults"] += 1
            self._live()
            if self.random.random() < 0.5:
                self.disk.heal()
                self._live()
        if self.random.random() < 0.08:
            self.server.stop()
            self.figures["stops"] += 1
        else:
            self.server.kill9()
            self.figures["kills"] += 1
        self.disk.heal()
        while self.random.random() < 0.25:
            self._kill_while_it_starts()
        if self.random.random() < 0.3:
            self._look()
        self._start()

    # ---- the whole

    def run(self, kills, told=lambda line: None):
        begun = time.monotonic()
        self._start_actors()
        while self.figures["kills"] < kills and not self.faults:
            self.blow()
            if self.figures["kills"] % 20 == 0:
                told(f"{self.figures['kills']} kills, "
                     f"{sum(len(d.accepted) for d in self.devices)} accepted, "
                     f"applications have {[a.count for a in self.apps]}")
        self._drain()
        self._look()
        self.figures["seconds"] = round(time.monotonic() - begun)
        self._judge()
        return self

    def _start_actors(self):
        for receiver in self.receivers:
            receiver.start()
        wait_until(lambda: self.faults or all(r.subscribed.is_set() for r in self.receivers),
                   "subscriptions")
        for actor in self.senders + self.others:
            actor.start()

    def _is_drained(self):
        return not any(sender.is_alive() for sender in self.senders) and all(
            device.accepted <= app.seen.get(device.login.username, set())
            for device, app in self.pairs) and all(
            device.accepted <= group.seen(device.login.username)
            for device in self.devices for group in self.groups)

    def _drain(self):
        """No more bad luck: all that is owed must come."""
        self.is_ending.set()
        until = time.monotonic() + DRAIN_S
        while not self.faults and time.monotonic() < until and not self._is_drained():
            time.sleep(0.1)
        self.is_over.set()
        for actor in self.senders + self.receivers + self.others:
            actor.join(30)

    def _judge(self):
        f, is_whole = self.figures, not self.faults  # else not all has been waited for
        f["accepted"] = sum(len(sender.accepted) for sender in self.senders)
        f["sent_again"] = sum(sender.resent for sender in self.senders)
        f["deliveries"] = sum(receiver.count for receiver in self.receivers)
        f["connections"] = sum(actor.connects
                               for actor in self.senders + self.receivers + self.others)
        f["absences"] = sum(app.absences for app in self.receivers)
        f["repeated_qos_1"] = f["repeated_qos_2"] = f["lost"] = f["out_of_order"] = 0
        f["alarm_changes"] = sum(len(device.accepted) for device in self.alarm_devices)
        f["alarm_states_asked"] = sum(device.asked for device in self.alarm_devices)
        for kind, name in ((Replayer, "replays"), (Snapshotter, "snapshots")):
            askers = [asker for asker in self.askers if isinstance(asker, kind)]
            f[name] = sum(asker.answers for asker in askers)
            f[f"{name}_messages"] = sum(asker.messages for asker in askers)
        f["guests"] = self.guests.count
        f["backups"], f["backups_killed"] = self.backups.made, self.backups.killed
        f["backups_restored"] = self.backups.restored
        f["clean_starts"] = sum(newcomer.cleaned for newcomer in self.newcomers)
        for device, app in self.pairs:
            self._judge_pair(device, app, is_whole)
        for device in self.devices:
            for group in self.groups:
                self._judge_group(device, group, is_whole)
        f["start_s_median"] = round(sorted(self.start_s)[len(self.start_s) // 2], 2)
        f["start_s_max"] = round(max(self.start_s), 2)
        f["trimmed"] = self._trimmed()

    def _judge_pair(self, device, app, is_whole):
        f, user = self.figures, device.login.username
        got = app.got.get(user, [])
        pair = f"{device.name} (QoS {device.qos}) to {app.name} (QoS {app.qos}, {app.manner})"
        first = list(dict.fromkeys(got))
        if is_whole:
            self._judge_lost(device, app.seen.get(user, set()), pair)
        if first != sorted(first):
            f["out_of_order"] += 1
            at = next(i for i in range(1, len(first)) if first[i] < first[i - 1])
            self.faults.append(f"out of order: {pair}: {first[max(0, at - 5):at + 5]}")
        self._judge_repeated(got, device.qos == app.qos == 2, pair)

    def _judge_group(self, device, group, is_whole):
        """Its members together; a kill may give a device to another one of them, and QoS 1 of the
        last second anew, so the order is no question here."""
        user = device.login.username
        pair = f"{device.name} (QoS {device.qos}) to {group.name} (QoS {group.qos})"
        if is_whole:
            self._judge_lost(device, group.seen(user), pair)
        self._judge_repeated(group.got(user), device.qos == group.qos == 2, pair)

    def _judge_lost(self, device, seen, pair):
        lost = sorted(device.accepted - seen)
        self.figures["lost"] += len(lost)
        if lost:
            self.faults.append(f"lost: {len(lost)} from {pair}: {lost[:10]}")

    def _judge_repeated(self, got, is_exact, pair):
        repeated = len(got) - len(set(got))
        self.figures["repeated_qos_2" if is_exact else "repeated_qos_1"] += repeated
        if repeated and is_exact:
            twice = sorted({n for n in got if got.count(n) > 1})
            self.faults.append(f"twice: {repeated} from {pair}: {twice[:10]}")

    def _trimmed(self):
        """Records of the project that retention has taken."""
        return next((p["first_seq"] - 1 for p in self.server.cli("journal", "stat")["projects"]
                     if p["project"] == self.project.key), 0)

    def close(self):
        self.is_over.set()
        self.server.remove()
        self.disk.remove()

    def keep(self, folder):
        """Leaves what there is for a look at it."""
        self.is_over.set()
        if self.server.process is not None:
            self.server.process.kill()
        shutil.copytree(self.server.root, folder, dirs_exist_ok=True,
                        ignore=shutil.ignore_patterns("*.sock"))


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--seed", type=int, default=int(time.time()))
    parser.add_argument("--keep", metavar="DIR", help="keeps the data directory when it fails")
    options = parser.parse_args()
    print(f"seed {options.seed}", flush=True)
    world = World(options.seed)
    try:
        world.run(options.kills, lambda line: print(line, flush=True))
        if not world.faults:
            world.server.stop()
        print(json.dumps(world.figures, indent=1))
    finally:
        for fault in world.faults:
            print(f"fault: {fault}", flush=True)
        if world.faults and options.keep:
            world.keep(options.keep)
        world.close()
    return 1 if world.faults else 0


if __name__ == "__main__":
    sys.exit(main())
