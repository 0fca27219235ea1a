from itertools import count

import pytest

from lib.passes import Secret
from lib.world import Project

_names = count(1)


@pytest.fixture
def own(server):
    """A project of the test's own."""
    return Project.add(server, "secrets")


@pytest.fixture
def secret(own):
    """Adds a secret to it: name and flags."""
    def add(*flags, name=None):
        return Secret.add(own, name or f"s{next(_names)}", *flags)
    return add
