"""Peers that are slow on purpose, and too many of them. (open-api 8)"""
import http.client
import ssl

from lib.http import Api
from lib.server import wait_until
from lib.streams import TlsStream

SERVER_OPTIONS = ("--http-request-timeout", 8, "--http-idle-timeout", 3,
                  "--http-connections-per-address-max", 4, "--connect-timeout", 4)
SETUP = b"GET /api/v1/setup HTTP/1.1\r\nHost: h\r\n\r\n"


def connect(server):
    return TlsStream(server.port("https"), server.ca)


def read_all(stream):
    data = b""
    while more := stream.read():
        data += more
    return data


def counters(server):
    api = Api(server).set_up()
    found = {c["name"]: c["value"] for c in api.get("/api/v1/server/counters")["items"]}
    api.close()
    return found


def test_a_head_that_does_not_end(server):
    """open-api 8: a first request that does not come in the time of a CONNECT."""
    stream = connect(server)
    stream.send(SETUP[:-2])
    assert read_all(stream) == b""
    stream.close()


def test_a_body_that_does_not_end(server):
    """open-api 8: a request that comes drop by drop is closed when its time is over."""
    before = counters(server)["http_conns_timed_out"]
    stream = connect(server)
    stream.send(b"POST /api/v1/login HTTP/1.1\r\nHost: h\r\nContent-Length: 1000\r\n\r\n")
    stream.socket.settimeout(0.1)
    while True:
        try:
            stream.socket.sendall(b"x")
            if stream.socket.recv(1) == b"":
                break
        except TimeoutError:
            continue
        except (ConnectionError, ssl.SSLError):
            break
    stream.close()
    assert counters(server)["http_conns_timed_out"] == before + 1


def test_a_second_head_that_does_not_end(server):
    """open-api 8: so does a later request of a connection that was kept."""
    stream = connect(server)
    stream.send(SETUP)
    assert b"needed" in stream.read()
    stream.send(SETUP[:-2])
    assert read_all(stream) == b""
    stream.close()


def test_a_connection_that_is_idle(server):
    """open-api 8: it is kept for a while and closed then, without a fault."""
    stream = connect(server)
    stream.send(SETUP)
    assert read_all(stream).count(b"needed") == 1
    stream.close()


def test_the_connections_of_one_address_are_bounded(server):
    """open-api 8: who comes when there is no room takes the place of the one that is idle longest,
    or hears 503; in the end there are no more than there may be."""
    streams = [connect(server) for _ in range(12)]
    for stream in streams:
        stream.send(SETUP)
    heads = [stream.read()[:12] for stream in streams]
    assert set(heads) <= {b"HTTP/1.1 200", b"HTTP/1.1 503", b""} and b"HTTP/1.1 200" in heads
    assert b"HTTP/1.1 503" in heads or b"" in heads
    for stream in streams:
        stream.close()
    wait_until(lambda: tries(server), "room for a new connection")


def tries(server):
    connection = http.client.HTTPSConnection(
        "localhost", server.port("https"),
        context=ssl.create_default_context(cafile=server.ca))
    try:
        connection.request("GET", "/api/v1/setup")
        return connection.getresponse().status == 200
    except (ConnectionError, http.client.HTTPException):
        return False
    finally:
        connection.close()
