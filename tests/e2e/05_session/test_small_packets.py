"""A session whose first connection ended before it could be told of it."""
from lib import packets
from lib.packets import V5, Prop

EXPIRY = (Prop.SESSION_EXPIRY, 60)


def test_regress_connack_did_not_fit(net):
    """open-api 3.4, [MQTT-3.1.2-24]: the session that such a CONNECT leaves behind is owed what any
    persistent session is: what comes through the journal has its number."""
    name, project, device = "small", net.project, net.device()
    refused = net.raw("app")
    refused.send(packets.connect(V5, name, project.key, project.secret, clean=False,
                                 props=(EXPIRY, (Prop.MAXIMUM_PACKET_SIZE, 5))))
    refused.expect_closed()
    app = net.app(client_id=name, clean=False, props=(EXPIRY,))
    app.subscribe(device.open("attributes"))
    device.publish(device.own("attributes"), b'{"a":1}')
    message = app.receive(device.open("attributes"), b'{"a":1}')
    assert "seq" in message.props.user, message
