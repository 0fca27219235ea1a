"""The servers that are measured: each one is started fresh, with its own folder and free ports.

Both listen on 127.0.0.1 only, both have an ECDSA P-256 certificate from a CA of their own, and what
they are told beyond their defaults serves one purpose: that they do not drop or delay messages.
"""

import dataclasses
import json
import pathlib
import random
import shlex
import shutil
import socket
import subprocess
import time

START_SECONDS = 20
STOP_SECONDS = 20
PORTS = range(20000, 30000)  # below the ports that the system gives to outgoing connections
PORTS_EACH = 6

MOSQUITTO_CONFIG = """\
user root
per_listener_settings false
allow_anonymous true
{persistence}
connection_messages false
log_dest none
sys_interval 0
max_connections -1
max_inflight_messages 100
max_inflight_bytes 0
max_queued_messages 0
max_queued_bytes 0
set_tcp_nodelay true

listener {mqtt} 127.0.0.1

listener {mqtts} 127.0.0.1
certfile {folder}/server.pem
keyfile {folder}/server.key

listener {wss} 127.0.0.1
protocol websockets
certfile {folder}/server.pem
keyfile {folder}/server.key
"""


# As close as it comes to what eztcloud does for persistent sessions: with each change of what is
# queued it writes its file anew. It acknowledges without waiting for that.
MOSQUITTO_DURABLE = """\
persistence true
persistence_location {folder}/
autosave_on_changes true
autosave_interval 1"""


class ServerError(Exception):
    """A server cannot be started; the text says why, in one line."""


@dataclasses.dataclass
class Endpoints:
    """What the load maker has to know; names as its options have them."""
    pid: int
    ca: str
    credentials: str
    device: dict[str, str]      # by transport: mqtt, mqtts
    subscriber: dict[str, str]  # by transport: mqtts, wss
    publish_topic: str


def free_port_base() -> int:
    """The first of PORTS_EACH ports in a row that nobody listens on."""
    for _ in range(1000):
        base = random.randrange(PORTS.start, PORTS.stop, PORTS_EACH)
        try:
            for port in range(base, base + PORTS_EACH):
                with socket.socket() as probe:
                    probe.bind(("127.0.0.1", port))
            return base
        except OSError:
            continue
    raise ServerError("no free ports")


def run(*command: str | pathlib.Path) -> str:
    """Runs a command to its end and gives what it printed."""
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    if done.returncode != 0:
        raise ServerError(f"{pathlib.Path(command[0]).name} failed: {done.stderr.strip()}")
    return done.stdout


class Server:
    """A running server; used as a context."""

    name: str

    def __init__(self, folder: pathlib.Path, devices: int, is_durable: bool = False):
        self.folder = folder
        self.devices = devices
        self.is_durable = is_durable
        self.process = None

    def __enter__(self) -> Endpoints:
        try:
            return self.start()
        except BaseException:
            self.stop()
            raise

    def __exit__(self, *_) -> None:
        self.stop()

    def start(self) -> Endpoints:
        raise NotImplementedError

    def spawn(self, *command: str | pathlib.Path) -> None:
        with open(self.folder / "log", "wb") as log:
            self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log,
                                            stderr=subprocess.STDOUT, cwd=self.folder)

    def wait_until(self, ready) -> None:
        deadline = time.monotonic() + START_SECONDS
        while not ready():
            if self.process.poll() is not None or time.monotonic() > deadline:
                log = (self.folder / "log").read_text(errors="replace").strip()
                raise ServerError(f"{self.name} does not start: {log[-500:] or 'no word'}")
            time.sleep(0.05)

    def stop(self) -> None:
        if self.process is None:
            return
        self.process.terminate()
        try:
            self.process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


class Eztcloud(Server):
    """Ours: devices log in and publish to their own topic, applications receive open messages."""

    name = "eztcloud"
    program: pathlib.Path
    arguments: list[str] = []

    @classmethod
    def find(cls, program: pathlib.Path, arguments: str) -> None:
        if not program.is_file():
            raise ServerError(f"{program} is missing: build it, or name it with --eztcloud")
        cls.program = program.resolve()
        cls.arguments = shlex.split(arguments)

    def start(self) -> Endpoints:
        data = self.folder / "data"
        self.spawn(self.program, "serve", "--demo", "--data", data, "--bind", "127.0.0.1",
                   "--port-base", str(free_port_base()), "--log-level", "warn",
                   "--app-connections-max", "100000", *self.arguments)
        self.wait_until((data / "demo.json").exists)
        demo = json.loads((data / "demo.json").read_text())
        added = run(self.program, "device", "add", "--data", data, "--json",
                    "--project", demo["project_key"], "--count", str(self.devices))
        credentials = self.folder / "credentials.json"
        credentials.write_text(json.dumps({
            "project_key": demo["project_key"],
            "project_secret": demo["project_secret"],
            "devices": json.loads(added)["devices"],
        }))
        endpoints = demo["endpoints"]
        return Endpoints(
            pid=self.process.pid,
            ca=demo["ca"],
            credentials=str(credentials),
            device={"mqtt": endpoints["device_mqtt"], "mqtts": endpoints["device_mqtts"]},
            subscriber={"mqtts": endpoints["app_mqtts"], "wss": endpoints["app_wss"]},
            publish_topic="attributes/{deviceUsername}",
        )


class Mosquitto(Server):
    """Debian's mosquitto: no log-in, no check; publishers use the subscribers' topics directly."""

    name = "mosquitto"
    program: str

    @classmethod
    def find(cls) -> None:
        program = shutil.which("mosquitto", path="/usr/sbin:/usr/local/sbin:/usr/bin")
        if program is None or shutil.which("openssl") is None:
            raise ServerError("mosquitto or openssl is missing: apt-get install mosquitto openssl")
        cls.program = program

    def make_certificate(self) -> None:
        ca_key, ca, key = (self.folder / name for name in ("ca.key", "ca.pem", "server.key"))
        request, extensions = self.folder / "server.csr", self.folder / "extensions"
        extensions.write_text("subjectAltName=DNS:localhost,IP:127.0.0.1\n")
        for path in (ca_key, key):
            run("openssl", "genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256",
                "-out", path)
        run("openssl", "req", "-x509", "-new", "-key", ca_key, "-subj", "/CN=bench CA",
            "-days", "2", "-out", ca)
        run("openssl", "req", "-new", "-key", key, "-subj", "/CN=localhost", "-out", request)
        run("openssl", "x509", "-req", "-in", request, "-CA", ca, "-CAkey", ca_key,
            "-CAcreateserial", "-days", "2", "-extfile", extensions,
            "-out", self.folder / "server.pem")

    def start(self) -> Endpoints:
        self.make_certificate()
        base = free_port_base()
        ports = {"mqtt": base, "mqtts": base + 1, "wss": base + 2}
        config = self.folder / "mosquitto.conf"
        durable = MOSQUITTO_DURABLE.format(folder=self.folder)
        config.write_text(MOSQUITTO_CONFIG.format(
            folder=self.folder, persistence=durable if self.is_durable else "persistence false",
            **ports))
        credentials = self.folder / "credentials.json"
        credentials.write_text(json.dumps({
            "project_key": "PR_0123456789",
            "project_secret": "0" * 40,
            "devices": [{"username": f"DU_{i:010}", "password": "0" * 16}
                        for i in range(self.devices)],
        }))
        self.spawn(self.program, "-c", config)
        self.wait_until(lambda: all(self.listens(port) for port in ports.values()))
        return Endpoints(
            pid=self.process.pid,
            ca=str(self.folder / "ca.pem"),
            credentials=str(credentials),
            device={name: f"{name}://localhost:{ports[name]}" for name in ("mqtt", "mqtts")},
            subscriber={"mqtts": f"mqtts://localhost:{ports['mqtts']}",
                        "wss": f"wss://localhost:{ports['wss']}/mqtt"},
            publish_topic="open/{projectKey}/{deviceUsername}/attributes",
        )

    @staticmethod
    def listens(port: int) -> bool:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return True
        except OSError:
            return False
