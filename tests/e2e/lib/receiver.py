"""Web servers that are told of alarms: real ones, over HTTP or HTTPS, which answer as a test says.

    with Receiver() as receiver:                      # or Receiver(certificate_of("localhost"))
        receiver.answers = [500]                      # the first request; then 200
        post = receiver.next()
        post.verify(secret)
"""
import atexit
import base64
import contextlib
import functools
import hashlib
import hmac
import json
import queue
import shutil
import socket
import ssl
import tempfile
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import SimpleNamespace

from lib.certificates import self_signed
from lib.streams import DEADLINE_S


@functools.cache
def certificate_of(name):
    """A certificate for a host, with its key: `.certificate` and `.key` are files."""
    folder = Path(tempfile.mkdtemp(prefix="ezt-hook-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    pair = SimpleNamespace(certificate=folder / "certificate.pem", key=folder / "key.pem")
    self_signed(name, pair.certificate, pair.key)
    return pair


class Post:
    """One request as it came."""

    def __init__(self, path, headers, body):
        self.path, self.headers, self.body = path, headers, body

    @property
    def json(self):
        return json.loads(self.body)

    @property
    def delivery(self):
        return self.headers["webhook-id"]

    def signature(self, secret):
        """What Standard Webhooks asks for: base64 of HMAC-SHA256 under the decoded secret."""
        kind, text = secret.split("_")
        assert kind == "whsec"
        message = b".".join([self.delivery.encode(), self.headers["webhook-timestamp"].encode(),
                             self.body])
        mac = hmac.new(base64.b64decode(text, validate=True), message, hashlib.sha256).digest()
        return "v1," + base64.b64encode(mac).decode()

    def is_signed_by(self, secret):
        return self.headers["webhook-signature"] == self.signature(secret)

    def __repr__(self):
        return f"<{self.path} {self.body!r}>"


class Receiver:
    def __init__(self, pair=None, port=0):
        self.answers = []  # statuses, or (status, headers, body); then 200
        self.posts = queue.Queue()
        self.hold = None  # an event: answers wait for it
        self.connections = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def setup(self):
                super().setup()
                outer.connections.append(self.connection)

            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                answer = outer.answers.pop(0) if outer.answers else 200
                outer.posts.put(Post(self.path, self.headers, body))
                if outer.hold:
                    outer.hold.wait(2 * DEADLINE_S)
                status, headers, body = answer if isinstance(answer, tuple) else (answer, {}, b"ok")
                try:
                    self.send_response(status)
                    for name, value in {"Content-Length": str(len(body)), **headers}.items():
                        self.send_header(name, value)
                    self.end_headers()
                    self.wfile.write(body)
                except OSError:
                    pass  # who asked is gone

            def log_message(self, *args):
                pass

        class Quiet(ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, request, client_address):
                pass  # handshakes that the client gives up

        self.server = Quiet(("127.0.0.1", port), Handler, bind_and_activate=False)
        self.server.allow_reuse_address = True
        self.server.server_bind()
        self.server.server_activate()
        self.scheme = "http"
        if pair:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(pair.certificate, pair.key)
            self.server.socket = context.wrap_socket(self.server.socket, server_side=True,
                                                     do_handshake_on_connect=False)
            self.scheme = "https"
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()

    @property
    def url(self):
        return f"{self.scheme}://localhost:{self.port}/hook?a=b"

    def next(self):
        return self.posts.get(timeout=DEADLINE_S)

    def close(self):
        if self.hold:
            self.hold.set()
        self.server.shutdown()
        self.server.server_close()
        for connection in self.connections:  # those that are kept alive
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.close()
