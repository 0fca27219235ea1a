"""Every client as a device, over TLS."""
from lib.interop import rows


@rows(1, 2, where=lambda kind, version, transport: transport == "tls")
def test_reports_and_receives(net, server, project, drivers, kind, version, transport, qos):
    """open-api 4, 2: what a device with this client reports reaches applications, and what they
    send reaches it."""
    login, app, device = project.device(), net.app(), drivers.client(kind)
    app.subscribe(login.open("+"), login.open("data/s"))
    device.open(**drivers.options(kind, version, transport, server.port("device_mqtts"),
                                  login.username, login.password))
    app.receive_online(login.open("online"), True)
    device.subscribe(login.own("command_send"), qos)
    device.publish(login.own("attributes"), b'{"t": 21.5}', qos)
    app.receive(login.open("attributes"), b'{"t": 21.5}')
    device.publish(login.own("data", "s"), bytes(range(256)), qos)
    app.receive(login.open("data/s"), bytes(range(256)))
    command = b'{"method":"m","params":{},"id":1}'
    app.publish(login.open("command_send"), command)
    assert device.receive() == (login.own("command_send"), command, qos)
    app.receive(login.open("command_send"), command)
    device.publish(login.own("command_reply"), command, qos)
    app.receive(login.open("command_reply"), command)
    device.close()
    app.receive_online(login.open("online"), False)
