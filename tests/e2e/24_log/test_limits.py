"""How much a device's log keeps."""
SERVER_OPTIONS = ["--log-payload", 10]


def test_payloads_are_cut(net, follow):
    """Issue "debugging": bounded: payloads are cut at a limit, not within a character; what is cut
    is no JSON any more."""
    device = net.device()
    log = follow(device.login)
    device.publish(device.own("attributes"), b'{"a":"0123456789"}')
    log.next("up", device.own("attributes"), payload='{"a":"0123', format="text", length=18)
    device.publish(device.own("data", "s"), "123456789号".encode())
    log.next("up", device.own("data", "s"), payload="123456789", format="text", length=12)
    device.publish(device.own("data", "s"), b"\xff" * 11)
    log.next("up", device.own("data", "s"), payload="ff" * 10, format="hex", length=11)
