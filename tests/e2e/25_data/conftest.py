"""Devices with a type and a serial number."""
import json
from itertools import count

import pytest

_serials = count(1)


@pytest.fixture
def typed(server, project, tmp_path):
    """A device of a new type with these streams and further members; it has a serial number."""
    def make(streams, sn=None, **more):
        path = tmp_path / "type.json"
        path.write_text(json.dumps({"name": "type", "definition": {"streams": streams, **more}}))
        made = server.cli("type", "add", "--project", project.key, "--file", path)
        login = project.device()
        sn = sn or f"SN-{next(_serials)}"
        server.cli("device", "set", login.username, "--project", project.key,
                   "--type", made["product_key"], "--sn", sn)
        return login, sn
    return make
