#!/usr/bin/python3
"""Which test proves which requirement of MQTT: tests/conformance.tsv.

A row is a requirement that MQTT 3.1.1 or 5.0 makes of a server (`version`: 5, 3.1.1, or both). Its
column `tests` comes from the docstrings of tests/e2e, which name the rows that a test proves:

    [MQTT-3.1.2-3], -9, -11    the rows MQTT-3.1.2-3, MQTT-3.1.2-9, MQTT-3.1.2-11
    [MQTT-3.2.2-10] to -14     a range
    X-5-3.14.2-forms, -flags   rows without a number in the standard; the same for X-RFC6455-
    3.1.1 [MQTT-3.1.0-1], -2   the rows of 3.1.1: up to the end of the sentence

An identifier that both standards use for different things means that of 5.0 without `3.1.1`.

    tools/conformance.py --write    fills the column in
    tools/conformance.py --check    an error when it is stale, when a row that applies has no test,
                                    when a docstring names no row, or when a row that does not apply
                                    has no reason in `note`
"""
import argparse
import ast
import csv
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
TABLE = ROOT / "tests" / "conformance.tsv"
TESTS = ROOT / "tests" / "e2e"
COLUMNS = ["id", "version", "area", "applies", "requirement", "tests", "note"]
SHOWN = 4  # tests of a row; the number of the others follows

REFERENCE = re.compile(r"""
    (?P<version> \b3\.1\.1\b(?=\ +\[?(?:MQTT|X)-) )
  | \[? (?P<base> MQTT-[\d.]+ | X-(?:5-|RFC6455-)?[\d.]+ | X-[A-Za-z]+ ) - (?P<first> \w+ ) \]?
    (?P<more> (?: (?:,\ |,?\ and\ |\ to\ ) -\w+ \]? (?![\d.]*-) )* )
  | (?P<end> \.(?:\ |$) )
""", re.VERBOSE)
MORE = re.compile(r"(?P<to> to )?[, a-z]*-(?P<name>\w+)")


def names_of(match):
    """The identifiers of one reference with its list."""
    base, last = match["base"], match["first"]
    yield f"{base}-{last}"
    for more in MORE.finditer(match["more"]):
        if more["to"]:
            yield from (f"{base}-{n}" for n in range(int(last) + 1, int(more["name"])))
        last = more["name"]
        yield f"{base}-{last}"


def references(docstring):
    """Pairs of an identifier and whether it is said to be of 3.1.1."""
    is_old = False
    for match in REFERENCE.finditer(re.sub(r"\s+", " ", docstring)):
        if match["version"]:
            is_old = True
        elif match["end"]:
            is_old = False
        else:
            yield from ((name, is_old) for name in names_of(match))


def read_rows():
    with TABLE.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE))
    if rows and list(rows[0]) != COLUMNS:
        sys.exit(f"{TABLE}: the columns are not {COLUMNS}")
    return rows


def find_row(rows, name, is_old):
    """The key of the row that a reference means, or None."""
    order = ("3.1.1", "both", "5") if is_old else ("5", "both", "3.1.1")
    return next(((name, version) for version in order if (name, version) in rows), None)


def docstrings(path):
    """Each test of a module with its docstring; what the module's says holds for all of them."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
            yield node.name, ast.get_docstring(node) or ""


def collect(rows):
    """Tests by row, and faults."""
    found, faults = {key: [] for key in rows}, []
    for path in sorted(TESTS.glob("[0-9]*/test_*.py")):
        where = str(path.relative_to(TESTS))
        for test, text in docstrings(path):
            for name, is_old in references(text):
                key = find_row(rows, name, is_old)
                if key is None:
                    faults.append(f"tests/e2e/{where}::{test}: {name} is no row of the table")
                elif f"{where}::{test}" not in found[key]:
                    found[key].append(f"{where}::{test}")
    return found, faults


def column(tests):
    more = [f"+{len(tests) - SHOWN}"] if len(tests) > SHOWN else []
    return " ".join(tests[:SHOWN] + more)


def check(table, found):
    for row in table:
        name = f"{row['id']} ({row['version']})"
        tests = found[row["id"], row["version"]]
        if row["applies"] == "yes" and not tests:
            yield f"{name}: no test names it: {row['requirement']}"
        if row["applies"] != "yes" and not row["note"]:
            yield f"{name}: it does not apply, and `note` does not say why"
        if row["tests"] != column(tests):
            yield f"{name}: the column `tests` is stale: run tools/conformance.py --write"


def write(table, found):
    lines = ["\t".join(COLUMNS)]
    for row in table:
        row["tests"] = column(found[row["id"], row["version"]])
        lines.append("\t".join(row[name] for name in COLUMNS))
    TABLE.write_text("\n".join(lines) + "\n", encoding="utf-8")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    mode = parser.add_mutually_exclusive_group(required=True)
    mode.add_argument("--write", action="store_true", help="fill the column `tests` in")
    mode.add_argument("--check", action="store_true", help="only look, and fail on faults")
    options = parser.parse_args()

    table = read_rows()
    found, faults = collect({(row["id"], row["version"]) for row in table})
    if options.write:
        write(table, found)
    faults += check(table, found)
    for fault in faults:
        print(f"conformance: {fault}")
    applying = [row for row in table if row["applies"] == "yes"]
    print(f"conformance: {len(table)} rows, {len(applying)} apply, {len(faults)} faults")
    sys.exit(1 if faults else 0)


if __name__ == "__main__":
    main()
