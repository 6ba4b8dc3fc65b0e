"""TLS in front of a PostgreSQL that speaks none, with a certificate for `localhost` from an authority of its own."""

from __future__ import annotations

import ssl
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from agent_memory_contract.tcp_gate import TcpGate

if TYPE_CHECKING:
    import asyncio
    from pathlib import Path

_SSL_REQUEST = bytes.fromhex("0000000804d2162f")
"""PostgreSQL's documentation, section 54.7: the message with which a client asks for TLS."""


def _usage(*uses: str) -> x509.KeyUsage:
    every = (
        "digital_signature", "content_commitment", "key_encipherment", "data_encipherment", "key_agreement",
        "key_cert_sign", "crl_sign", "encipher_only", "decipher_only",
    )  # fmt: skip
    return x509.KeyUsage(**{use: use in uses for use in every})


_USAGE_OF_AN_AUTHORITY = _usage("key_cert_sign", "crl_sign")
_USAGE_OF_A_SERVER = _usage("digital_signature")


class Certificates:
    """`authority` is the PEM file to trust; `server` what the server shows."""

    def __init__(self, folder: Path) -> None:
        self.authority = folder / "authority.pem"
        self.server = folder / "server.pem"
        issuer_key, key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
        issuer = _certificate("the authority of this test", issuer_key, None, None)
        own = _certificate("localhost", key, issuer, issuer_key)
        self.authority.write_bytes(issuer.public_bytes(serialization.Encoding.PEM))
        secret = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        self.server.write_bytes(own.public_bytes(serialization.Encoding.PEM) + secret)


class TlsGate(TcpGate):
    def __init__(self, host: str, port: int, certificates: Certificates) -> None:
        super().__init__(host, port)
        self._context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        self._context.load_cert_chain(certificates.server)
        self.encrypted = 0

    async def _welcome(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        assert await reader.readexactly(8) == _SSL_REQUEST
        writer.write(b"S")
        await writer.drain()
        try:
            await writer.start_tls(self._context)
        except OSError:
            return False  # the client did not like the certificate
        self.encrypted += 1
        return True


def _certificate(
    name: str,
    key: ec.EllipticCurvePrivateKey,
    issuer: x509.Certificate | None,
    issuer_key: ec.EllipticCurvePrivateKey | None,
) -> x509.Certificate:
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject if issuer is None else issuer.subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=issuer is None, path_length=None), critical=True)
        # Python 3.13 and later ask for these (VERIFY_X509_STRICT).
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key((issuer_key or key).public_key()),
            critical=False,
        )
        .add_extension(_USAGE_OF_AN_AUTHORITY if issuer is None else _USAGE_OF_A_SERVER, critical=True)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name.replace(" ", "-"))]), critical=False)
    )
    return builder.sign(key if issuer_key is None else issuer_key, hashes.SHA256())
