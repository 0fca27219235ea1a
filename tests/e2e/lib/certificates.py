"""Certificates of tests, made with the openssl command."""
import subprocess


def self_signed(name, certificate, key):
    """Writes a certificate that vouches for itself, for the host `name`, and its key."""
    done = subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
         "-nodes", "-days", "2", "-subj", f"/CN={name}", "-addext", f"subjectAltName=DNS:{name}",
         "-keyout", key, "-out", certificate], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
