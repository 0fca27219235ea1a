"""The numbers of messages grow for ever: a client that drops duplicates by them loses nothing."""
import secrets

from lib.packets import Prop
from lib.world import Net, Project

KEPT = {"clean": False, "props": ((Prop.SESSION_EXPIRY, 60),)}


def numbers(own, project, login, count):
    """The `seq` of so many messages that a device sends now, in a session that begins now."""
    net = Net(own, project)
    app, device = net.app(client_id=f"from {secrets.token_hex(4)}", **KEPT), net.device(login)
    app.subscribe(login.open("data/s"))
    got = []
    for _ in range(count):
        device.publish(device.own("data", "s"), b"x")
        got.append(int(app.receive(login.open("data/s")).props.user["seq"]))
    net.close()
    return got


def test_regress_seq_begins_anew(own):
    """open-api 3.2 "seq": growing, over a clean stop without a gap, and over a crash."""
    project = Project.add(own)
    login = project.device()
    first = numbers(own, project, login, 3)
    own.stop()
    own.start()
    second = numbers(own, project, login, 3)
    own.kill9()
    own.start()
    third = numbers(own, project, login, 3)
    own.kill9()
    own.start()
    fourth = numbers(own, project, login, 1)
    assert first == [1, 2, 3]
    assert second == [4, 5, 6]
    assert third[0] > second[-1] and third == list(range(third[0], third[0] + 3))
    assert fourth[0] > third[-1]
