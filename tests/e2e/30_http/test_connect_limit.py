"""How often an address may ask for quick connections. (open-api 7, device-protocol)"""
import http.client
import json
import ssl

from lib.http import Api
from lib.streams import DEADLINE_S

SERVER_OPTIONS = ["--http-connect-calls", 5]

FIND = "/api/connect/2/"


def ask_from(server, address):
    connection = http.client.HTTPSConnection(
        "localhost", server.port("https"), timeout=DEADLINE_S, source_address=(address, 0),
        context=ssl.create_default_context(cafile=server.ca))
    connection.request("GET", FIND + "?product=none&sn=1")
    answer = connection.getresponse()
    body = json.loads(answer.read())
    connection.close()
    return answer.status, body, answer.headers


def test_so_many_an_hour(server, nobody):
    """open-api 7, device-protocol "Quick connection": so many an hour and address, of both forms
    together; other routes and other addresses go on."""
    assert [ask_from(server, "127.0.0.1")[0] for _ in range(5)] == [436] * 5
    status, body, headers = ask_from(server, "127.0.0.1")
    assert status == 429 and body["result"] != 0 and 0 < int(headers["Retry-After"]) <= 3600
    assert nobody.request("POST", "/api/connect/1/", "{}").status == 429
    assert ask_from(server, "127.0.0.2")[0] == 436
    nobody.get("/api/v1/setup")
