"""A damaged row of the registry does not keep the server down."""
import sqlite3

from lib.world import Net, Project


def test_regress_project_that_cannot_be_read(own):
    """A project whose token does not unseal is left out with its devices; the others are served."""
    broken, whole = Project.add(own, "broken"), Project.add(own, "whole")
    lost, kept = broken.device(), whole.device()
    own.stop()
    with sqlite3.connect(next(own.data.glob("*registry*"))) as registry:
        registry.execute("UPDATE project SET token = x'00' WHERE name = 'broken'")
    own.start()
    net = Net(own, whole)
    net.device(kept)
    net.raw("tcp").connect(None, lost.username, lost.password, code=0x86)
    net.close()
