#!/usr/bin/python3
"""Makes pages of the manual from the tables of the program.

    src/app/options.def      OPTION(name, TYPE, "default", min, max, "unit", reloadable, "help")
    src/<layer>/events.def   EVENT(NAME, LEVEL, "text", "what to do")
    src/<layer>/counters.def COUNTER(NAME, KIND, "unit", "help")

become docs/options.md, docs/events.md and docs/counters.md. With --check nothing is written, and
a page that differs from its table is an error. A page without a table is not made.

What the written pages of QUOTING say of options and counters in their tables is held against the
same .def files: a default that is another one, and a name that does not exist, are errors.
"""

import argparse
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent

QUOTING = ("docs/mqtt.md", "docs/zh-CN/mqtt.md")
OPTION_HEADS, DEFAULT_HEADS = ("option", "配置项"), ("default", "默认值")
COUNTER_HEADS = ("counter", "计数器")

TOKEN = re.compile(r"""
    (?P<comment> /\*.*?\*/ | //[^\n]* )
  | (?P<string>  "(?:[^"\\\n]|\\.)*" )
  | (?P<space>   (?:\s|\\\n)+ )
  | (?P<word>    [A-Za-z0-9_.'+-]+ )
  | (?P<other>   . )
""", re.VERBOSE | re.DOTALL)
ESCAPES = {"n": "\n", "t": "\t", '"': '"', "\\": "\\"}


class DefError(Exception):
    """A table that cannot be read."""


def unquote(token: str) -> str:
    return re.sub(r"\\(.)", lambda m: ESCAPES.get(m.group(1), m.group(0)), token[1:-1])


def read_entries(path: pathlib.Path, macro: str, arity: int) -> list[list[str]]:
    """The arguments of each call of `macro`: strings without quotes, the rest as written."""
    text = path.read_text(encoding="utf-8")
    # The macro calls in a #define are no entries; their lines stay, so that numbers are right.
    text = re.sub(r"^[ \t]*#(?:[^\n]*\\\n)*[^\n]*", lambda m: "\n" * m.group().count("\n"), text,
                  flags=re.MULTILINE)
    tokens = [(m.lastgroup, m.group(), m.start()) for m in TOKEN.finditer(text)
              if m.lastgroup != "comment"]
    entries = []
    index = 0
    while index < len(tokens) - 1:
        _, word, start = tokens[index]
        index += 1
        if word != macro or tokens[index][1] != "(":
            continue
        line = text.count("\n", 0, start) + 1
        arguments, index = read_arguments(tokens, index + 1)
        if len(arguments) != arity:
            raise DefError(f"{path}:{line}: {macro} has {len(arguments)} arguments, "
                           f"it should have {arity}")
        entries.append(arguments)
    return entries


def read_arguments(tokens: list[tuple], index: int) -> tuple[list[str], int]:
    """The arguments from behind the opening parenthesis, and the index behind the closing one."""
    arguments = [[]]
    depth = 0
    while index < len(tokens):
        kind, text, _ = tokens[index]
        index += 1
        if text == ")" and depth == 0:
            return [argument_text(a) for a in arguments], index
        if text == "," and depth == 0:
            arguments.append([])
            continue
        depth += {"(": 1, ")": -1}.get(text, 0)
        arguments[-1].append((kind, text))
    raise DefError("a list of arguments has no end")


def argument_text(tokens: list[tuple[str, str]]) -> str:
    """Strings beside each other are one, as in C; anything else is as written."""
    if any(kind == "string" for kind, _ in tokens):
        return "".join(unquote(text) if kind == "string" else text
                       for kind, text in tokens if kind != "space")
    return "".join(" " if kind == "space" else text for kind, text in tokens).strip()


def cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ").strip()


def table(heads: list[str], rows: list[list[str]]) -> str:
    lines = ["| " + " | ".join(heads) + " |", "| " + " | ".join("---" for _ in heads) + " |"]
    lines += ["| " + " | ".join(cell(value) for value in row) + " |" for row in rows]
    return "\n".join(lines) + "\n"


def code(text: str) -> str:
    return f"`{text}`" if text else ""


def title(page: str, source: str, intro: str) -> str:
    return f"# {page}\n\n<!-- Made from {source} by tools/def2doc.py (`make docs`). -->\n\n{intro}\n\n"


def bounds(minimum: str, maximum: str) -> str:
    return "" if minimum == maximum == "0" else f"{minimum} to {maximum}"


def options_page() -> str | None:
    path = ROOT / "src/app/options.def"
    if not path.is_file():
        return None
    rows = []
    for name, kind, default, low, high, unit, reloadable, text in read_entries(path, "OPTION", 8):
        flag = name.replace("_", "-")
        key = name.replace("-", "_")
        reload = "yes" if reloadable.lower() in ("true", "yes", "1", "reloadable") else "no"
        rows.append([code(f"--{flag}"), code(f"EZTCLOUD_{key.upper()}"), code(key), kind.lower(),
                     code(default), bounds(low, high), unit, reload, text])
    return title("Options", "src/app/options.def",
                 "Each option of `eztcloud serve` can be given as a flag, in the environment, or in "
                 "the YAML file that\n`--config` names; the first of the three that gives it wins. "
                 "One that is reloadable takes effect on SIGHUP.") + \
        table(["flag", "environment", "YAML", "type", "default", "bounds", "unit", "reloadable",
               "meaning"], rows)


def layer_pages(name: str, macro: str, heads: list[str], row) -> str | None:
    """One section a layer that has src/<layer>/<name>.def."""
    sections = []
    for path in sorted(ROOT.glob(f"src/*/{name}.def")):
        rows = [row(entry) for entry in read_entries(path, macro, 4)]
        sections.append(f"## {path.parent.name}\n\n{table(heads, rows)}")
    return "\n".join(sections) or None


def events_page() -> str | None:
    body = layer_pages("events", "EVENT", ["event", "level", "text", "what to do"],
                       lambda e: [code(e[0].lower()), e[1].lower(), e[2], e[3]])
    return body and title("Log events", "src/*/events.def",
                          "What the server writes to its log, layer by layer: one line an event, "
                          "with keys and values behind the text.") + body


def counters_page() -> str | None:
    body = layer_pages("counters", "COUNTER", ["counter", "kind", "unit", "meaning"],
                       lambda e: [code(e[0].lower()), e[1].lower(), e[2], e[3]])
    return body and title("Counters", "src/*/counters.def",
                          "What the server counts, layer by layer. Nothing is dropped without a "
                          "counter that says why. Of a counter of times `eztcloud status` and the "
                          "HTTPS API tell what 50, 90 and 99 of 100 did not exceed (`_p50`, "
                          "`_p90`, `_p99`), Prometheus gets a histogram (`_seconds`).") + body


# ---- what written pages quote


def page_tables(text: str):
    """Each row of each table as a dict from the table's heads to its cells, with its line."""
    heads = None
    for number, line in enumerate(text.splitlines(), 1):
        if not line.startswith("|"):
            heads = None
            continue
        cells = [c.strip() for c in re.split(r"(?<!\\)\|", line.strip().strip("|"))]
        if heads is None:
            heads = cells
        elif set(line) - set("| -:"):
            yield number, dict(zip(heads, cells))


def pick(row: dict[str, str], heads: tuple[str, ...]) -> str:
    return next((row[head] for head in heads if head in row), "")


def quote_faults(page: str, defaults: dict[str, str], counters: set[str]) -> list[str]:
    """A row that names one option and a number as its default, and all names of counters."""
    faults = []
    for number, row in page_tables((ROOT / page).read_text(encoding="utf-8")):
        options = re.findall(r"`--([a-z0-9-]+)`", pick(row, OPTION_HEADS))
        quoted = re.match(r"[\d,]+", pick(row, DEFAULT_HEADS))
        faults += [f"{page}:{number}: there is no option --{name}"
                   for name in options if name not in defaults]
        if len(options) == 1 and quoted and options[0] in defaults:
            said, default = quoted.group().replace(",", ""), defaults[options[0]]
            if default.isdigit() and said != default:
                faults.append(f"{page}:{number}: the default of --{options[0]} is {default}")
        faults += [f"{page}:{number}: there is no counter {name}"
                   for name in re.findall(r"`([a-z0-9_]+)`", pick(row, COUNTER_HEADS))
                   if name not in counters]
    return faults


def quoting_faults() -> list[str]:
    options = read_entries(ROOT / "src/app/options.def", "OPTION", 8)
    defaults = {entry[0].replace("_", "-"): entry[2] for entry in options}
    counters = {entry[0] for path in ROOT.glob("src/*/counters.def")
                for entry in read_entries(path, "COUNTER", 4)}
    return [fault for page in QUOTING for fault in quote_faults(page, defaults, counters)]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true", help="compare, do not write")
    check = parser.parse_args().check

    stale = []
    pages = {"options": options_page, "events": events_page, "counters": counters_page}
    for name, make in pages.items():
        path = ROOT / "docs" / f"{name}.md"
        try:
            page = make()
        except DefError as error:
            print(str(error).replace(f"{ROOT}/", ""), file=sys.stderr)
            return 1
        if page is None or (path.is_file() and path.read_text(encoding="utf-8") == page):
            continue
        stale.append(f"docs/{name}.md")
        if not check:
            path.parent.mkdir(exist_ok=True)
            path.write_text(page, encoding="utf-8")
            print(f"wrote docs/{name}.md")
    faults = quoting_faults()
    for fault in faults:
        print(fault, file=sys.stderr)
    if check and stale:
        print(f"not as their tables are: {' '.join(stale)} (make docs writes them)")
        return 1
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
