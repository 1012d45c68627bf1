"""The certificate that the simulator makes for itself."""

from __future__ import annotations

import datetime
import ssl
import stat
import sys
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.hashes import SHA256

from xentara_nb.simulator.security import certificates


def test_a_certificate_for_this_computer(tmp_path: Path) -> None:
    certificate, key = certificates.write_certificate(tmp_path, ["plant.example", "10.0.0.7"])
    loaded = x509.load_pem_x509_certificate(certificate.read_bytes())
    names = loaded.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.DNSName) == ["localhost", "plant.example"]
    addresses = [str(address) for address in names.get_values_for_type(x509.IPAddress)]
    assert addresses == ["127.0.0.1", "::1", "10.0.0.7"]
    now = datetime.datetime.now(datetime.UTC)
    assert loaded.not_valid_before_utc < now < loaded.not_valid_after_utc
    if sys.platform != "win32":
        assert stat.S_IMODE(key.stat().st_mode) == 0o600


def test_it_passes_strict_verification(tmp_path: Path) -> None:
    certificate, key = certificates.write_certificate(tmp_path)
    server = certificates.server_context(certificate, key)
    client = ssl.create_default_context(cafile=certificate)
    client.verify_flags |= ssl.VERIFY_X509_STRICT
    for name in certificates.ALWAYS_NAMED:
        _handshake(client, server, name)
    with pytest.raises(ssl.SSLCertVerificationError):
        _handshake(client, server, "elsewhere.example")


def test_tls_1_1_is_not_spoken(tmp_path: Path) -> None:
    context = certificates.server_context(*certificates.write_certificate(tmp_path))
    assert context.minimum_version == ssl.TLSVersion.TLSv1_2


def test_the_fingerprint_is_that_of_the_der_form(tmp_path: Path) -> None:
    certificate, key = certificates.write_certificate(tmp_path)
    client = ssl.create_default_context(cafile=certificate)
    der = _handshake(client, certificates.server_context(certificate, key), "localhost")
    loaded = x509.load_der_x509_certificate(der)
    assert certificates.fingerprint(certificate) == loaded.fingerprint(SHA256()).hex()


def test_a_key_that_does_not_belong(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
    certificate, _ = certificates.write_certificate(tmp_path / "a")
    _, key = certificates.write_certificate(tmp_path / "b")
    with pytest.raises(OSError, match="KEY_VALUES_MISMATCH"):
        certificates.server_context(certificate, key)


def _handshake(client: ssl.SSLContext, server: ssl.SSLContext, name: str) -> bytes:
    """Shake hands in memory and return the server's certificate."""
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    ends = [
        client.wrap_bio(to_client, to_server, server_hostname=name),
        server.wrap_bio(to_server, to_client, server_side=True),
    ]
    waiting = list(ends)
    for _ in range(10):
        for end in list(waiting):
            try:
                end.do_handshake()
                waiting.remove(end)
            except ssl.SSLWantReadError:
                continue
    assert not waiting
    der = ends[0].getpeercert(binary_form=True)
    assert der is not None
    return der
