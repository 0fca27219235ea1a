"""`attributes_get`: a device asks for its cloud values."""
import json

import pytest

from lib.cases import table, versions

REPORTED = b'{"a":1,"b":"zwei","c":{"d":[1.50,null]},"e":-0.0}'
VALUES = json.loads(REPORTED)


def ask(device, payload=b"{}", qos=1):
    """The whole response, checked but for its attributes."""
    device.publish(device.own("attributes_get"), payload, qos)
    answer = json.loads(device.receive(device.own("attributes_get_response")).payload)
    assert answer.keys() == {"error_code", "error_msg", "attributes", "ts"}, answer
    assert (answer["error_code"], answer["error_msg"]) == (0, "")
    assert isinstance(answer["ts"], int) and answer["ts"] > 1600000000000
    return answer["attributes"]


@versions
@table("payload, keys", {
    "empty object": (b"{}", "abce"), "no keys": (b'{"keys":[]}', "abce"),
    "one": (b'{"keys":["b"]}', "b"), "two": (b'{"keys": ["c", "a"]}', "ac"),
})
def test_forms(net, version, payload, keys):
    """open-api 4: `{}` and an empty list mean all, else the named ones."""
    device = net.device(version=version, subscribe=["attributes_get_response"])
    device.publish(device.own("attributes"), REPORTED)
    assert ask(device, payload) == {key: VALUES[key] for key in keys}


@pytest.mark.parametrize("qos", [0, 1, 2])
def test_each_qos(net, qos):
    """open-api 4: an answer at every QoS of the question."""
    device = net.device(subscribe=["attributes_get_response"])
    device.publish(device.own("attributes"), b'{"a":1}')
    assert ask(device, qos=qos) == {"a": 1}


@table("reported, payload, values", {
    "asked with an escape": (b'{"ab":1,"b":2}', br'{"keys":["a\u0062"]}', {"ab": 1}),
    "reported with an escape": (br'{"a\u0062":1,"b":2}', b'{"keys":["ab"]}', {"ab": 1}),
    "a quote and a backslash": (br'{"a\"b\\":1,"a":2}', br'{"keys":["a\"b\\"]}', {'a"b\\': 1}),
    "several": ('{"温":1,"\U0001f600":2,"c":3}'.encode(),
                br'{"keys":["\ud83d\uDE00","\u6e29","c\u0000"]}', {"温": 1, "\U0001f600": 2}),
    "none": (b'{"a":1}', br'{"keys":["","\n"]}', {}),
})
def test_escapes_in_keys(net, reported, payload, values):
    """open-api 4, RFC 8259 section 8.3: names are compared by what they mean, however written."""
    device = net.device(subscribe=["attributes_get_response"])
    device.publish(device.own("attributes"), reported)
    assert ask(device, payload) == values


def test_values_stay_as_sent(net):
    """open-api 3.2: values are kept byte for byte."""
    device = net.device(subscribe=["attributes_get_response"])
    value = br'{"x":1.50,"y":"\u00e9","z":[1E+2]}'
    device.publish(device.own("attributes"), b'{"v":' + value + b"}")
    device.publish(device.own("attributes_get"), b"{}")
    assert value in device.receive(device.own("attributes_get_response")).payload


def test_of_nothing(net):
    """open-api 4: a device that never reported has no values."""
    device = net.device(subscribe=["attributes_get_response"])
    assert ask(device) == {}


def test_latest_value_wins(net):
    """open-api 3.2 and 3.3: reports and pushes both update the cloud values, key by key; a null is
    a value like any other."""
    device, app = net.device(subscribe=["attributes_get_response"]), net.app()
    device.publish(device.own("attributes"), b'{"a":1,"b":1,"c":1,"a":2}')
    app.publish(device.open("attributes_push"), b'{"b":2}')
    device.publish(device.own("attributes"), b'{"c":3}')
    assert ask(device) == {"a": 2, "b": 2, "c": 3}


def test_pushed_while_away(net):
    """open-api 3.3: an offline device's attributes are updated at once, and it gets them by
    `attributes_get`."""
    login, app = net.project.device(), net.app()
    assert app.publish(login.open("attributes_push"), b'{"target":5}').code == 0x10
    assert ask(net.device(login, subscribe=["attributes_get_response"])) == {"target": 5}


def test_of_each_device_its_own(net):
    """X-ACL-device: values of devices do not mix."""
    first, second = (net.device(subscribe=["attributes_get_response"]) for _ in range(2))
    first.publish(first.own("attributes"), b'{"a":"first"}')
    second.publish(second.own("attributes"), b'{"a":"second"}')
    assert (ask(first), ask(second)) == ({"a": "first"}, {"a": "second"})


def test_without_subscription(net):
    """open-api 4: who has not subscribed to the response gets none."""
    device = net.device()
    device.publish(device.own("attributes_get"), b"{}")
    device.subscribe(device.own("attributes_get_response"))
    assert ask(device) == {}


def test_no_responses_by_default(net):
    """open-api 4: `attributes_response` and `event_response` come only if the type's cloud
    response is on; default off."""
    device = net.device(subscribe=["attributes_response", "event_response",
                                   "attributes_get_response"])
    device.publish(device.own("attributes"), b'{"a":1}')
    device.publish(device.own("event_report"), b'{"method":"e","params":{}}')
    assert ask(device) == {"a": 1}
