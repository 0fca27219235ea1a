"""HTTP itself: methods, bodies, faults, connections. (open-api 2, 7)"""
import json
import ssl

import pytest

from lib.cases import table
from lib.http import PASSWORD
from lib.streams import TcpStream, TlsStream

LIMIT = 1024 * 1024


def raw(server):
    return TlsStream(server.port("https"), server.ca)


def read_until(stream, end):
    data = b""
    while end not in data:
        more = stream.read()
        assert more, f"closed after {data!r}"
        data += more
    return data


def read_all(stream):
    data = b""
    while more := stream.read():
        data += more
    return data


def test_a_connection_serves_many_requests(server, nobody):
    """open-api 7: HTTP/1.1 keeps its connections."""
    nobody.get("/api/v1/setup")
    first = nobody.connection.sock
    for _ in range(20):
        nobody.get("/api/v1/setup")
    assert nobody.connection.sock is first


def test_requests_may_follow_each_other_without_waiting(server):
    """open-api 7: pipelined requests are answered in order."""
    stream = raw(server)
    stream.send(b"GET /api/v1/setup HTTP/1.1\r\nHost: h\r\n\r\n" * 2 +
                b"GET /nothing HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")
    answers = read_all(stream).split(b"HTTP/1.1 ")[1:]
    assert [a[:3] for a in answers] == [b"200", b"200", b"404"]
    stream.close()


def test_http_1_0_is_answered_and_closed(server):
    """open-api 7: an old client gets its answer."""
    stream = raw(server)
    stream.send(b"GET /api/v1/setup HTTP/1.0\r\n\r\n")
    data = read_all(stream)
    assert b" 200 " in data.split(b"\r\n")[0] and b'"needed"' in data
    stream.close()


def test_head_has_no_body(nobody):
    """open-api 7: HEAD answers as GET, without the body."""
    got = nobody.get("/api/v1/setup")
    head = nobody.request("HEAD", "/api/v1/setup")
    assert head.status == 200 and head.body == b""
    assert head.headers["Content-Length"] == got.headers["Content-Length"]


def test_options_tells_the_methods(nobody):
    """open-api 7: OPTIONS and 405 name what a path has."""
    options = nobody.request("OPTIONS", "/api/v1/projects")
    assert options.status == 204 and options.headers["Allow"] == "GET, HEAD, OPTIONS, POST"
    refused = nobody.call("PUT", "/api/v1/projects", {}, expect=405)
    assert refused.headers["Allow"] == "GET, HEAD, OPTIONS, POST"


def test_nothing_is_there(nobody):
    """open-api 7: 404 is a problem too."""
    for path in ("/nothing", "/api/v1", "/api/v1/projects/", "/api/v1/projects/x/y/z", "/%2e%2e/"):
        answer = nobody.request("GET", path)
        assert answer.status == 404, path
        assert answer["type"] == "urn:eztcloud:problem:not_found"


def test_a_method_that_nobody_knows(nobody):
    """open-api 7: 501 for a method that is none."""
    assert nobody.request("BREW", "/api/v1/projects").status == 501


@pytest.mark.parametrize("body, line, column", [
    ("{", 1, 1), ('{"username": "a",\n "password" 1}', 2, 13), ("", 1, 1), ("[1,]", 1, 4),
    ('{"username": "\\ud800", "password": "x"}', 1, None), ("[" * 40 + "]" * 40, 1, None)])
def test_what_is_no_json_is_placed(nobody, body, line, column):
    """open-api 3.3, 7: a fault of the JSON is told with line and column."""
    answer = nobody.call("POST", "/api/v1/login", raw=body, expect=400,
                         headers={"Content-Type": "application/json"})
    assert answer["type"] == "urn:eztcloud:problem:malformed"
    if column:
        assert answer["line"] == line and abs(answer["column"] - column) <= 1, answer


@pytest.mark.parametrize("body, field", [
    ({"username": "a"}, "password"), ({"username": 1, "password": "x"}, "username"),
    ({"username": "a", "password": "x", "pasword": "x"}, "pasword"), ([], "")])
def test_what_the_schema_refuses_is_named(nobody, body, field):
    """open-api 7: 422 names the member; a typing error is told, not swallowed."""
    answer = nobody.post("/api/v1/login", body, expect=422)
    assert answer["type"] == "urn:eztcloud:problem:invalid" and answer["field"] == field


def test_a_query_parameter_with_a_typing_error_is_told(admin):
    """open-api 7: an unknown query parameter is no filter that does not filter."""
    answer = admin.get("/api/v1/projects", query={"limti": 3}, expect=422)
    assert answer["field"] == "limti"
    for limit in ("0", "1001", "-1", "x", "1x", "99999999999999999999"):
        assert admin.get("/api/v1/projects", query={"limit": limit}, expect=422)["field"] == "limit"


def test_a_body_of_another_type(nobody):
    """open-api 7: 415 for what is no JSON by its own word."""
    nobody.call("POST", "/api/v1/login", raw=b"username=a&password=b", expect=415,
                headers={"Content-Type": "application/x-www-form-urlencoded"})
    nobody.call("POST", "/api/v1/login", raw=b"{}", expect=422,
                headers={"Content-Type": "application/json; charset=utf-8"})


def test_a_body_that_is_too_large(nobody):
    """open-api 8: 413 beyond 1 MiB, sent whole or in chunks; the connection goes on."""
    just = b'{"username": "' + b"a" * (LIMIT - 32) + b'", "password": ""}'
    assert len(just) <= LIMIT
    json_type = {"Content-Type": "application/json"}
    nobody.call("POST", "/api/v1/login", raw=just, expect=422, headers=json_type)
    nobody.call("POST", "/api/v1/login", raw=b"x" * (LIMIT + 1), expect=413, headers=json_type)
    nobody.call("POST", "/api/v1/login", raw=iter([b"x" * 65536] * 17), expect=413,
                headers=json_type)
    nobody.get("/api/v1/setup")


def test_a_target_that_is_too_long(server, nobody):
    """open-api 8: 414 beyond 4096 bytes of path and query."""
    assert nobody.request("GET", "/" + "a" * 4096).status == 414
    nobody.close()


def test_a_body_in_chunks(nobody):
    """open-api 7: a chunked body is a body."""
    nobody.call("POST", "/api/v1/login", raw=iter([b'{"user', b'name": "x", "password": "y"}']),
                expect=401, headers={"Content-Type": "application/json"})


def test_who_asks_before_sending_is_told_to_go_on(server):
    """open-api 7: Expect: 100-continue."""
    stream = raw(server)
    body = json.dumps({"username": "x", "password": "y"}).encode()
    stream.send(b"POST /api/v1/login HTTP/1.1\r\nHost: h\r\nContent-Type: application/json\r\n"
                b"Content-Length: %d\r\nExpect: 100-continue\r\n\r\n" % len(body))
    assert read_until(stream, b"\r\n\r\n").startswith(b"HTTP/1.1 100 ")
    stream.send(body)
    assert read_until(stream, b"\r\n\r\n").startswith(b"HTTP/1.1 401 ")
    stream.close()


def half_closed_answer(server, request):
    """Sends a request and the end of our side (close_notify), then reads on to the server's end."""
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    tls = ssl.create_default_context(cafile=server.ca).wrap_bio(
        incoming, outgoing, server_hostname="localhost")
    stream = TcpStream(server.port("https"))

    def run(step):
        while True:
            try:
                return step()
            except ssl.SSLWantReadError:
                stream.send(outgoing.read())
                more = stream.read()
                incoming.write(more) if more else incoming.write_eof()

    run(tls.do_handshake)
    tls.write(request)
    try:
        tls.unwrap()
    except ssl.SSLWantReadError:
        stream.send(outgoing.read())
    data = b""
    try:
        while more := run(lambda: tls.read(65536)):
            data += more
    except ssl.SSLZeroReturnError:
        pass
    stream.close()
    return data


def test_who_has_said_everything_still_gets_the_answer(server):
    """open-api 7: the end of the client's side ends only that side."""
    data = half_closed_answer(server, b"GET /openapi.json HTTP/1.1\r\nHost: h\r\n\r\n")
    head, body = data.split(b"\r\n\r\n", 1)
    assert head.startswith(b"HTTP/1.1 200 ") and json.loads(body)["openapi"] == "3.1.0"


def test_every_answer_is_careful(nobody, admin):
    """open-api 7: no answer may be sniffed, framed, or kept where it should not be."""
    for answer in (nobody.get("/api/v1/setup"), nobody.get("/nothing", expect=404),
                   nobody.get("/api/v1/projects", expect=401), admin.get("/api/v1/projects")):
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["X-Frame-Options"] == "DENY"
        assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
        assert answer.headers["Referrer-Policy"] == "no-referrer"
        assert answer.headers["Cache-Control"] in ("no-store", "private, no-cache")
    assert nobody.get("/api/v1/projects", expect=401).headers["WWW-Authenticate"]


def test_what_is_known_is_not_sent_again(admin):
    """open-api 7: ETag, If-None-Match."""
    first = admin.get("/api/v1/projects")
    again = admin.get("/api/v1/projects", expect=304,
                      headers={"If-None-Match": f'"x", W/{first.headers["ETag"]}'})
    assert again.body == b"" and again.headers["ETag"] == first.headers["ETag"]
    admin.get("/api/v1/projects", headers={"If-None-Match": '"x"'})


def test_a_change_of_what_was_changed_meanwhile(admin):
    """open-api 7: If-Match keeps one operator from undoing what another has done."""
    path = "/api/v1/projects/{project_key}"
    key = admin.post("/api/v1/projects", {"name": "one"})["project_key"]
    tag = admin.get(path, project_key=key).headers["ETag"]
    admin.patch(path, {"name": "two"}, project_key=key, headers={"If-Match": tag})
    late = admin.patch(path, {"name": "three"}, project_key=key, headers={"If-Match": tag},
                       expect=412)
    assert late["type"] == "urn:eztcloud:problem:gone_stale"
    admin.delete(path, project_key=key, headers={"If-Match": tag}, expect=412)
    assert admin.get(path, project_key=key)["name"] == "two"
    tag = admin.get(path, project_key=key).headers["ETag"]
    admin.delete(path, project_key=key, headers={"If-Match": tag})


PROJECT = "/api/v1/projects/{project_key}"
REMOVED = {
    "project": ("/api/v1/projects", {"name": "one"}),
    "secret": (PROJECT + "/secrets", {"name": "one"}),
    "type": (PROJECT + "/types", {"name": "one"}),
    "device": (PROJECT + "/devices", {}),
    "alarm rule": (PROJECT + "/alarm_rules", {"definition": {
        "name": "one", "level": "normal", "source": {"devices": ["DU_0000000001"]},
        "trigger": {"offline": True}}}),
    "notifier": (PROJECT + "/notifiers", {"name": "one", "url": "https://hooks.example"}),
    "operator": ("/api/v1/operators", {"username": "one", "password": PASSWORD,
                                       "role": "viewer"}),
}


@table("path, form", REMOVED)
def test_only_what_was_read_is_removed(admin, project, path, form):
    """open-api 7: If-Match on DELETE of everything."""
    made = admin.post(path, form, project_key=project.key)
    where = made.headers["Location"]
    tag = admin.request("GET", where).headers["ETag"]
    assert admin.request("DELETE", where, headers={"If-Match": '"x"'}).status == 412
    assert admin.request("GET", where).headers["ETag"] == tag
    assert admin.request("DELETE", where, headers={"If-Match": f'"x", {tag}'}).status == 204
    assert admin.request("GET", where).status == 404


def test_a_tag_outlives_the_server(server, admin):
    """open-api 7: who has read before a restart may change after it."""
    path = "/api/v1/projects/{project_key}"
    values = path + "/devices/{device}/attributes"
    key = admin.post("/api/v1/projects", {"name": "one"})["project_key"]
    device = admin.post(path + "/devices", {}, project_key=key)["username"]
    admin.patch(values, {"a": 1}, project_key=key, device=device)
    tags = [admin.get(path, project_key=key).headers["ETag"],
            admin.get(values, project_key=key, device=device).headers["ETag"]]
    server.stop()
    server.start()
    admin.close()
    admin.get(path, project_key=key, headers={"If-None-Match": tags[0]}, expect=304)
    admin.patch(values, {"a": 2}, project_key=key, device=device, headers={"If-Match": tags[1]})
    admin.patch(values, {"a": 3}, project_key=key, device=device, headers={"If-Match": tags[1]},
                expect=412)
    admin.patch(path, {"name": "two"}, project_key=key, headers={"If-Match": tags[0]})
    admin.patch(path, {"name": "three"}, project_key=key, headers={"If-Match": tags[0]}, expect=412)


def test_websockets_are_served_beside(project, net):
    """open-api 2: wss works on the HTTPS port too."""
    app = net.client(net.wss("https").open()).connect(None, project.key, project.secret)
    assert app.connack.code == 0
    app.ping()


def test_the_wss_port_serves_no_http(server):
    """open-api 2: the port of the application API answers plain HTTP with 426."""
    stream = TlsStream(server.port("app_wss"), server.ca)
    stream.send(b"GET /api/v1/setup HTTP/1.1\r\nHost: h\r\n\r\n")
    assert read_until(stream, b"\r\n\r\n").startswith(b"HTTP/1.1 426 ")
    stream.close()
