"""Every client as an application: what it receives and what it publishes."""
from lib.alarms import Rules, over
from lib.interop import APP_SERVICES, rows
from lib.packets import V5


@rows(0, 1, 2)
def test_all_kinds(net, server, project, drivers, tmp_path, kind, version, transport, qos):
    """open-api 2, 3.1, 3.2, 3.3, 3.1.1 [MQTT-7.0.0-2]: it receives every kind of open message, each
    once, in order and unchanged; the attributes and the command that it publishes reach the
    device."""
    login, app = project.device(), drivers.client(kind)
    Rules(server, project, tmp_path).add(over(20), login)
    app.open(**drivers.options(kind, version, transport, server.port(APP_SERVICES[transport]),
                               project.key, project.secret))
    app.subscribe(f"open/{project.key}/{login.username}/#", qos)

    device = net.device(login)
    device.subscribe(login.own("attributes_push"), login.own("command_send"), qos=2)
    assert app.receive() == (login.open("online"), b'{"online": true}', qos)
    codes = []
    for name, payload in (("attributes_push", b'{"b": 2}'),
                          ("command_send", b'{"method":"m","params":{},"id":"a"}')):
        codes.append(app.publish(login.open(name), payload, qos))
        assert device.receive(login.own(name), payload).qos == 2
        assert app.receive() == (login.open(name), payload, qos)
        if name == "attributes_push":
            assert app.receive() == (login.open("attributes"), payload, qos)
    assert codes == [0 if version == V5 and kind.tells_codes else code for code in codes]

    sent = (("command_reply", b'{"method":"m","params":{"done":true},"id":"a"}'),
            ("attributes", b'{"t": 21.5}'),
            ("event_report", b'{"method":"opened","params":{}}'),
            ("data/s", bytes(range(256))))
    for name, payload in sent:
        word, _, rest = name.partition("/")
        device.publish(login.own(word, rest), payload, qos=2)
        if name == "attributes":
            message = app.message()
            assert (message["topic"], message["payload"]) == (login.open(name), payload.hex())
            if version == V5:
                assert message["user"]["source"] == "report"
                assert message["contentType"] == "application/json"
            assert app.receive() == (login.open("alarm"), b'{"alerting": true}', qos)
        else:
            assert app.receive() == (login.open(name), payload, qos)
    device.disconnect()
    assert app.receive() == (login.open("online"), b'{"online": false}', qos)
