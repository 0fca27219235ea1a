"""A command is outstanding for `command_timeout`."""
SERVER_OPTIONS = ["--command-timeout", 1]


def test_late_reply_is_not_handed_on(net):
    """open-api 3.3: after it a reply matches nothing. A second command, whose identifier is taken
    again as soon as it is free, tells when that is."""
    device, app = net.device(subscribe=["command_send", "attributes_push"]), net.app()
    topic = device.open("command_send")
    app.subscribe(device.open("command_reply"), device.open("data/marker"))
    for payload in (b'{"method":"late","id":1}', b'{"method":"clock","id":2}'):
        app.publish(topic, payload)
        device.receive(payload=payload)
    while True:
        app.publish(topic, b'{"method":"clock","id":2}')
        app.publish(device.open("attributes_push"), b'{"marker":1}')
        if b"clock" in device.receive().payload:
            break
    device.publish(device.own("command_reply"), b'{"method":"late","params":{},"id":1}')
    device.publish(device.own("data", "marker"), b"marker")
    app.receive(device.open("data/marker"), b"marker")
