"""A relay between a client and the server that can be cut, as a cable can."""
import selectors
import socket
import struct
import threading

from lib.server import wait_until

RESET = struct.pack("ii", 1, 0)  # SO_LINGER: close with a reset


class Relay:
    """Passes bytes on between its own port and the server's.

    While it is cut, nothing passes: what was connected is reset at both ends, and whoever connects
    is kept waiting and served when it is mended. So a client needs no second try, and no test has
    to wait for the end of a client's back-off.
    """

    def __init__(self, port):
        self.target, self._is_cut, self._is_closed = port, False, False
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self._selector, self._peers = selectors.DefaultSelector(), {}
        self._selector.register(self._listener, selectors.EVENT_READ)
        self._inner, self._outer = socket.socketpair()
        self._selector.register(self._inner, selectors.EVENT_READ)
        self._orders, self._done = [], threading.Semaphore(0)
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def cut(self):
        self._order(self._cut)

    def mend(self):
        self._order(self._mend)

    def wait_until_idle(self):
        """Until nobody is connected through it."""
        wait_until(lambda: not self._peers, "the end of the connections")

    def close(self):
        self._order(self._close)
        self._thread.join()

    def _order(self, what):
        """Has it done by the relay's own thread."""
        self._orders.append(what)
        self._outer.send(b"!")
        self._done.acquire()

    def _run(self):
        while not self._is_closed:
            for key, _ in self._selector.select():
                if key.fileobj is self._inner:
                    self._inner.recv(1)
                    self._orders.pop(0)()
                    self._done.release()
                    break
                if key.fileobj is self._listener:
                    self._accept()
                elif key.fileobj in self._peers:
                    self._pass_on(key.fileobj)

    def _accept(self):
        near, _ = self._listener.accept()
        far = socket.create_connection(("127.0.0.1", self.target))
        self._peers[near], self._peers[far] = far, near
        for end in (near, far):
            end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._selector.register(end, selectors.EVENT_READ)

    def _pass_on(self, end):
        try:
            data = end.recv(65536)
            if data:
                self._peers[end].sendall(data)
                return
        except OSError:
            pass
        self._drop(end, self._peers[end])

    def _drop(self, *ends, reset=False):
        for end in ends:
            self._selector.unregister(end)
            del self._peers[end]
            if reset:
                end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
            end.close()

    def _cut(self):
        self._is_cut = True
        self._selector.unregister(self._listener)
        self._drop(*list(self._peers), reset=True)

    def _mend(self):
        self._is_cut = False
        self._selector.register(self._listener, selectors.EVENT_READ)

    def _close(self):
        if not self._is_cut:
            self._selector.unregister(self._listener)
        self._drop(*list(self._peers))
        self._listener.close()
        self._is_closed = True
