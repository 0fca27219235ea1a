"""Browser passes as the contract's formula makes them, and secrets of a project."""
import base64
import hashlib
import hmac
import time
from dataclasses import dataclass


def make_pass(project_key, name, secret, scopes="s", expires=None):
    """open-api 3 "Browser pass"; `expires`: Unix seconds, an hour from now unless told."""
    claims = f"{name}.{scopes}.{int(time.time()) + 3600 if expires is None else expires}"
    mac = hmac.new(secret.encode(), f"p1.{project_key}.{claims}".encode(), hashlib.sha256).digest()
    return f"p1.{claims}.{base64.urlsafe_b64encode(mac).rstrip(b'=').decode()}"


@dataclass
class Secret:
    """A secret of a project; it stands in for the project where a client logs in."""
    project: object
    name: str
    secret: str

    @classmethod
    def add(cls, project, name, *flags):
        made = project.server.cli("secret", "add", name, "--project", project.key, *flags)
        return cls(project, name, made["secret"])

    @classmethod
    def main(cls, project):
        return cls(project, "main", project.secret)

    @property
    def key(self):
        return self.project.key

    def pass_of(self, scopes="s", expires=None):
        """A browser pass, which stands in for the project too."""
        return Secret(self.project, self.name,
                      make_pass(self.key, self.name, self.secret, scopes, expires))

    def cli(self, verb, *flags):
        return self.project.server.cli("secret", verb, self.name, "--project", self.key, *flags)
