"""The HTTPS API as a client uses it: real requests over TLS, every answer held against
/openapi.json.

    admin = Api(server).set_up()
    project = admin.post("/api/v1/projects", {"name": "New"})
    admin.get("/api/v1/projects/{project_key}", project_key=project["project_key"])
    admin.get("/api/v1/nothing", expect=404)

A path is written as the document has it; its parameters are filled in. `test_openapi.py` reads
these calls out of the tests, so that no route is without one.
"""
import functools
import http.client
import json
import re
import ssl
import time
from hashlib import md5
from urllib.parse import quote, urlencode

import jsonschema

from lib.streams import DEADLINE_S

NOTHING = object()
USERNAME, PASSWORD = "admin", "correct horse battery staple"
COOKIE = "__Host-eztcloud"


class Answer:
    def __init__(self, response):
        self.status, self.headers, self.body = response.status, response.headers, response.read()

    @functools.cached_property
    def json(self):
        return json.loads(self.body)

    def __getitem__(self, key):
        return self.json[key]

    def __repr__(self):
        return f"<{self.status} {self.body[:600]!r}>"


@functools.cache
def openapi_of(port, ca):
    """The document of the server that listens on this port."""
    connection = http.client.HTTPSConnection("localhost", port, timeout=DEADLINE_S,
                                             context=ssl.create_default_context(cafile=ca))
    connection.request("GET", "/openapi.json")
    document = json.loads(connection.getresponse().read())
    connection.close()
    return document


class Api:
    """Somebody who calls: nobody, an operator, or an application. Keeps its connection."""

    def __init__(self, server, headers=None):
        self.server, self.headers = server, dict(headers or {})
        self.connection = None

    # ---- who

    def operator(self, username, password):
        """Logs in; from then on the cookie and the CSRF token go with every request."""
        return self._keep(self.post("/api/v1/login", {"username": username, "password": password}))

    def set_up(self, username=USERNAME, password=PASSWORD):
        """The first operator of the module's server: made by the first who asks."""
        if self.get("/api/v1/setup")["needed"]:
            return self._keep(self.post("/api/v1/setup", {
                "token": setup_token(self.server), "username": username, "password": password}))
        return self.operator(username, password)

    def application(self, project):
        """Logs a project in, as the hosted platform's clients do."""
        token = self.post("/api_login/", {"username": project.key, "password": project.secret})
        self.headers["Authorization"] = "Bearer " + token["token"]
        return self

    def signed(self, project_key, token, timestamp=None):
        """Signs requests with the ProjectToken."""
        timestamp = str(int(time.time()) if timestamp is None else timestamp)
        self.headers.update(user=project_key, timestamp=timestamp,
                            signature=md5((timestamp + token).encode()).hexdigest())
        return self

    def _keep(self, answer):
        cookie = answer.headers["Set-Cookie"].split(";")[0]
        self.headers.update({"Cookie": cookie, "X-CSRF-Token": answer["csrf_token"]})
        return self

    # ---- calls

    def get(self, path, **more):
        return self.call("GET", path, **more)

    def post(self, path, body=NOTHING, **more):
        return self.call("POST", path, body, **more)

    def patch(self, path, body=NOTHING, **more):
        return self.call("PATCH", path, body, **more)

    def delete(self, path, **more):
        return self.call("DELETE", path, **more)

    def call(self, method, path, body=NOTHING, expect=None, query=None, headers=None, raw=None,
             **parameters):
        """`body`: JSON; `raw`: bytes. `expect`: the status (default: the one that the document
        gives for success)."""
        url = re.sub(r"{(\w+)}", lambda m: quote(str(parameters[m[1]]), safe=""), path)
        if query:
            url += "?" + urlencode(query)
        answer = self.request(method, url, json.dumps(body) if body is not NOTHING else raw,
                              {**({"Content-Type": "application/json"} if body is not NOTHING
                                  else {}), **(headers or {})})
        self._check(method, path, answer, expect)
        return answer

    def request(self, method, url, body=None, headers=None):
        """One request as it is; nothing is checked."""
        for attempt in (1, 2):
            fresh = self.connection is None
            if fresh:
                self.connection = http.client.HTTPSConnection(
                    "localhost", self.server.port("https"), timeout=DEADLINE_S,
                    context=ssl.create_default_context(cafile=self.server.ca))
            try:
                self.connection.request(method, url, body, {**self.headers, **(headers or {})})
                answer = Answer(self.connection.getresponse())
                break
            except (http.client.RemoteDisconnected, ConnectionError, ssl.SSLEOFError):
                # a connection that was kept may have been closed meanwhile
                self.close()
                assert not fresh and attempt == 1, "the server closed without an answer"
        if answer.headers.get("Connection", "").lower() == "close":
            self.close()
        return answer

    def close(self):
        if self.connection is not None:
            self.connection.close()
            self.connection = None

    # ---- what an answer must be

    def _check(self, method, path, answer, expect):
        document = openapi_of(self.server.port("https"), self.server.ca)
        operation = document["paths"].get(path, {}).get(method.lower())
        if operation is None:
            assert answer.status == (expect or 404), answer
            return
        good = next(status for status in operation["responses"] if status != "default")
        assert answer.status == int(expect or good), answer
        if answer.status == 304:
            return
        shape = operation["responses"].get(str(answer.status), operation["responses"]["default"])
        if path.startswith("/api") and not path.startswith("/api/v1/") and answer.status >= 400 \
                and answer.headers["Content-Type"] == "application/json":
            return  # failures of the hosted routes have their own form
        if "content" not in shape:
            assert answer.body == b"", answer
            return
        given = answer.headers["Content-Type"].split(";")[0]
        assert given in shape["content"], answer
        schema = shape["content"][given]["schema"]
        if given.endswith("json"):
            jsonschema.validate(answer.json, {**schema, "components": document["components"]},
                                jsonschema.Draft202012Validator)


def setup_token(server):
    """The token of the newest link that the server has printed."""
    return re.findall(r"/#/setup\?token=(\w+)", server.log())[-1]


def is_subscribed(server, project, client_id, topic):
    """Whether this session of an application is connected and has this subscription."""
    api = Api(server).application(project)
    try:
        return any(
            subscription["filter"] == topic
            for session in api.get("/api/v1/projects/{project_key}/sessions",
                                   project_key=project.key)["items"]
            if session["client_id"] == client_id and session["connected"]
            for subscription in session["subscriptions"])
    finally:
        api.close()
