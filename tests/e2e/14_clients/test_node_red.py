"""Node-RED's MQTT nodes, with the flows of docs/clients.md."""
import json

import pytest

from lib.clients import JS
from lib.examples import example, filled_in
from lib.http import is_subscribed
from lib.server import wait_until

pytestmark = pytest.mark.skipif(not (JS / "node_modules").exists(),
                                reason="no npm ci in tests/e2e/js")


def commands(device, count):
    """The parameters of the next commands."""
    return [json.loads(device.receive(device.own("command_send")).payload)["params"]
            for _ in range(count)]


def test_flows(net, server, project, relay, start, tmp_path):
    """open-api 2, 3, 3.4: over TLS (version 5) and wss (3.1.1) it receives and sends commands; when
    its connections were lost, it answers what came meanwhile, in order, exactly once."""
    tls, wss = relay("app_mqtts"), relay("app_wss")
    flows = filled_in(example("clients.md", "Node-RED")[1], **{
        "PR_0123456789": project.key, "ca.pem": server.ca, "7887": tls.port, "7886": wss.port})
    login = {"user": project.key, "password": project.secret}
    (tmp_path / "flows.json").write_text(flows)
    (tmp_path / "flows_cred.json").write_text(json.dumps({"ezt-tls": login, "ezt-wss": login}))
    device = net.device(subscribe=["command_send"])
    start("node", JS / "node-red.js", tmp_path / "flows.json").until("started")
    for client_id, kind in (("node-red", "attributes"), ("node-red-wss", "event_report")):
        wait_until(lambda: is_subscribed(server, project, client_id,
                                         f"open/{project.key}/+/{kind}"), "Node-RED")

    device.publish(device.own("attributes"), b'{"temperature": 21.5}')
    device.publish(device.own("attributes"), b'{"temperature": 31}')
    assert commands(device, 1) == [{"on": True, "because": 31}]
    device.publish(device.own("event_report"), b'{"method": "opened", "params": {}}')
    assert commands(device, 1) == [{"event": "opened"}]

    for cable, kind, payload, answer in (
            (tls, "attributes", b'{"temperature": %d}', lambda n: {"on": True, "because": n}),
            (wss, "event_report", b'{"method": "e%d"}', lambda n: {"event": f"e{n}"})):
        cable.cut()
        for number in range(40, 60):
            device.publish(device.own(kind), payload % number)
        cable.mend()
        assert commands(device, 20) == [answer(number) for number in range(40, 60)]
    device.expect_nothing()
