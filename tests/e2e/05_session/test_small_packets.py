"""A CONNECT that cannot be answered, since the client accepts no packet as large as our CONNACK."""
from lib import packets
from lib.packets import V5, Prop

EXPIRY = (Prop.SESSION_EXPIRY, 60)


def connect_in_vain(net, name):
    """Closed without an answer."""
    client = net.raw("app")
    client.send(packets.connect(V5, name, net.project.key, net.project.secret, clean=False,
                                props=(EXPIRY, (Prop.MAXIMUM_PACKET_SIZE, 5))))
    client.expect_closed()


def test_regress_connack_did_not_fit(net, server):
    """open-api 3.4, [MQTT-3.1.2-24]: it leaves no session; the next one is owed what any
    persistent session is: what comes through the journal has its number."""
    name, device = "small", net.device()
    connect_in_vain(net, name)
    there = server.cli("session", "list", "--project", net.project.key)["sessions"]
    assert name not in [session["client_id"] for session in there]
    app = net.app(client_id=name, clean=False, props=(EXPIRY,))
    assert not app.connack.session_present
    app.subscribe(device.open("attributes"))
    device.publish(device.own("attributes"), b'{"a":1}')
    message = app.receive(device.open("attributes"), b'{"a":1}')
    assert "seq" in message.props.user, message


def test_it_takes_nothing_over(net):
    """[MQTT-3.1.4-3]: who cannot be told that it is in is not let in: the one that has the session
    works on."""
    app = net.app(client_id="small too", clean=False, props=(EXPIRY,))
    connect_in_vain(net, "small too")
    app.ping()
