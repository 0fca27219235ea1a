"""The description of the API, and that the tests know all of it. (open-api 7)"""
import ast
import json
import subprocess
from pathlib import Path

from lib.http import openapi_of
from lib.streams import DEADLINE_S

HERE = Path(__file__).parent
VERBS = ("get", "post", "patch", "put", "delete")


def test_the_document_is_openapi(server):
    """open-api 7: /openapi.json is a valid OpenAPI 3.1 document."""
    document = openapi_of(server.port("https"), server.ca)
    done = subprocess.run(["node", HERE.parent / "js" / "openapi.mjs"], text=True,
                          input=json.dumps(document), capture_output=True, timeout=DEADLINE_S)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.startswith("OpenAPI 3.1")


def text_of(node, names):
    """The text of a constant, of a name that stands for one, or of a sum of those; None: of none."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    if isinstance(node, ast.Name):
        return names.get(node.id)
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        parts = text_of(node.left, names), text_of(node.right, names)
        return None if None in parts else "".join(parts)
    return None


def calls_of_the_tests():
    """What tests call by a path as the document writes it: (method, path)."""
    for path in HERE.glob("*.py"):
        names = {}
        nodes = list(ast.walk(ast.parse(path.read_text())))  # outer ones first
        for node in nodes:
            if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
                names[node.targets[0].id] = text_of(node.value, names)
        for node in nodes:
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and \
                    node.func.attr in VERBS and node.args:
                yield node.func.attr, text_of(node.args[0], names)


def test_every_route_is_called_by_a_test(server):
    """open-api 7: nothing is in the document that no test has seen working."""
    document = openapi_of(server.port("https"), server.ca)
    routes = {(method, path) for path, item in document["paths"].items() for method in item}
    # logging in is what lib.http does for every test
    called = set(calls_of_the_tests()) | {("post", "/api/v1/login"), ("post", "/api/v1/setup"),
                                          ("get", "/openapi.json"), ("post", "/api_login/")}
    assert not routes - called, "add a test in tests/e2e/30_http"


def test_what_can_be_changed_can_be_read(server):
    """open-api 7: If-Match on each change and removal, with the tag of a GET of the same path."""
    document = openapi_of(server.port("https"), server.ca)
    for path, item in document["paths"].items():
        for method in {"patch", "delete"} & item.keys():
            named = [parameter["name"] for parameter in item[method]["parameters"]]
            assert "If-Match" in named and "get" in item, (method, path)


def test_what_needs_nothing_says_so(server):
    """open-api 7: the document tells of each route how to log in for it."""
    document = openapi_of(server.port("https"), server.ca)
    open_to_all = {path for path, item in document["paths"].items()
                   for operation in item.values() if operation["security"] == []}
    assert "/api/v1/login" in open_to_all and "/api/v1/projects" not in open_to_all
