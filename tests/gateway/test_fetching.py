"""What an identity provider publishes, fetched by TLS, as it is from all but this machine."""

import ssl
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from ipaddress import ip_address
from pathlib import Path
from time import monotonic

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from gateway.auth.provider_client import Fetcher, ProviderFault


def write_certificate(path: Path) -> None:
    """A certificate of this machine that signs itself, with its key, in one file."""
    key, name = ec.generate_private_key(ec.SECP256R1()), x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "provider")])
    begins = datetime.now(UTC) - timedelta(days=1)
    made = x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number(), begins, begins + timedelta(days=2))
    made = made.add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
    made = made.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    path.write_bytes(private + made.sign(key, SHA256()).public_bytes(Encoding.PEM))


class Handler(BaseHTTPRequestHandler):
    """Answers with an object."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b'{"keys": []}')

    def log_message(self, *_: object) -> None:
        """Nothing."""


@pytest.fixture
def address(tmp_path: Path) -> Iterator[str]:
    """Of a server that speaks TLS, with the certificate `provider.pem`."""
    write_certificate(tmp_path / "provider.pem")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "provider.pem")
    server = HTTPServer(("127.0.0.1", 0), Handler)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield f"https://127.0.0.1:{server.server_port}/"
    server.shutdown()
    thread.join()
    server.server_close()


def test_a_provider_that_speaks_tls(address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Documents are fetched by https, from a server whose certificate is known to this machine."""
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "provider.pem"))
    assert Fetcher(monotonic() + 5)(address) == {"keys": []}


def test_a_certificate_that_nobody_knows(address: str) -> None:
    """Nothing is read from a server whose certificate isn't known: the log says that this is why."""
    with pytest.raises(ProviderFault, match="CERTIFICATE_VERIFY_FAILED"):
        Fetcher(monotonic() + 5)(address)
