"""What a type says beside its definitions: answers of the cloud, the rate, the delay of offline."""
import itertools
import json

from lib.cases import V4, V5, table, versions

TOO_FAST = "Device message frequency too fast, please wait for a moment"


def typed(net, make_type, definition, version=V5, subscribe=()):
    login = net.project.device()
    make_type(login, definition)
    return net.device(login, version, subscribe=subscribe)


def answer_of(device, topic):
    return json.loads(device.receive(device.own(topic)).payload)


@versions
@table("report, response, payload", {
    "attributes": ("attributes", "attributes_response", b'{"a": 1}'),
    "event": ("event_report", "event_response", b'{"method": "e"}')})
def test_cloud_response(net, make_type, server, version, report, response, payload):
    """open-api 4: answered when the type says so: error_code 0, OK, and the time."""
    device = typed(net, make_type, {"cloud_response": True}, version, [response])
    device.publish(device.own(report), payload)
    answer = answer_of(device, response)
    assert (answer["error_code"], answer["error_msg"]) == (0, "OK")
    assert list(answer) == ["error_code", "error_msg", "ts"]
    assert isinstance(answer["ts"], int) and answer["ts"] > 1700000000000


@table("definition", {"off": {"cloud_response": False}, "not told": {}})
def test_no_cloud_response(net, make_type, definition):
    """open-api 4: off by default."""
    device = typed(net, make_type, definition, subscribe=["attributes_response"])
    device.publish(device.own("attributes"), b'{"a": 1}')
    device.expect_nothing()


def test_the_answer_to_what_was_refused(net, make_type):
    """open-api 4 and 5: an error when nothing of a report remains."""
    device = typed(net, make_type,
                   {"cloud_response": True, "strict": True},
                   subscribe=["attributes_response", "event_response"])
    device.publish(device.own("attributes"), b'{"a": 1}')
    answer = answer_of(device, "attributes_response")
    assert answer["error_code"] == -1
    assert answer["error_msg"] == 'attribute "a": it is not defined'
    device.publish(device.own("event_report"), b'{"method": "e"}')
    assert answer_of(device, "event_response")["error_msg"] == "the event is not defined"


@table("version, code", {"v3.1.1": (V4, 0), "v5": (V5, 0x97)})
def test_max_rate(net, make_type, server, version, code):
    """open-api 4: more messages a second than the type allows are dropped, answered and recorded;
    the connection stays, and a second later it goes on."""
    limit = 5
    device = typed(net, make_type, {"max_rate": limit, "cloud_response": True}, version,
                   ["attributes_response"])
    app = net.app()
    app.subscribe(device.open("attributes"))
    handed_on, refused = [], 0
    for number in itertools.count():  # until the second is over
        payload = b'{"n": %d}' % number
        answer = device.publish(device.own("attributes"), payload)
        told = answer_of(device, "attributes_response")
        if told["error_code"] == 0:
            assert answer.code == 0
            handed_on.append(payload)
        else:
            assert (told["error_code"], told["error_msg"]) == (-1, TOO_FAST)
            assert answer.code == code
            refused += 1
        if refused and told["error_code"] == 0:
            break
    assert refused >= 1 and len(handed_on) >= limit + 1
    for payload in handed_on:
        app.receive(device.open("attributes"), payload)
    assert "more messages a second than the type allows" in server.log()


def test_offline_delay_of_the_type(net, make_type):
    """open-api 4: the type's own delay: a device that comes back within it was never away."""
    device = typed(net, make_type, {"offline_delay": 3600})
    app = net.app()
    app.subscribe(device.open("online"), device.open("data/s"))
    device.abort()
    again = net.device(device.login)
    again.publish(again.own("data", "s"), b"back")
    app.receive(device.open("data/s"), b"back")
