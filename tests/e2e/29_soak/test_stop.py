"""A stop in the middle of a storm of connections."""
import socket
import threading

from lib.client import V5, packets
from lib.server import Server
from lib.world import Project

ROUNDS = 8
STORMS = 6


def storm(port, logins, is_over):
    """Connects as one device after the other, again and again, and waits for nothing."""
    held = []
    while not is_over.is_set():
        for login in logins:
            try:
                stream = socket.create_connection(("127.0.0.1", port), 1)
                stream.sendall(packets.connect(V5, login.username, login.username, login.password,
                                               clean=False))
                held.append(stream)
            except OSError:
                pass
        for stream in held[:-len(logins)]:
            stream.close()
        del held[:-len(logins)]


def test_regress_connection_on_its_way_at_the_stop():
    """A connection that is on its way from the worker that accepted it to its home when the server
    stops is ended there like all others."""
    server = Server("--workers", 4, "--connecting-per-address-max", 100000)
    is_over = threading.Event()
    threads = []
    try:
        server.start()
        project = Project.add(server)
        logins = [project.device() for _ in range(16)]
        port = server.port("device_mqtt")
        threads = [threading.Thread(target=storm, args=(port, logins, is_over))
                   for _ in range(STORMS)]
        for thread in threads:
            thread.start()
        for _ in range(ROUNDS):
            server.stop()  # it must end cleanly
            server.start()
        server.stop()
    finally:
        is_over.set()
        for thread in threads:
            thread.join()
        server.remove()
