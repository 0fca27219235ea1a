"""Parameters that many tests share."""
import pytest

from lib.packets import V4, V5, VERSIONS

# Strings that are no legal UTF-8 (MQTT 5.0 section 1.5.4), and one with the zero character.
BAD_UTF8 = {"lone ff": b"a\xff", "overlong": b"a\xc0\xaf", "surrogate": b"a\xed\xa0\x80",
            "above 10ffff": b"a\xf4\x90\x80\x80", "zero": b"a\0b"}


def table(names, rows):
    """Parametrises by a dictionary from each case's name to its values."""
    return pytest.mark.parametrize(names, rows.values(), ids=rows.keys())


versions = table("version", {"v3.1.1": V4, "v5": V5})
each_qos = pytest.mark.parametrize("qos", [0, 1, 2], ids=["qos0", "qos1", "qos2"])

__all__ = ["BAD_UTF8", "V4", "V5", "VERSIONS", "each_qos", "table", "versions"]
