"""A CONNACK says that the will is stored."""
import select

from lib import packets
from lib.packets import V4, Will
from lib.server import wait_until
from lib.world import Net, Project


def test_connack_waits_for_the_disk(own, disk):
    """[MQTT-3.1.2-7]: while the disk refuses, a CONNECT with a will is not answered, and others are;
    when the disk is well, it is, and the will outlives a kill."""
    net = Net(own, Project.add(own))
    login, other = net.project.device(), net.project.device()
    disk.fail("write ENOSPC")
    client = net.raw("tcp", V4)
    client.send(packets.connect(V4, "d", login.username, login.password,
                                will=Will(login.own("data", "will"), b"w", 1)))
    wait_until(lambda: own.counters()["journal_commit_failures"] > 1, "a commit to fail")
    net.device(other).ping()
    assert select.select([client.stream.socket], [], [], 0)[0] == []
    disk.heal()
    assert client.recv().code == 0
    own.kill9()
    net.close()
    own.start()
    assert own.counters()["wills_owed"] == 1
