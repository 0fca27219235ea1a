"""A short absence is none, when the operator says so."""
SERVER_OPTIONS = ["--offline-delay", 2000]


def test_back_in_time_was_never_away(net):
    """open-api 4: offline means that `offline_delay` passed without a new connection."""
    login, app = net.project.device(), net.app()
    app.subscribe(login.open("#"))
    net.device(login).disconnect()
    app.receive_online(login.open("online"), True)
    device = net.device(login)
    device.publish(device.own("data", "s"), b"back")
    app.receive(login.open("data/s"), b"back")


def test_told_after_it(net):
    """open-api 4: a device that does not come back goes offline, and comes online again."""
    login, app = net.project.device(), net.app()
    app.subscribe(login.open("#"))
    net.device(login).abort()
    app.receive_online(login.open("online"), True)
    app.receive_online(login.open("online"), False)
    net.device(login)
    app.receive_online(login.open("online"), True)
