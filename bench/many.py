#!/usr/bin/python3
"""Measures one project with many devices: how long the server takes to start, what memory a device
costs, and how many messages it hands on while it knows all of them.

The devices are of several types with twenty attributes each, and each of them has reported all of
these once, so the server has that many cloud values. README.md says more. Exit code 0: all runs were
right; 1: a message was lost, doubled or refused; 2: the runs could not be made.
"""

import argparse
import datetime
import json
import pathlib
import socket
import statistics
import struct
import subprocess
import sys
import tempfile
import threading
import time

import run as common
import servers

HERE = pathlib.Path(__file__).resolve().parent
KIB, MIB = 1024, 1024 * 1024
ATTRIBUTES = 20
REPORTERS = 8         # threads that fill in the values
START_SECONDS = 300
SETTLE_SECONDS = 2    # after which everything that was reported is on disk

# What the load maker reports (load_payload.c) is defined, and so is checked; the rest is made up.
REPORTED = [{"id": "temperature", "type": "number", "unit": "°C", "minimum": -40, "maximum": 125},
            {"id": "humidity", "type": "number", "minimum": 0, "maximum": 100},
            {"id": "running", "type": "switch"},
            {"id": "mode", "type": "enum", "values": ["auto", "manual"]},
            {"id": "voltage", "type": "number", "minimum": 0, "maximum": 5},
            {"id": "signal", "type": "number"}]
VALUES = {"temperature": 21.5, "humidity": 40, "running": True, "mode": "auto", "voltage": 3.3,
          "signal": -60}


def definition(number: int) -> dict:
    attributes = list(REPORTED)
    for i in range(len(attributes), ATTRIBUTES):
        attributes.append({"id": f"attribute_{number}_{i}", "type": ("number", "text")[i % 2],
                           "name": f"Attribute {i}"})
    return {"attributes": [{"direction": "report", **a} for a in attributes]}


def report_of(number: int, device: int) -> bytes:
    values = dict(VALUES)
    for i in range(len(values), ATTRIBUTES):
        values[f"attribute_{number}_{i}"] = device * 7 % 1000 if i % 2 == 0 else f"text {device}"
    return json.dumps(values).encode()


class Running:
    """A server on a data directory, with the time that its start took."""

    def __init__(self, program: pathlib.Path, folder: pathlib.Path):
        self.data, self.program = folder / "data", program
        (self.data / "demo.json").unlink(missing_ok=True)
        began = time.monotonic()
        with open(folder / "log", "ab") as log:
            self.process = subprocess.Popen(
                [program, "serve", "--demo", "--data", self.data, "--bind", "127.0.0.1",
                 "--port-base", str(servers.free_port_base()), "--log-level", "warn"],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        while not (self.data / "demo.json").exists():
            if self.process.poll() is not None or time.monotonic() - began > START_SECONDS:
                raise servers.ServerError((folder / "log").read_text()[-500:])
            time.sleep(0.002)
        self.start_s = time.monotonic() - began
        self.start_cpu_s = self.cpu_s()
        self.demo = json.loads((self.data / "demo.json").read_text())

    def cpu_s(self) -> float:
        """Of all its threads that run now, as the kernel's scheduler counts it."""
        tasks = pathlib.Path(f"/proc/{self.process.pid}/task").glob("*/schedstat")
        return sum(int(task.read_text().split()[0]) for task in tasks) / 1e9

    def memory(self, name: str = "RssAnon") -> int:
        """Its own pages; with RssFile also what is mapped of files, which the system may drop."""
        status = pathlib.Path(f"/proc/{self.process.pid}/status").read_text()
        return int(status.split(f"{name}:")[1].split()[0]) * KIB

    def stop(self) -> float:
        began = time.monotonic()
        self.process.terminate()
        self.process.wait(START_SECONDS)
        return time.monotonic() - began


def cli(program: pathlib.Path, data: pathlib.Path, *words: str) -> dict:
    return json.loads(servers.run(program, *words, "--data", data, "--json"))


def make_devices(program: pathlib.Path, data: pathlib.Path, project: str, types: int,
                 devices: int) -> list[list[dict]]:
    """Adds types and devices while no server runs; the devices of each type."""
    made = []
    for number in range(types):
        file = data.parent / "type.json"
        file.write_text(json.dumps({"name": f"Type {number}", "code": f"type-{number}",
                                    "definition": definition(number)}))
        key = cli(program, data, "type", "add", "--project", project, "--file", str(file))
        made.append(cli(program, data, "device", "add", "--project", project, "--type",
                        key["product_key"], "--count", str(devices // types))["devices"])
    return made


# ---- the first report of each device: a connection each, since no more than that is needed

def text(value: bytes | str) -> bytes:
    value = value.encode() if isinstance(value, str) else value
    return struct.pack(">H", len(value)) + value


def packet(kind: int, body: bytes) -> bytes:
    length, rest = b"", len(body)
    while True:
        rest, digit = divmod(rest, 128)[0], rest % 128
        length += bytes([digit | (0x80 if rest else 0)])
        if not rest:
            return bytes([kind]) + length + body


def report_once(port: int, device: dict, payload: bytes) -> bool:
    connect = text("MQTT") + bytes([4, 0xC2, 0, 60]) + text("fill") + text(device["username"]) + \
        text(device["password"])
    publish = text("attributes/" + device["username"]) + struct.pack(">H", 1) + payload
    with socket.create_connection(("127.0.0.1", port), timeout=60) as connection:
        connection.sendall(packet(0x10, connect) + packet(0x32, publish) + packet(0xE0, b""))
        answer = b""
        while piece := connection.recv(256):
            answer += piece
    return answer == b"\x20\x02\x00\x00" + b"\x40\x02\x00\x01"  # CONNACK, PUBACK


def report_all(running: Running, made: list[list[dict]]) -> None:
    port = int(running.demo["endpoints"]["device_mqtt"].rsplit(":", 1)[1])
    work = [(device, report_of(number, i)) for number, devices in enumerate(made)
            for i, device in enumerate(devices)]
    refused = []

    def fill(part: int) -> None:
        for device, payload in work[part::REPORTERS]:
            if not report_once(port, device, payload):
                refused.append(device["username"])

    threads = [threading.Thread(target=fill, args=(part,)) for part in range(REPORTERS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if refused:
        raise servers.ServerError(f"{len(refused)} reports were refused")
    time.sleep(SETTLE_SECONDS)


# ---- the measurement

def deliver(bench: pathlib.Path, running: Running, credentials: pathlib.Path, devices: int,
            seconds: float) -> dict:
    endpoints = servers.Endpoints(
        pid=running.process.pid, ca=running.demo["ca"], credentials=str(credentials),
        device={"mqtt": running.demo["endpoints"]["device_mqtt"]},
        subscriber={"mqtts": running.demo["endpoints"]["app_mqtts"]},
        publish_topic="attributes/{deviceUsername}")
    scenario = common.Scenario("", "deliver", {}, [])
    return common.load(bench, endpoints, scenario, "deliver", {
        "devices": devices, "subscribers": 1, "qos": 1, "subscribe-qos": 1, "size": 200,
        "window": 32, "lag": 8, "gather": 500, "duration": round(seconds * 1000), "warmup": 500,
        "messages": 1_000_000_000})


def write_credentials(path: pathlib.Path, demo: dict, made: list[list[dict]], wanted: int) -> None:
    """Of each type the same number."""
    each = wanted // len(made)
    path.write_text(json.dumps({"project_key": demo["project_key"],
                                "project_secret": demo["project_secret"],
                                "devices": [d for devices in made for d in devices[:each]]}))


def measure_one(program: pathlib.Path, bench: pathlib.Path, arguments: argparse.Namespace,
                devices: int) -> dict[str, list[float]]:
    """All figures of a project with so many devices."""
    figures = {}

    def note(name: str, value: float) -> None:
        figures.setdefault(name, []).append(value)
        print(f"  {devices} devices: {name} {value:,.2f}", file=sys.stderr)

    with tempfile.TemporaryDirectory(prefix="eztcloud-many-", dir=arguments.folder) as name:
        folder = pathlib.Path(name)
        running = Running(program, folder)
        empty = running.memory()
        demo = running.demo
        running.stop()
        made = make_devices(program, folder / "data", demo["project_key"], arguments.types, devices)
        for _ in range(arguments.rounds):
            running = Running(program, folder)
            note("start without values, s", running.start_s)
            note("start without values, CPU s", running.start_cpu_s)
            plain = running.memory()
            running.stop()
        note("memory of a device without values, bytes", (plain - empty) / devices)
        running = Running(program, folder)
        report_all(running, made)
        note("stop with values, s", running.stop())
        credentials = folder / "credentials.json"
        write_credentials(credentials, demo, made, arguments.connected)
        for _ in range(arguments.rounds):
            running = Running(program, folder)
            note("start with values, s", running.start_s)
            note("start with values, CPU s", running.start_cpu_s)
            note("memory of a device with values, bytes", (running.memory() - empty) / devices)
            note("memory of the server, MiB", running.memory() / MIB)
            note("mapped of its files beside it, MiB", running.memory("RssFile") / MIB)
            result = deliver(bench, running, credentials, arguments.connected, arguments.seconds)
            if not result["ok"]:
                raise servers.ServerError(f"a run was not right: {result['faults']}")
            note("deliveries per second", result["deliveries_per_s"])
            note("server CPU per delivery, µs", result["server"]["cpu_us_per_delivery"])
            running.stop()
        journal = sum(f.stat().st_blocks * 512 for f in (folder / "data").rglob("*") if f.is_file())
        note("data directory, MiB", journal / MIB)
    return figures


def page(arguments: argparse.Namespace, began: datetime.datetime,
         all_figures: dict[int, dict[str, list[float]]]) -> str:
    counts = list(all_figures)
    lines = [f"# {began:%Y-%m-%d %H:%M}, {common.commit()}: many devices", "",
             f"- machine: {common.machine()}",
             f"- {common.first_line('openssl', 'version')}",
             f"- `bench/many.py`: one project, {arguments.types} types of {ATTRIBUTES} attributes "
             f"each, every device with all values reported once; {arguments.connected} of the "
             f"devices report 200 bytes at QoS 1 over TCP as fast as it goes, one TLS subscriber",
             f"- {arguments.rounds} rounds, medians; `bench/README.md` says what the figures mean",
             "", "| figure | " + " | ".join(f"{n:,} devices" for n in counts) + " |",
             "| --- |" + " ---: |" * len(counts)]
    for name in all_figures[counts[0]]:
        cells = [f"{statistics.median(all_figures[n][name]):,.2f}" for n in counts]
        lines.append("| " + " | ".join([name, *cells]) + " |")
    lines += ["", "## Rounds", "", "| figure | devices | rounds |", "| --- | --- | --- |"]
    for name in all_figures[counts[0]]:
        for n in counts:
            rounds = " · ".join(f"{value:,.2f}" for value in all_figures[n][name])
            lines.append(f"| {name} | {n:,} | {rounds} |")
    return "\n".join(lines) + "\n"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--build-dir", type=pathlib.Path,
                        default=HERE.parent / "build" / "release",
                        help="where eztcloud and bench/eztcloud-bench were built (%(default)s)")
    parser.add_argument("--devices", type=int, nargs="+", default=[1000, 100_000],
                        help="how many, one project after the other (%(default)s)")
    parser.add_argument("--types", type=int, default=10, help="(%(default)s)")
    parser.add_argument("--connected", type=int, default=1000,
                        help="devices that report while deliveries are measured (%(default)s)")
    parser.add_argument("--rounds", type=int, default=3, help="(%(default)s)")
    parser.add_argument("--seconds", type=float, default=4,
                        help="that deliveries are measured for (%(default)s)")
    parser.add_argument("--folder", help="where data directories are made (the system's)")
    parser.add_argument("--out", type=pathlib.Path, help="folder for the page with the results")
    arguments = parser.parse_args()
    began = datetime.datetime.now()
    bench = (arguments.build_dir / "bench" / "eztcloud-bench").resolve()
    program = (arguments.build_dir / "eztcloud").resolve()
    try:
        for path in (bench, program):
            if not path.is_file():
                raise servers.ServerError(f"{path} is missing: `make bench` builds it")
        figures = {n: measure_one(program, bench, arguments, n) for n in arguments.devices}
    except (servers.ServerError, subprocess.TimeoutExpired) as error:
        print(f"bench: {error}", file=sys.stderr)
        return 1 if "not right" in str(error) else 2
    text_of_page = page(arguments, began, figures)
    print(text_of_page)
    if arguments.out:
        common.write_page(arguments.out, began, "-many", text_of_page)
    return 0


if __name__ == "__main__":
    sys.exit(main())
