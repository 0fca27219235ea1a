"""The server as a process: started on free ports with a data directory of its own, stopped with
proof that it ended cleanly, killed, started again; and its command line."""
import json
import os
import resource
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from pathlib import Path
from urllib.parse import urlsplit

from lib.ports import free_port_block, give_back_ports
from lib.streams import DEADLINE_S

REPOSITORY = Path(__file__).resolve().parents[3]
BINARY = Path(os.environ.get("EZTCLOUD_BIN", REPOSITORY / "build" / "asan" / "eztcloud"))
WORKERS = os.environ.get("EZTCLOUD_WORKERS", "2")
SANITIZER_WORDS = ("AddressSanitizer", "LeakSanitizer", "ThreadSanitizer",
                   "MemorySanitizer", "runtime error:")


def wait_until(condition, what):
    """Polls until `condition` gives something true, and gives that."""
    deadline = time.monotonic() + DEADLINE_S
    while not (found := condition()):
        assert time.monotonic() < deadline, f"in vain: waited for {what}"
        time.sleep(0.01)
    return found


def run(*args, env=None, **more):
    """Runs the binary to its end; gives the completed process with its output as text."""
    return subprocess.run([BINARY, *map(str, args)], text=True, capture_output=True,
                          timeout=DEADLINE_S, env={**os.environ, **(env or {})}, **more)


def assert_no_sanitizer_report(text):
    found = [word for word in SANITIZER_WORDS if word in text]
    assert not found, f"{found} in the log:\n{text[-8000:]}"


class Server:
    """One data directory and, between `start` and `stop`, a server that runs on it."""

    def __init__(self, *options, env=None, descriptors=None):
        self.root = Path(tempfile.mkdtemp(prefix="ezt-"))
        self.data = self.root / "data"
        self.log_path = self.root / "log"
        self.env = {**os.environ, **(env or {})}
        self.port_base = free_port_block()
        self.options = [str(option) for option in options]
        self.descriptors = descriptors  # the limit of open files, where it is not ours
        self.process = None
        self.demo = None

    # ---- process

    def start(self):
        """Starts and waits until everything listens."""
        self.spawn()
        wait_until(self._is_up, "demo.json")
        return self

    def spawn(self):
        """Starts, and does not wait."""
        command = [BINARY, "serve", "--demo", "--data", self.data, "--port-base", self.port_base,
                   "--device-ws-port", self.port_base + 1, "--workers", WORKERS, "--login-failures", 0,
                   *self.options]
        with self.log_path.open("ab") as log:
            self.process = subprocess.Popen(list(map(str, command)), env=self.env, stdout=log,
                                            stderr=log, stdin=subprocess.DEVNULL,
                                            preexec_fn=self._limit)

    def _limit(self):
        if self.descriptors:
            resource.setrlimit(resource.RLIMIT_NOFILE, (self.descriptors, self.descriptors))

    def _is_up(self):
        assert self.process.poll() is None, f"the server ended:\n{self.log()[-4000:]}"
        try:
            demo = json.loads((self.data / "demo.json").read_text())
        except (FileNotFoundError, json.JSONDecodeError):
            return False
        self.demo = demo
        return demo["pid"] == self.process.pid  # else left over by a kill

    def stop(self):
        """A clean stop; nothing may have gone wrong until then."""
        if self.process is None:
            return
        self.process.send_signal(signal.SIGTERM)
        try:
            code = self.process.wait(DEADLINE_S)
        except subprocess.TimeoutExpired:
            self.kill9()
            raise
        self.process = None
        assert_no_sanitizer_report(self.log())
        assert code == 0, f"exit {code}:\n{self.log()[-4000:]}"

    def kill9(self):
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None
        assert_no_sanitizer_report(self.log())

    def signal(self, number):
        self.process.send_signal(number)

    def remove(self):
        """Ends the process, however it is, and removes everything."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None
        give_back_ports(self.port_base)
        shutil.rmtree(self.root, ignore_errors=True)

    def log(self):
        return self.log_path.read_text(errors="replace") if self.log_path.exists() else ""

    # ---- what it tells about itself

    def port(self, service):
        """`device_mqtt`, `device_mqtts`, `device_ws`, `app_mqtts`, `app_wss` or `https`."""
        return urlsplit(self.demo["endpoints"][service]).port

    @property
    def ca(self):
        return self.demo["ca"]

    # ---- command line

    def cli(self, *args):
        """Runs a command of the registry with --json; it must succeed; gives its answer. What it
        leaks ends with it; looking for that would take longer than the command."""
        done = self.cli_run(*args, "--json", env={
            "ASAN_OPTIONS": f'{self.env.get("ASAN_OPTIONS", "")}:detect_leaks=0'})
        assert done.returncode == 0, done
        return json.loads(done.stdout) if done.stdout.strip() else None

    def counters(self):
        """What `eztcloud status` shows, asked without a process of its own, which costs more than
        the answer and may come too late."""
        with socket.socket(socket.AF_UNIX) as control:
            control.settimeout(DEADLINE_S)
            control.connect(str(self.data / "control.sock"))
            control.sendall(b"counters\n")
            with control.makefile() as lines:
                return {name: int(value) for name, value, *_ in map(str.split, lines)}

    def cli_run(self, *args, env=None):
        done = run(*args, "--data", self.data, env={**self.env, **(env or {})})
        assert_no_sanitizer_report(done.stderr)
        return done
