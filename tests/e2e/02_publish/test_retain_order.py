"""A retained message does not come behind what replaced it."""
import time

from lib import packets
from lib.packets import V5

SERVER_OPTIONS = ("--workers", "1")
ROUNDS = 2000


def test_regress_retained_message_overtaken(net):
    """open-api 3.1: all messages of one device reach a session in order, those that are retained
    too. The publication comes at any moment of the subscription's way."""
    topic = net.project.device().open("attributes_push")
    publisher, app = net.app(), net.app()
    for number in range(0, 2 * ROUNDS, 2):
        publisher.publish(topic, b"{\"v\":%d}" % number, retain=True)
        app.send(packets.subscribe(V5, 9, [(topic, 1)]))
        time.sleep(number % 32 * 10e-6)
        publisher.publish(topic, b"{\"v\":%d}" % (number + 1), retain=True)
        app.expect(packets.Suback)
        got = b""
        while got != b"{\"v\":%d}" % (number + 1):
            got = app.receive(topic).payload
        app.unsubscribe(topic)
        late = {message.payload for message in app._inbox} - {got}
        assert not late, late
        app._inbox.clear()
