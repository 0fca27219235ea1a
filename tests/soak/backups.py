"""Backups in a soak: made while devices send, the server is killed, and projects come and go; some
are killed themselves. Whatever a restore takes must start, and have what was acknowledged before.
"""
import json
import shutil
import ssl
import subprocess
import threading
from types import SimpleNamespace

from actors import POLL_S, Fault, Gone
from lib.client import V5, Prop
from lib.server import BINARY, Server, run
from lib.world import Login, Net, Project
from replays import Replayer, Snapshotter

KILLED_ONE_IN = 3
KILL_S = 0.4
STAY_S = (0, 0.5)
GUEST = "guest"  # its project's name, its device's password, and its clients' identifiers
KEPT = {"clean": False, "props": [(Prop.SESSION_EXPIRY, 3600)]}


class Worker(threading.Thread):
    """Does one thing after the other until the soak ends. A server that is killed meanwhile is no
    fault: the next try is another one."""

    def __init__(self, world, name, random):
        super().__init__(name=name, daemon=True)
        self.world, self.random, self.connects = world, random, 0

    def run(self):
        try:
            while not self.world.is_ending.is_set():
                self.once()
        except Gone as reason:
            if not self.world.is_over.is_set():
                self.world.faults.append(f"{self.name}: a restored server has ended: {reason}")
        except Exception as fault:  # told by the world
            self.world.faults.append(f"{self.name}: {type(fault).__name__}: {fault}")

    def once(self):
        raise NotImplementedError


class Guests(Worker):
    """One project after the other, with a device that moves: it has the same name in each, and
    nothing of it in the last may be seen in the next."""

    def __init__(self, world, random):
        super().__init__(world, "guests", random)
        self.count, self.server = 0, world.server
        first = Project.add(self.server, GUEST)
        self.username = first.device().username
        self.server.cli("project", "remove", first.key)

    def once(self):
        try:
            project = Project.add(self.server, GUEST)
            self.server.cli("device", "add", "--project", project.key, "--username",
                            self.username, "--password", GUEST)
        except AssertionError:  # the server was killed meanwhile
            self._remove_all()
            return
        login = Login(self.username, GUEST, project.key)
        while not self._has_stayed(project, login) and not self.world.is_ending.is_set():
            self.world.is_over.wait(POLL_S)
        self._remove_all()

    def _remove_all(self):
        for project in self.server.cli("project", "list")["projects"]:
            if project["name"] == GUEST:
                self.server.cli_run("project", "remove", project["project_key"])

    def _has_stayed(self, project, login):
        """False: the server was killed meanwhile."""
        net = Net(self.server, project)
        try:
            self._stay(net, project, login)
        except Fault:
            raise
        except (OSError, ssl.SSLError, AssertionError):
            return False
        finally:
            net.close()
        self.count += 1
        return True

    def _stay(self, net, project, login):
        look_at_guest(net, project)
        app = net.app(V5, client_id=GUEST, **KEPT)
        app.subscribe(project.open("+", "attributes"))
        device = net.device(login, client_id=GUEST, subscribe=["attributes_push"], **KEPT)
        device.publish(login.own("attributes"), json.dumps({"of": project.key}).encode())
        app.receive(login.open("attributes"), value={"of": project.key})
        self.world.is_over.wait(self.random.uniform(*STAY_S))


def look_at_guest(net, project):
    """What is known of a project's devices, they have said in this project."""
    app = net.app(V5)
    notice = f"$open/{project.key}/notice"
    app.subscribe(notice)
    app.subscribe(project.open("+", "attributes"), props=[(Prop.USER_PROPERTY, ("snapshot", "1"))])
    while (message := app.receive()).topic != notice:
        if json.loads(message.payload) != {"of": project.key}:
            raise Fault(f"seen in {project.key}: {message}")
    app.disconnect()


class Backups(Worker):
    def __init__(self, world, random):
        super().__init__(world, "backups", random)
        self.made = self.killed = self.restored = 0
        self.folder = world.server.root / "backup"

    def once(self):
        before = SimpleNamespace(
            project=self.world.project, alarm_project=self.world.alarm_project, apps=[],
            devices=frozen(self.world.devices), alarm_devices=frozen(self.world.alarm_devices),
            is_over=self.world.is_over, is_ending=self.world.is_ending)
        shutil.rmtree(self.folder, ignore_errors=True)
        is_made = self._make()
        before.server = Server()
        try:
            done = run("restore", self.folder, "--data", before.server.data)
            if done.returncode == 0:
                self._look(before)
                self.restored += 1
            elif is_made:
                raise Fault(f"a backup that was made is not restored: {done.stderr}")
        finally:
            before.server.remove()

    def _make(self):
        process = subprocess.Popen(
            [BINARY, "backup", self.folder, "--keys", "--data", self.world.server.data],
            env=self.world.server.env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        if self.random.randrange(KILLED_ONE_IN) == 0:
            self.world.is_over.wait(self.random.uniform(0, KILL_S))
            process.kill()
        code = process.wait()
        self.made += code == 0
        self.killed += code < 0
        return code == 0

    def _look(self, restored):
        check = restored.server.cli_run("journal", "check", "--json")
        if check.returncode != 0:
            raise Fault(f"journal check of a backup: {check.stdout} {check.stderr}")
        restored.server.start()
        for kind, project in ((Replayer, restored.project), (Snapshotter, restored.alarm_project)):
            asker = kind(restored, "restored", "tls", 1, True, False, 0)
            asker.project = project
            asker.live(*asker.connect())
        for known in restored.server.cli("project", "list")["projects"]:
            if known["name"] == GUEST:
                self._look_at_guest(restored.server, known["project_key"])
        restored.server.stop()

    @staticmethod
    def _look_at_guest(server, key):
        shown = server.cli("project", "show", key)
        project = Project(server, key, shown["project_secret"], None)
        net = Net(server, project)
        try:
            look_at_guest(net, project)
        finally:
            net.close()


def frozen(devices):
    """What devices were told to be accepted until now."""
    return [SimpleNamespace(login=device.login, accepted=set(device.accepted))
            for device in devices]
