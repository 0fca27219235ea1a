"""The examples of a page of documentation, as programs that can be run."""
import re

from lib.server import REPOSITORY

DOCS = REPOSITORY / "docs"
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.S | re.M)


def blocks(page):
    """Language and text of each example of a page."""
    return BLOCK.findall((DOCS / page).read_text(encoding="utf-8"))


def example(page, heading):
    """Language and text of the first example below a heading."""
    text = (DOCS / page).read_text(encoding="utf-8")
    return BLOCK.search(text, text.index(f"\n## {heading}\n")).groups()


def filled_in(text, **values):
    """The text with its placeholders replaced, each of which must be there."""
    for name, value in values.items():
        assert name in text, f"{name} is not in the example"
        text = text.replace(name, str(value))
    return text
