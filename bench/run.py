#!/usr/bin/python3
"""Runs the same load against eztcloud and Debian's mosquitto and prints both beside each other.

Each scenario is run in rounds, the servers taking turns, each time with a fresh server. The figures
are medians over the rounds. README.md says what they mean. Exit code 0: all runs were right;
1: a server lost, doubled, exchanged or refused something; 2: the runs could not be made.
"""

import argparse
import dataclasses
import datetime
import json
import os
import pathlib
import platform
import re
import statistics
import subprocess
import sys
import tempfile

import servers

HERE = pathlib.Path(__file__).resolve().parent
RUN_SECONDS_MAX = 100


@dataclasses.dataclass(frozen=True)
class Figure:
    """One number of the load maker's result."""
    path: str             # in the result, members joined by '/'
    name: str
    digits: int = 1
    factor: float = 1.0
    more_is_better: bool = False


@dataclasses.dataclass(frozen=True)
class Scenario:
    """One load and what is read off it; see scenarios() for the options' common part."""
    what: str
    mode: str
    options: dict[str, int | str]
    figures: list[Figure]
    device_transport: str = "mqtt"
    subscriber_transport: str = "mqtts"
    warm_connections: int = 0  # opened and closed before
    is_durable: bool = False  # nothing that was acknowledged may be lost in a crash


CPU = Figure("server/cpu_us_per_delivery", "server CPU per delivery, µs", 2)
THROUGHPUT = Figure("deliveries_per_s", "deliveries per second", 0, more_is_better=True)
LATENCY = [Figure(f"latency_us/{name}", f"latency {name}, µs", 0)
           for name in ("p50", "p90", "p99", "p99.9", "max")]
MEMORY = Figure("server/rss_bytes_per_connection", "memory per connection, KiB", 1, 1 / 1024)
CONNECTS = [Figure("server/cpu_us_per_connect", "server CPU per connect, ms", 3, 1 / 1000),
            Figure("connects_per_s", "connects per second", 0, more_is_better=True)]


def scenarios(seconds: float, connections: int) -> dict[str, Scenario]:
    """The table of scenarios. As fast as it goes: bounded by windows, for a time."""
    fast = {"duration": round(seconds * 1000), "warmup": 500, "messages": 1_000_000_000,
            "window": 32, "lag": 64, "gather": 500, "size": 200}

    def at_qos(qos: int) -> dict[str, int]:
        return {"qos": qos, "subscribe-qos": qos}

    table = {}
    for qos in (1, 0):
        table[f"fanin-qos{qos}"] = Scenario(
            f"100 devices (TCP, QoS {qos}, window 32, 200 bytes) to one TLS subscriber (QoS {qos})",
            "deliver", fast | at_qos(qos) | {"devices": 100, "subscribers": 1}, [CPU, THROUGHPUT])
    table["fanin-wss"] = Scenario(
        "100 devices (TCP, QoS 1, window 32, 200 bytes) to one wss subscriber (QoS 1)",
        "deliver", fast | at_qos(1) | {"devices": 100, "subscribers": 1}, [CPU, THROUGHPUT],
        subscriber_transport="wss")
    table["durable-qos1"] = Scenario(
        "100 devices (TCP, QoS 1, window 32, 200 bytes) to one TLS subscriber (QoS 1) with a "
        "persistent session, on disk",
        "deliver", fast | at_qos(1) | {"devices": 100, "subscribers": 1, "persistent": ""},
        [CPU, THROUGHPUT], is_durable=True)
    for qos in (1, 0):
        table[f"fanout-qos{qos}"] = Scenario(
            f"one device (TCP, QoS {qos}, window 32, 200 bytes) to 200 TLS subscribers (QoS {qos})",
            "deliver", fast | at_qos(qos) | {"devices": 1, "subscribers": 200}, [CPU, THROUGHPUT])
    table["latency"] = Scenario(
        "10 devices (TCP, QoS 1, 200 bytes), 200 messages a second together, to one TLS subscriber",
        "deliver",
        at_qos(1) | {"devices": 10, "subscribers": 1, "rate": 200, "size": 200,
                     "messages": round(200 * (seconds + 0.5)), "warmup": 500},
        [*LATENCY, CPU])
    table["idle-subscribers"] = Scenario(
        f"{connections} idle TLS connections of subscribers, each with one subscription",
        "idle", {"devices": 0, "subscribers": connections, "hold": 2000}, [MEMORY],
        warm_connections=8)
    table["idle-devices"] = Scenario(
        f"{connections} idle TLS connections of devices",
        "idle", {"devices": connections, "subscribers": 0, "hold": 2000}, [MEMORY],
        device_transport="mqtts", warm_connections=8)
    table["connects"] = Scenario(
        f"{connections} subscribers connect by TLS (full handshakes) and leave, 32 at once",
        "connects", {"devices": 0, "subscribers": connections, "concurrency": 32}, CONNECTS,
        warm_connections=8)
    return table


def load(bench: pathlib.Path, endpoints: servers.Endpoints, scenario: Scenario, mode: str,
         options: dict[str, int | str]) -> dict:
    """One run of the load maker; its result."""
    options = {
        "device-url": endpoints.device[scenario.device_transport],
        "subscriber-url": endpoints.subscriber[scenario.subscriber_transport],
        "ca": endpoints.ca,
        "credentials": endpoints.credentials,
        "publish-topic": endpoints.publish_topic,
        "server-pid": endpoints.pid,
        "time-limit": RUN_SECONDS_MAX,
    } | options
    done = subprocess.run(
        [bench, mode, "--json", *(f"--{name}={value}" if value != "" else f"--{name}"
                                    for name, value in options.items())],
        capture_output=True, text=True, check=False,
        timeout=int(options["time-limit"]) + 60)
    if done.returncode not in (0, 1):
        raise servers.ServerError(done.stderr.strip())
    if done.stderr:
        print(done.stderr.rstrip(), file=sys.stderr)
    return json.loads(done.stdout)


def run_once(kind: type[servers.Server], bench: pathlib.Path, scenario: Scenario) -> dict:
    """A fresh server, one run, and its result."""
    with tempfile.TemporaryDirectory(prefix="eztcloud-bench-") as folder:
        devices = max(1, int(scenario.options["devices"]))
        with kind(pathlib.Path(folder), devices, scenario.is_durable) as endpoints:
            if scenario.warm_connections > 0:
                subscribers = scenario.warm_connections if scenario.options["subscribers"] else 0
                load(bench, endpoints, scenario, "connects",
                     {"subscribers": subscribers,
                      "devices": min(devices, scenario.warm_connections - subscribers)})
            return load(bench, endpoints, scenario, scenario.mode, scenario.options)


def read_figure(result: dict, figure: Figure) -> float:
    value = result
    for name in figure.path.split("/"):
        value = value[name]
    return value * figure.factor


def show(value: float, digits: int) -> str:
    return f"{value:,.{digits}f}"


def times_better(figure: Figure, ours: list[float], theirs: list[float]) -> str:
    our_median, their_median = statistics.median(ours), statistics.median(theirs)
    high, low = (our_median, their_median) if figure.more_is_better else (their_median, our_median)
    return f"{high / low:.1f}" if low > 0 else "–"


class Results:
    """All results, by scenario and server, and how they are told."""

    def __init__(self, table: dict[str, Scenario], kinds: list[type[servers.Server]]):
        self.table = table
        self.kinds = kinds
        self.results = {(name, kind.name): [] for name in table for kind in kinds}

    def add(self, name: str, kind: type[servers.Server], result: dict) -> None:
        self.results[name, kind.name].append(result)

    def values(self, name: str, server: str, figure: Figure) -> list[float]:
        return [read_figure(result, figure) for result in self.results[name, server]
                if result["ok"]]

    def faults(self) -> list[str]:
        """A line for each run that was not right."""
        lines = []
        for (name, server), results in self.results.items():
            for number, result in enumerate(results, 1):
                found = [f"{count} {word}" for word, count in result["faults"].items() if count]
                if found:
                    lines.append(f"{name}, {server}, round {number}: {', '.join(found)}")
        return lines

    def summary(self) -> list[str]:
        """Medians beside each other, as a Markdown table."""
        both = len(self.kinds) == 2
        names = [kind.name for kind in self.kinds]
        head = ["scenario", "figure", *names] + (["times better"] if both else [])
        lines = ["| " + " | ".join(head) + " |",
                 "| --- | --- |" + " ---: |" * (len(head) - 2)]
        for name, scenario in self.table.items():
            for figure in scenario.figures:
                values = [self.values(name, server, figure) for server in names]
                cells = [show(statistics.median(each), figure.digits) if each else "failed"
                         for each in values]
                if both:
                    cells.append(times_better(figure, *values) if all(values) else "–")
                lines.append("| " + " | ".join([name, figure.name, *cells]) + " |")
        return lines

    def rounds(self) -> list[str]:
        """Every round's value, to see how much they differ."""
        lines = ["| scenario | figure | server | rounds |", "| --- | --- | --- | --- |"]
        for name, scenario in self.table.items():
            for figure in scenario.figures:
                for kind in self.kinds:
                    values = self.values(name, kind.name, figure)
                    shown = " · ".join(show(value, figure.digits) for value in values)
                    lines.append(f"| {name} | {figure.name} | {kind.name} | {shown} |")
        return lines

    def tls(self) -> str:
        """What was negotiated; the servers must not differ."""
        return ", ".join(sorted({result["tls"] for results in self.results.values()
                                 for result in results if result["tls"]}))


def first_line(*command: str) -> str:
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=HERE)
    except OSError:
        return ""
    return (done.stdout.strip().splitlines() or [""])[0] if done.returncode == 0 else ""


def commit() -> str:
    """The commit that is measured; marked when the tree has other changes than results."""
    name = first_line("git", "rev-parse", "--short", "HEAD") or "unknown"
    changed = first_line("git", "status", "--porcelain", "--", "..", ":!results")
    return name + ("-changed" if changed else "")


def machine() -> str:
    cpu = "unknown processor"
    with open("/proc/cpuinfo", encoding="utf-8") as info:
        if found := re.search(r"^model name\s*: (.*)$", info.read(), re.MULTILINE):
            cpu = found.group(1)
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return (f"{cpu}, {len(os.sched_getaffinity(0))} cores, {memory:.0f} GiB, "
            f"Linux {platform.release()}")


def file_system(folder: str) -> str:
    """What is below a folder."""
    return first_line("findmnt", "--noheadings", "--output", "FSTYPE,OPTIONS", "--target", folder)


def write_page(folder: pathlib.Path, began: datetime.datetime, kind: str, text: str) -> None:
    """A file in results/; `kind` ends its name."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{began:%Y-%m-%d}-{commit()}{kind}.md"
    path.write_text(text, encoding="utf-8")
    print(f"\nwritten: {path}")


def page(results: Results, arguments: argparse.Namespace, began: datetime.datetime) -> str:
    """The file in results/."""
    mosquitto = re.search(r"mosquitto version (\S+)",
                          subprocess.run([servers.Mosquitto.program, "-h"], text=True, check=False,
                                         capture_output=True).stdout) \
        if servers.Mosquitto in results.kinds else None
    lines = [f"# {began:%Y-%m-%d %H:%M}, {commit()}", "",
             f"- machine: {machine()}",
             f"- {first_line('openssl', 'version')}; negotiated: {results.tls()}"]
    if mosquitto:
        lines.append(f"- mosquitto {mosquitto.group(1)}")
    if arguments.eztcloud_args:
        lines.append(f"- eztcloud with `{arguments.eztcloud_args}`")
    lines += [f"- {arguments.rounds} rounds, the servers in turns, medians; "
              f"`bench/README.md` says what the figures mean", "",
              "\"Times better\" is above 1 where eztcloud is the better one.", "",
              *results.summary(), "", "## Scenarios", ""]
    lines += [f"- **{name}**: {scenario.what}" for name, scenario in results.table.items()]
    lines += ["", "## Rounds", "", *results.rounds()]
    if faults := results.faults():
        lines += ["", "## Faults", "", *(f"- {line}" for line in faults)]
    return "\n".join(lines) + "\n"


def choose(table: dict[str, Scenario], wanted: list[str]) -> dict[str, Scenario]:
    """The scenarios whose names begin with one of those wanted; all without any."""
    for word in wanted:
        if not any(name.startswith(word) for name in table):
            raise servers.ServerError(f"there is no scenario {word}; there are {', '.join(table)}")
    return {name: scenario for name, scenario in table.items()
            if not wanted or any(name.startswith(word) for word in wanted)}


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--build-dir", type=pathlib.Path,
                        default=HERE.parent / "build" / "release",
                        help="where eztcloud and bench/eztcloud-bench were built (%(default)s)")
    parser.add_argument("--eztcloud", type=pathlib.Path, help="the server, if it is elsewhere")
    parser.add_argument("--bench", type=pathlib.Path, help="the load maker, if it is elsewhere")
    parser.add_argument("--servers", default="eztcloud,mosquitto",
                        help="which ones to measure (%(default)s)")
    parser.add_argument("--scenario", nargs="+", default=[], metavar="NAME",
                        help="names, or how they begin (all)")
    parser.add_argument("--rounds", type=int, default=3, help="(%(default)s)")
    parser.add_argument("--seconds", type=float, default=4,
                        help="that a run with deliveries is measured for (%(default)s)")
    parser.add_argument("--connections", type=int, default=2000,
                        help="of the scenarios idle-* and connects (%(default)s)")
    parser.add_argument("--eztcloud-args", default="", metavar="TEXT",
                        help="further options of eztcloud serve")
    parser.add_argument("--out", type=pathlib.Path, help="folder for the page with the results")
    return parser.parse_args()


def find_servers(arguments: argparse.Namespace) -> list[type[servers.Server]]:
    kinds = {kind.name: kind for kind in (servers.Eztcloud, servers.Mosquitto)}
    wanted = arguments.servers.split(",")
    for name in wanted:
        if name not in kinds:
            raise servers.ServerError(f"there is no server {name}; there are {', '.join(kinds)}")
    if "eztcloud" in wanted:
        servers.Eztcloud.find(arguments.eztcloud or arguments.build_dir / "eztcloud",
                              arguments.eztcloud_args)
    if "mosquitto" in wanted:
        servers.Mosquitto.find()
    return [kind for name, kind in kinds.items() if name in wanted]


def measure(arguments: argparse.Namespace) -> Results:
    kinds = find_servers(arguments)
    bench = arguments.bench or arguments.build_dir / "bench" / "eztcloud-bench"
    if not bench.is_file():
        raise servers.ServerError(f"{bench} is missing: build it, or name it with --bench")
    table = choose(scenarios(arguments.seconds, arguments.connections), arguments.scenario)
    results = Results(table, kinds)
    for name, scenario in table.items():
        print(f"{name}: {scenario.what}", file=sys.stderr)
        for number in range(1, arguments.rounds + 1):
            for kind in kinds:
                result = run_once(kind, bench.resolve(), scenario)
                results.add(name, kind, result)
                told = ", ".join(f"{figure.name} {show(read_figure(result, figure), figure.digits)}"
                                 for figure in scenario.figures) if result["ok"] else "FAILED"
                print(f"  round {number}, {kind.name}: {told}", file=sys.stderr)
    return results


def main() -> int:
    arguments = parse_arguments()
    began = datetime.datetime.now()
    try:
        results = measure(arguments)
    except (servers.ServerError, subprocess.TimeoutExpired) as error:
        print(f"bench: {error}", file=sys.stderr)
        return 2
    print("\n".join(results.summary()))
    for line in results.faults():
        print(f"FAILED {line}")
    if arguments.out:
        write_page(arguments.out, began, "", page(results, arguments, began))
    return 1 if results.faults() else 0


if __name__ == "__main__":
    sys.exit(main())
