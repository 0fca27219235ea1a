"""Many bad clients at once, beside good ones."""
import random
import threading

import pytest

from lib import packets, ws

SERVER_OPTIONS = ["--connect-timeout", 5]


def mutations(good, seed, count):
    """Good bytes with a few of them changed, cut or doubled; the seed makes them again."""
    chance = random.Random(seed)
    for _ in range(count):
        data = bytearray(good)
        for _ in range(chance.randrange(1, 4)):
            at = chance.randrange(len(data))
            what = chance.randrange(3)
            if what == 0:
                data[at] = chance.randrange(256)
            elif what == 1:
                del data[at:at + chance.randrange(1, 4)]
            else:
                data[at:at] = data[at:at + chance.randrange(1, 9)]
            data = data or bytearray(b"\0")
        yield bytes(data)


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("transport", ["tcp", "wss"])
def test_mutated_sessions(net, transport, seed):
    """Bad input: each of many damaged sessions ends or is served, and nobody else notices."""
    login = net.project.device()
    user, secret = (login.username, login.password) if transport == "tcp" else (
        net.project.key, net.project.secret)
    topic = login.own("attributes") if transport == "tcp" else login.open("attributes_push")
    good = (packets.connect(5, "m", user, secret, props=((packets.Prop.RECEIVE_MAXIMUM, 5),))
            + packets.subscribe(5, 1, [(login.own("command_send"), 1)])
            + packets.publish(5, topic, b'{"a":1}', qos=2, pid=2,
                              props=((packets.Prop.USER_PROPERTY, ("a", "b")),))
            + packets.ack(packets.Type.PUBREL, 2) + packets.disconnect())
    for data in mutations(good, seed, 40):
        stream = net.stream(transport)
        stream.send(data)
        stream.close()


@pytest.mark.parametrize("seed", range(4))
def test_mutated_frames(net, seed):
    """Bad input: damaged WebSocket bytes, behind a good upgrade and instead of it."""
    for data in mutations(ws.request() + ws.frame(ws.BINARY, packets.PINGREQ), seed, 30):
        stream = net.tcp("device_ws")
        stream.send(data)
        stream.close()
    for data in mutations(ws.frame(ws.BINARY, packets.PINGREQ) * 3, seed, 30):
        stream = net.stream("ws")
        stream.below.send(data)
        stream.close()


@pytest.mark.fast_tsan
def test_at_the_same_time(net):
    """Bad input from several threads, with resets, while a good client works."""
    device, app = net.device(), net.app()
    app.subscribe(device.open("data/s"))

    def misbehave(seed):
        chance = random.Random(seed)
        for _ in range(25):
            stream = net.stream(chance.choice(["tcp", "tls", "wss", "mqtts", "ws"]))
            stream.send(chance.randbytes(chance.randrange(1, 200)))
            (stream.abort if chance.random() < 0.5 else stream.close)()

    threads = [threading.Thread(target=misbehave, args=(seed,)) for seed in range(4)]
    for thread in threads:
        thread.start()
    number = 0
    while any(thread.is_alive() for thread in threads) or number < 20:
        device.publish(device.own("data", "s"), b"%d" % number)
        app.receive(device.open("data/s"), b"%d" % number)
        number += 1
    for thread in threads:
        thread.join()
