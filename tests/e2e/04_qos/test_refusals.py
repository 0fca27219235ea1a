"""A client that is disconnected for its refused publishes can finish their handshakes later."""
from lib import packets
from lib.cases import versions
from lib.packets import Type, V5, Prop

REFUSALS_MAX = 30  # in a minute, before the connection ends
TOO_MANY = "too many refused publishes in a minute"


def keep(version):
    """A persistent session's fields of a CONNECT."""
    props = ((Prop.SESSION_EXPIRY, 60),) if version == V5 else ()
    return {"clean": False, "props": props}


@versions
def test_regress_the_refusal_that_ends_the_connection(net, version):
    """open-api 3.3, [MQTT-4.3.3-8]: QoS 2, the one refusal too many is answered as well, and
    when the client comes back with it, it is answered again and holds nothing up."""
    name, topic = f"refused{version}", f"open/{net.project.key}/nowhere"
    app = net.app(version, client_id=name, **keep(version))
    for pid in range(1, REFUSALS_MAX + 2):
        app.send(packets.publish(version, topic, b"{}", qos=2, pid=pid))
        app.expect(packets.Ack, kind=Type.PUBREC, pid=pid, code=0x87 if version == V5 else 0)
    app.expect_closed(0x96, why=TOO_MANY)
    again = net.app(version, client_id=name, **keep(version))
    again.send(packets.publish(version, topic, b"{}", qos=2, pid=pid, dup=True))
    again.expect(packets.Ack, kind=Type.PUBREC, pid=pid)
    device = net.project.device()
    assert again.publish(device.open("attributes_push"), b"{}", qos=1).code == (
        0x10 if version == V5 else 0x00)
