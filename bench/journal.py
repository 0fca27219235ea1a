#!/usr/bin/python3
"""Measures what it takes to keep messages on disk before they are acknowledged: how many publishes a
second, how long each waits, what is written for it; and how sessions that were away get theirs.

README.md says what the figures mean. Exit code 0: all runs were right; 1: a message was lost, doubled
or refused; 2: the runs could not be made.
"""

import argparse
import dataclasses
import datetime
import json
import pathlib
import statistics
import subprocess
import sys
import tempfile

import run as common
import servers

HERE = pathlib.Path(__file__).resolve().parent
MIB = 1024 * 1024
DEVICES = 100
SIZE = 200
RATE_DEVICES = 10
RUN_MINUTES_MAX = 60


@dataclasses.dataclass(frozen=True)
class Setup:
    """What a server does with the messages of a run."""
    name: str
    kind: type[servers.Server]
    journal: str = ""           # the project's policy; "": as it is when it is made
    is_persistent: bool = False  # the subscriber's session
    is_durable: bool = False    # of mosquitto: it saves its file with each change


SETUPS = [
    Setup("eztcloud, nothing owed", servers.Eztcloud),
    Setup("eztcloud, owed", servers.Eztcloud, is_persistent=True),
    Setup("eztcloud, `always`", servers.Eztcloud, journal="always"),
    Setup("mosquitto, no persistence", servers.Mosquitto, is_persistent=True),
    Setup("mosquitto, autosave", servers.Mosquitto, is_persistent=True, is_durable=True),
]


@dataclasses.dataclass(frozen=True)
class Load:
    what: str
    options: dict[str, int | str]


def loads(seconds: float) -> list[Load]:
    common_part = {"qos": 1, "subscribe-qos": 1, "subscribers": 1, "size": SIZE, "warmup": 500}
    at_rate = common_part | {"devices": RATE_DEVICES, "messages": 1_000_000_000,
                             "duration": round(seconds * 1000)}
    return [
        Load(f"{DEVICES} devices (TCP, QoS 1, window 32, {SIZE} bytes) to one TLS subscriber "
             "(QoS 1), as fast as it goes",
             common_part | {"devices": DEVICES, "window": 32, "lag": 64, "gather": 500,
                            "messages": 1_000_000_000, "duration": round(seconds * 1000)}),
        Load(f"{RATE_DEVICES} devices, 5,000 messages a second together", at_rate | {"rate": 5000}),
        Load(f"{RATE_DEVICES} devices, 200 messages a second together", at_rate | {"rate": 200}),
    ]


def written_per_byte(result: dict) -> float:
    """Bytes to disk for each byte of payload that was acknowledged meanwhile."""
    payload = result["acknowledged_per_s"] * result["elapsed_s"] * SIZE
    return result["server"]["written_bytes"] / payload


# name, digits, how it is read off a result
FIGURES = [
    ("acknowledged a second", 0, lambda r: r["acknowledged_per_s"]),
    ("server CPU for each, µs", 2, lambda r: r["server"]["cpu_us_per_message"]),
    ("acknowledgement p50, µs", 0, lambda r: r["acknowledgement_us"]["p50"]),
    ("acknowledgement p90, µs", 0, lambda r: r["acknowledgement_us"]["p90"]),
    ("acknowledgement p99, µs", 0, lambda r: r["acknowledgement_us"]["p99"]),
    ("acknowledgement p99.9, µs", 0, lambda r: r["acknowledgement_us"]["p99.9"]),
    ("delivery p50, µs", 0, lambda r: r["latency_us"]["p50"]),
    ("delivery p99, µs", 0, lambda r: r["latency_us"]["p99"]),
    ("bytes written for each of payload", 1, written_per_byte),
]


def load_maker(arguments: argparse.Namespace, endpoints: servers.Endpoints, mode: str,
               options: dict[str, int | str]) -> dict:
    scenario = common.Scenario("", mode, {}, [])
    result = common.load(arguments.bench, endpoints, scenario, mode, options)
    if not result["ok"]:
        raise servers.ServerError(f"a run was not right: {result['faults']}")
    return result


def run_once(arguments: argparse.Namespace, setup: Setup, load: Load) -> dict:
    with tempfile.TemporaryDirectory(prefix="eztcloud-journal-", dir=arguments.folder) as name:
        folder = pathlib.Path(name)
        with setup.kind(folder, int(load.options["devices"]), setup.is_durable) as endpoints:
            if setup.journal:
                demo = json.loads((folder / "data" / "demo.json").read_text())
                servers.run(servers.Eztcloud.program, "project", "set", demo["project_key"],
                            "--data", folder / "data", "--journal", setup.journal)
            persistent = {"persistent": ""} if setup.is_persistent else {}
            return load_maker(arguments, endpoints, "deliver", load.options | persistent)


def measure_load(arguments: argparse.Namespace, load: Load) -> list[str]:
    """A table: what each setup makes of a load."""
    print(load.what, file=sys.stderr)
    results = {setup.name: [] for setup in SETUPS}
    for number in range(1, arguments.rounds + 1):
        for setup in SETUPS:
            result = run_once(arguments, setup, load)
            results[setup.name].append(result)
            told = ", ".join(f"{name} {read(result):,.{digits}f}" for name, digits, read in FIGURES)
            print(f"  round {number}, {setup.name}: {told}", file=sys.stderr)
    lines = ["", f"## {load.what}", "", "| figure | " + " | ".join(results) + " |",
             "| --- |" + " ---: |" * len(results)]
    for name, digits, read in FIGURES:
        cells = [f"{statistics.median(read(result) for result in each):,.{digits}f}"
                 for each in results.values()]
        lines.append("| " + " | ".join([name, *cells]) + " |")
    return lines


# ---- sessions that are away

def disk_usage(folder: pathlib.Path) -> int:
    return sum(file.stat().st_blocks * 512 for file in folder.rglob("*") if file.is_file())


def measure_away(arguments: argparse.Namespace, messages: int, sessions: int) -> list[str]:
    print(f"away: {messages:,} messages, {sessions:,} sessions", file=sys.stderr)
    with tempfile.TemporaryDirectory(prefix="eztcloud-journal-", dir=arguments.folder) as name:
        folder = pathlib.Path(name)
        with servers.Eztcloud(folder, DEVICES) as endpoints:
            result = load_maker(arguments, endpoints, "away", {
                "devices": DEVICES, "subscribers": sessions, "persistent": "", "qos": 1,
                "subscribe-qos": 1, "size": SIZE, "window": 32, "gather": 500,
                "messages": messages, "returning": 1, "live-rate": arguments.live_rate,
                "quiet": 60_000, "time-limit": RUN_MINUTES_MAX * 60})
            disk = disk_usage(folder / "data")
    storing, back = result["storing"], result["catching_up"]
    payload = messages * SIZE
    table = [
        ("acknowledged a second", 0, storing["acknowledged_per_s"]),
        ("server CPU for each, µs", 2, storing["server"]["cpu_us_per_message"]),
        ("bytes written for each of payload", 1, storing["server"]["written_bytes"] / payload),
        ("on disk for each byte of payload", 1, disk / payload),
        ("memory of the server before, MiB", 1, storing["server"]["own_bytes_before"] / MIB),
        ("memory after, MiB", 1, storing["server"]["own_bytes"] / MIB),
        ("catching up: deliveries a second", 0, back["deliveries_per_s"]),
        ("catching up: seconds", 1, back["elapsed_s"]),
        ("catching up: server CPU for each, µs", 2, back["server"]["cpu_us_per_delivery"]),
        ("new ones meanwhile, a second", 0, back["acknowledged_per_s"]),
        ("their acknowledgement p50, µs", 0, result["acknowledgement_us"]["p50"]),
        ("their acknowledgement p99, µs", 0, result["acknowledgement_us"]["p99"]),
        ("memory when caught up, MiB", 1, back["server"]["own_bytes"] / MIB),
    ]
    who = "A session" if sessions == 1 else f"{sessions:,} sessions, of which one comes back,"
    lines = ["", f"## {who} away for {messages:,} messages", "",
             "| figure | |", "| --- | ---: |"]
    for what, digits, value in table:
        print(f"  {what}: {value:,.{digits}f}", file=sys.stderr)
        lines.append(f"| {what} | {value:,.{digits}f} |")
    return lines


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--build-dir", type=pathlib.Path,
                        default=HERE.parent / "build" / "release",
                        help="where eztcloud and bench/eztcloud-bench were built (%(default)s)")
    parser.add_argument("--rounds", type=int, default=3, help="(%(default)s)")
    parser.add_argument("--seconds", type=float, default=4,
                        help="that a run with deliveries is measured for (%(default)s)")
    parser.add_argument("--away", nargs="+", default=["5000000x1", "10000000x1001"],
                        metavar="MESSAGESxSESSIONS", help="(%(default)s)")
    parser.add_argument("--live-rate", type=int, default=5000,
                        help="messages a second while a session catches up (%(default)s)")
    parser.add_argument("--folder", help="where data directories are made (the system's)")
    parser.add_argument("--out", type=pathlib.Path, help="folder for the page with the results")
    return parser.parse_args()


def page(arguments: argparse.Namespace) -> str:
    began = datetime.datetime.now()
    lines = [f"# {began:%Y-%m-%d %H:%M}, {common.commit()}: the journal", "",
             f"- machine: {common.machine()}",
             f"- {common.file_system(arguments.folder or tempfile.gettempdir())}",
             f"- `bench/journal.py`; {arguments.rounds} rounds, the setups in turns, medians; "
             "`bench/README.md` says what the figures mean"]
    for load in loads(arguments.seconds):
        lines += measure_load(arguments, load)
    for pair in arguments.away:
        messages, sessions = (int(number) for number in pair.split("x"))
        lines += measure_away(arguments, messages, sessions)
    return "\n".join(lines) + "\n"


def main() -> int:
    arguments = parse_arguments()
    began = datetime.datetime.now()
    arguments.bench = (arguments.build_dir / "bench" / "eztcloud-bench").resolve()
    try:
        servers.Eztcloud.find(arguments.build_dir / "eztcloud",
                              "--journal-retention-size 1000000")
        servers.Mosquitto.find()
        if not arguments.bench.is_file():
            raise servers.ServerError(f"{arguments.bench} is missing: `make bench` builds it")
        text = page(arguments)
    except (servers.ServerError, subprocess.TimeoutExpired) as error:
        print(f"bench: {error}", file=sys.stderr)
        return 1 if "not right" in str(error) else 2
    print(text)
    if arguments.out:
        common.write_page(arguments.out, began, "-journal", text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
