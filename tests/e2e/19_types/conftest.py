"""Device types for the tests of this directory."""
import json

import pytest


@pytest.fixture
def make_type(server, tmp_path):
    """Gives a device a new type of this definition."""
    def make(login, definition):
        path = tmp_path / "type.json"
        path.write_text(json.dumps({"name": "type", "definition": definition}))
        made = server.cli("type", "add", "--project", login.project_key, "--file", path)
        server.cli("device", "set", login.username, "--project", login.project_key,
                   "--type", made["product_key"])
    return make
