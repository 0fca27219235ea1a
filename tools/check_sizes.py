#!/usr/bin/python3
"""Names the files longer than 600 lines and the functions longer than 60.

Both are what code that reads well keeps to anyway; something longer stays only where splitting
would tear one subject apart. Reports only, unless --strict is given. Lists (*.def) do not count.
"""

import argparse
import pathlib
import re
import sys

FILE_LINES = 600
FUNCTION_LINES = 60
FOLDERS = ("src", "tests", "bench")
# With the braces as .clang-format puts them, a function's body is what stands between a brace
# alone in the first column and the next one.
NAME = re.compile(r"\b([a-z_]\w*)\s*\(")
SIGNATURE_ENDS = ("", "}", ";", "*/")


def functions(lines: list[str]) -> list[tuple[str, int, int]]:
    """(name, first line counted from 1, number of lines, signature and braces included)."""
    found = []
    opened = None
    for index, line in enumerate(lines):
        if line == "{":
            opened = index
        elif line == "}" and opened is not None:
            first = opened
            while first > 0 and not lines[first - 1].startswith("#") \
                    and not lines[first - 1].rstrip().endswith(SIGNATURE_ENDS[1:]) \
                    and lines[first - 1].strip():
                first -= 1
            name = NAME.search(" ".join(lines[first:opened]))
            found.append((name.group(1) if name else "?", first + 1, index - first + 1))
            opened = None
    return found


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--strict", action="store_true", help="exit 1 if anything is too long")
    strict = parser.parse_args().strict

    root = pathlib.Path(__file__).resolve().parent.parent
    long_ones = 0
    lengths = []
    files = [p for folder in FOLDERS for p in sorted((root / folder).rglob("*"))
             if p.suffix in (".c", ".cpp", ".h") and "node_modules" not in p.parts]
    for path in files:
        lines = path.read_text(encoding="utf-8").splitlines()
        name = path.relative_to(root)
        if len(lines) > FILE_LINES:
            print(f"{name}: {len(lines)} lines (usually up to {FILE_LINES})")
            long_ones += 1
        for function, first, length in functions(lines):
            lengths.append(length)
            if length > FUNCTION_LINES:
                print(f"{name}:{first}: {function} has {length} lines "
                      f"(usually up to {FUNCTION_LINES})")
                long_ones += 1

    lengths.sort()
    median = lengths[len(lengths) // 2] if lengths else 0
    short = sum(length <= FUNCTION_LINES for length in lengths)
    share = 100 * short / len(lengths) if lengths else 100
    print(f"sizes: {len(files)} files, {len(lengths)} functions (median {median} lines, "
          f"{share:.1f} % up to {FUNCTION_LINES}), {long_ones} too long")
    return 1 if strict and long_ones else 0


if __name__ == "__main__":
    sys.exit(main())
