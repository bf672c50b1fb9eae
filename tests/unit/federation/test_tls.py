"""TLS to peers against real servers: every way in which a certificate may be wrong, and an authority of one's own."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Address
from pathlib import Path
from threading import Thread

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from federation.addresses import everywhere
from federation.errors import PeerUnreachable
from federation.transport import PeerTransport
from node.members import peer_transport
from node.settings import SettingsError, load_settings

NOW = datetime.now(UTC)
DAY = timedelta(days=1)


class Authority:
    """A certificate authority; `file` is what its members trust."""

    def __init__(self, folder: Path, name: str = "Amt") -> None:
        self.folder = folder / name
        self.folder.mkdir()
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        self.certificate = (
            x509.CertificateBuilder(self.name, self.name, self.key.public_key(), 1, NOW - DAY, NOW + 30 * DAY)
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(self.key.public_key()), critical=False)
            .add_extension(_usage(signs=True), critical=True)
            .sign(self.key, hashes.SHA256())
        )
        self.file = self.folder / "ca.pem"
        self.file.write_bytes(self.certificate.public_bytes(Encoding.PEM))

    def server(
        self,
        *,
        host: str = "localhost",
        start: datetime = NOW - DAY,
        end: datetime = NOW + DAY,
        purpose: x509.ObjectIdentifier = ExtendedKeyUsageOID.SERVER_AUTH,
    ) -> ssl.SSLContext:
        """A server's side with a certificate of this authority."""
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, host)])
        issuer_key = x509.SubjectKeyIdentifier.from_public_key(self.key.public_key())
        certificate = (
            x509.CertificateBuilder(self.name, subject, key.public_key(), x509.random_serial_number(), start, end)
            .add_extension(x509.SubjectAlternativeName([x509.DNSName(host)]), critical=False)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(issuer_key), critical=False)
            .add_extension(x509.ExtendedKeyUsage([purpose]), critical=False)
            .sign(self.key, hashes.SHA256())
        )
        file = self.folder / "server.pem"
        pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        file.write_bytes(pem + certificate.public_bytes(Encoding.PEM))
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(file)
        return context


def _usage(*, signs: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=True, content_commitment=False, key_encipherment=False, data_encipherment=False,
        key_agreement=False, key_cert_sign=signs, crl_sign=signs, encipher_only=False, decipher_only=False,
    )  # fmt: skip


@contextmanager
def served(context: ssl.SSLContext) -> Iterator[str]:
    """A server that answers one request per connection, in a thread of its own."""

    def answer() -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            with connection, suppress(OSError), context.wrap_socket(connection, server_side=True) as wrapped:
                wrapped.settimeout(20)
                if wrapped.recv(10_000):
                    wrapped.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}")

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = Thread(target=answer, daemon=True)
        thread.start()
        yield f"https://localhost:{listener.getsockname()[1]}/"
        listener.shutdown(socket.SHUT_RDWR)
        thread.join()


async def get(url: str, transport: PeerTransport) -> int:
    async with transport:
        return (await transport.get(url, headers={}, timeout_s=20, max_bytes=9)).status


@pytest.fixture
def authority(tmp_path) -> Authority:
    return Authority(tmp_path)


@pytest.fixture
def settings(tmp_path, authority):
    """A node's settings with this authority instead of the system's."""
    (tmp_path / "verbund.toml").write_text(
        'city = "giessen"\nname = "Gießen"\nissuer = "https://daten.giessen.example"\n'
        f'ca_file = "{authority.file}"\npeer_networks = ["127.0.0.0/8", "::1/128"]\n'
    )
    return load_settings(tmp_path, environment={})


async def test_a_certificate_of_the_given_authority_is_trusted(authority, settings):
    with served(authority.server()) as url:
        assert await get(url, peer_transport(settings)) == 200


async def test_the_systems_authorities_do_not_count_beside_a_given_one(authority, settings, tmp_path):
    other = Authority(tmp_path, "Anderes Amt")
    with served(other.server()) as url, pytest.raises(PeerUnreachable, match="certificate can't be verified"):
        await get(url, peer_transport(settings))


async def test_the_given_authority_does_not_count_without_the_setting(authority):
    with served(authority.server()) as url, pytest.raises(PeerUnreachable, match="certificate can't be verified"):
        await get(url, PeerTransport(allows=everywhere))


@pytest.mark.parametrize(
    "flaw",
    [
        pytest.param({"end": NOW - timedelta(minutes=5)}, id="expired"),
        pytest.param({"start": NOW + timedelta(hours=1)}, id="not yet valid"),
        pytest.param({"host": "evil.example"}, id="another host's"),
        pytest.param({"host": "*.localhost"}, id="another host's wildcard"),
        pytest.param({"purpose": ExtendedKeyUsageOID.CLIENT_AUTH}, id="for clients"),
    ],
)
async def test_a_certificate_with_a_flaw_is_refused(authority, settings, flaw):
    refused = pytest.raises(PeerUnreachable, match="certificate can't be verified")
    with served(authority.server(**flaw)) as url, refused:
        await get(url, peer_transport(settings))


async def test_a_certificate_for_a_name_does_not_count_for_an_address(authority, settings):
    with served(authority.server()) as url, pytest.raises(PeerUnreachable, match="certificate can't be verified"):
        await get(url.replace("localhost", str(IPv4Address("127.0.0.1"))), peer_transport(settings))


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion.TLSv1:DeprecationWarning", "ignore:ssl.TLSVersion.TLSv1_1 is")
async def test_old_versions_of_tls_are_refused(authority, settings):
    context = authority.server()
    context.set_ciphers("ALL:@SECLEVEL=0")
    context.minimum_version, context.maximum_version = ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1
    with served(context) as url, pytest.raises(PeerUnreachable, match="no TLS connection"):
        await get(url, peer_transport(settings))


async def test_a_node_connects_to_public_addresses_only_unless_told_otherwise(authority, tmp_path):
    (tmp_path / "verbund.toml").write_text(
        'city = "giessen"\nname = "Gießen"\nissuer = "https://daten.giessen.example"\n'
    )
    with served(authority.server()) as url, pytest.raises(PeerUnreachable, match="not a public one"):
        await get(url, peer_transport(load_settings(tmp_path, environment={})))


@pytest.mark.parametrize("content", [None, b"", b"rubbish"])
def test_an_authority_file_that_is_none_is_told(settings, authority, content):
    authority.file.unlink()
    if content is not None:
        authority.file.write_bytes(content)
    with pytest.raises(SettingsError, match=r"ca_file: .* can't be used"):
        peer_transport(settings)


def test_networks_come_from_the_environment_too(settings):
    values = {"VERBUND_PEER_NETWORKS": "10.20.0.0/16, fd00::/8"}
    assert load_settings(settings.home, values).peer_networks == ("10.20.0.0/16", "fd00::/8")
    with pytest.raises(SettingsError, match=r"peer_networks: '10.0.0.1/8' is not a network"):
        load_settings(settings.home, {"VERBUND_PEER_NETWORKS": "10.0.0.1/8"})
