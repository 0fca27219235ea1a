#!/usr/bin/python3
"""Checks every #include below src/ against src/layers.txt.

A layer includes only what stands beside it in the table; a library is included only by what
wraps it; foo_priv.h only by its own layer; own header first; every header once (#pragma once);
file names are unique in the tree, because names in the code begin with them. One line a fault,
exit 1 if there is any. The table's form is explained in the table.
"""

import argparse
import collections
import dataclasses
import fnmatch
import pathlib
import re
import sys

INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]+(["<])([^">]+)[">]', re.MULTILINE)
# What every layer has, each for itself.
NAMES_OF_EVERY_LAYER = ("events", "counters")
BLOCK_COMMENT = re.compile(r"/\*.*?\*/", re.DOTALL)


@dataclasses.dataclass
class Table:
    """The rules of layers.txt."""

    layers: dict[str, list[str]] = dataclasses.field(default_factory=dict)
    parts: list[tuple[list[str], list[str]]] = dataclasses.field(default_factory=list)
    wrapped: list[tuple[str, list[str], list[str]]] = dataclasses.field(default_factory=list)


def read_table(path: pathlib.Path) -> Table:
    table = Table()
    text = path.read_text(encoding="utf-8").replace("\\\n", " ")
    for number, line in enumerate(text.splitlines(), 1):
        line = line.split("#", 1)[0].strip()
        if not line:
            continue
        left, colon, right = line.partition(":")
        kind, *names = left.split()
        granted = right.split()
        if not colon or (kind == "layer" and len(names) != 1):
            raise SystemExit(f"{path}:{number}: not a rule: {line}")
        if kind == "layer":
            table.layers[names[0]] = granted
        elif kind == "part":
            table.parts.append((names, granted))
        elif kind == "library":
            table.wrapped.append((names[0], names[1:], granted))
        elif kind == "system":
            table.wrapped.append(("these headers", names, granted))
        else:
            raise SystemExit(f"{path}:{number}: unknown kind of rule: {kind}")
    for layer, granted in table.layers.items():
        for name in granted:
            if name.split("/")[0] not in table.layers:
                raise SystemExit(f"{path}: layer {layer} may use {name}, which is no layer")
    return table


def matches(name: str, patterns: list[str]) -> bool:
    return any(fnmatch.fnmatchcase(name, pattern) for pattern in patterns)


def grants(header: str, granted: list[str]) -> bool:
    return header in granted or header.split("/")[0] in granted


def check_own_include(table: Table, name: str, header: str, src: pathlib.Path) -> str | None:
    """A fault of `name` including our own `header`, or None."""
    layer, other = name.split("/")[0], header.split("/")[0]
    if "/" not in header or other not in table.layers:
        return f'"{header}" is not written from src/'
    if not header.endswith(".def") and not (src / header).is_file():
        return None if header.endswith(".inc") else f'"{header}" does not exist'
    if layer != other:
        if pathlib.PurePath(header).stem.endswith("_priv"):
            return f"{header} is private to {other}"
        if not grants(header, table.layers[layer]):
            return f"{layer} may not use {header}"
    for patterns, granted in table.parts:
        if matches(name, patterns) and not matches(header, patterns) \
                and not grants(header, granted):
            return f"this part of {layer} may not use {header}"
    return None


def check_foreign_include(table: Table, name: str, header: str) -> str | None:
    for library, headers, where in table.wrapped:
        if matches(header, headers) and not matches(name, where):
            owner = "" if library == "these headers" else f" ({library})"
            return f"<{header}>{owner} may only be included in {' '.join(where)}"
    return None


def check_file(table: Table, src: pathlib.Path, path: pathlib.Path) -> list[str]:
    name = path.relative_to(src).as_posix()
    layer = name.split("/")[0]
    if layer not in table.layers:
        return [f"{path}: {layer} is no layer of src/layers.txt"]

    faults = []
    text = path.read_text(encoding="utf-8")
    # Comments go, their line ends stay: the numbers below are those of the file.
    text = BLOCK_COMMENT.sub(lambda m: "\n" * m.group().count("\n"), text)
    includes = [(text.count("\n", 0, m.start()) + 1, m.group(1), m.group(2))
                for m in INCLUDE.finditer(text)]
    for line, quote, header in includes:
        if quote == '"':
            fault = check_own_include(table, name, header, src)
        else:
            fault = check_foreign_include(table, name, header)
        if fault:
            faults.append(f"{path}:{line}: {fault}")

    if path.suffix in (".c", ".cpp"):
        own = path.with_suffix(".h").relative_to(src).as_posix()
        if (src / own).is_file() and (not includes or includes[0][2] != own):
            faults.append(f'{path}: its own header "{own}" is not the first include')
    elif path.suffix == ".h" and "#pragma once" not in text:
        faults.append(f"{path}: no #pragma once")
    return faults


def check_names(src: pathlib.Path, paths: list[pathlib.Path]) -> list[str]:
    places = collections.defaultdict(set)
    for path in paths:
        if path.stem not in NAMES_OF_EVERY_LAYER:
            places[path.stem].add(path.relative_to(src).parts[0])
    return [f"{src}: the name {stem} is used in {' and '.join(sorted(layers))}"
            for stem, layers in sorted(places.items()) if len(layers) > 1]


def main() -> int:
    root = pathlib.Path(__file__).resolve().parent.parent
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--src", type=pathlib.Path, default=root / "src")
    src = parser.parse_args().src

    table = read_table(src / "layers.txt")
    paths = sorted(p for p in src.rglob("*") if p.suffix in (".c", ".cpp", ".h"))
    faults = [fault for path in paths for fault in check_file(table, src, path)]
    faults += check_names(src, paths)
    for fault in faults:
        print(fault.replace(f"{root}/", ""))
    print(f"layers: {len(paths)} files, {len(faults)} faults")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
