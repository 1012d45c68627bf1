"""The TLS certificate of a simulator: the configuration's, or one of its own.

Its own is made at every start, or kept in a file, so that a fingerprint once trusted stays valid.
"""

from __future__ import annotations

import datetime
import ipaddress
import ssl
import tempfile
import weakref
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from xentara_nb.paths import read_file
from xentara_nb.protocol.errors import XentaraError
from xentara_nb.simulator.documents import MAX_FILE, ConfigurationError
from xentara_nb.simulator.security.settings import Security

ALWAYS_NAMED = ("localhost", "127.0.0.1", "::1")
"""The names and addresses that every certificate of a simulator is valid for."""

_KEPT_FOR = datetime.timedelta(days=3650)
_CLOCK_SKEW = datetime.timedelta(days=1)
_KEY_USAGE = x509.KeyUsage(True, *(False,) * 8)  # for digital signatures alone


class SimulatorCertificateError(XentaraError):
    """The file in which the simulator keeps its certificate cannot be used."""

    def __init__(self, certificate: Path, key: Path, problem: object) -> None:
        cure = "Delete both, and the simulator makes new ones, which clients have to trust again."
        if isinstance(problem, PermissionError):
            problem, cure = problem.strerror, "Check the permissions of the folder and of both."
        super().__init__(
            f"the certificate {certificate} with its key {key.name} cannot be used ({problem}). "
            f"{cure}"
        )


def write_certificate(
    folder: Path,
    names: Iterable[str] = (),
    stem: str = "simulator",
    valid_for: datetime.timedelta = datetime.timedelta(days=90),
) -> tuple[Path, Path]:
    """Make a self-signed certificate and its key, and write both into a folder.

    It is valid for these host names and addresses and those of :data:`ALWAYS_NAMED`. The files are
    ``stem.pem`` and ``stem.key.pem``, which only its owner can read.
    """
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Xentara simulator")])
    key_id = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _CLOCK_SKEW)
        .not_valid_after(now + valid_for)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_KEY_USAGE, critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(
            x509.SubjectAlternativeName(
                [_general_name(name) for name in dict.fromkeys((*ALWAYS_NAMED, *names))]
            ),
            critical=False,
        )
        .add_extension(key_id, critical=False)
        # Strict verification, the default of newer Pythons, asks for this one as well.
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(key_id), critical=False
        )
        .sign(key, hashes.SHA256())
    )
    certificate_path = folder / f"{stem}.pem"
    key_path = folder / f"{stem}.key.pem"
    certificate_path.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    key_path.touch(mode=0o600)
    key_path.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return certificate_path, key_path


def kept_certificate(path: Path, names: Iterable[str] = ()) -> tuple[Path, Path]:
    """Return the certificate in a file and its key beside it, made there if there is none.

    Raises SimulatorCertificateError if they cannot be used, or the certificate has expired.
    """
    stem = path.name.removesuffix(".pem")
    key = path.with_name(f"{stem}.key.pem")
    try:
        if not path.exists() and not key.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            made, key = write_certificate(path.parent, names, stem, _KEPT_FOR)
            return (made if made == path else made.rename(path)), key
        ends = x509.load_pem_x509_certificate(read_file(path, MAX_FILE)).not_valid_after_utc
        read_file(key, MAX_FILE)
    except (OSError, ValueError) as error:
        raise SimulatorCertificateError(path, key, error) from None
    if ends <= datetime.datetime.now(datetime.UTC):
        raise SimulatorCertificateError(path, key, f"it was valid until {ends:%Y-%m-%d}")
    return path, key


def server_context(certificate: Path, key: Path) -> ssl.SSLContext:
    """Return the TLS settings of a server with this certificate: TLS 1.2 and later.

    Raises OSError if one of the files cannot be read, or the two do not belong together.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    # With TLS 1.3, session tickets come after the handshake, when the client sends its first
    # request. A client that reads in one thread and writes in another, as those of Python's
    # websockets do, then calls OpenSSL from both at once, which Python before 3.13 does not guard:
    # on a busy computer one connection in a thousand never got its request out. Sessions are
    # not resumed here, so there are no tickets.
    context.num_tickets = 0
    # A key with a pass phrase must fail here, not ask at the terminal for it.
    context.load_cert_chain(certificate, key, password=_no_pass_phrase)
    return context


def fingerprint(certificate: Path) -> str:
    """Return the SHA-256 fingerprint of the first certificate of a PEM file, as ``AB:CD:...``."""
    loaded = x509.load_pem_x509_certificate(certificate.read_bytes())
    return loaded.fingerprint(hashes.SHA256()).hex(":").upper()


class ServerCertificate:
    """The certificate that a simulator shows, from its start to its stop.

    It is the one in the file in which the simulator keeps its own, else the configuration's, else a
    temporary one; what is made here is valid for the host names and addresses given. Raises
    ConfigurationError if the configuration's cannot be used, SimulatorCertificateError for the kept
    one.
    """

    def __init__(self, security: Security, names: list[str], kept: Path | None = None) -> None:
        self._remove: weakref.finalize[..., ServerCertificate] | None = None
        # For this computer, unlike a configuration's, which is rarely made out to it.
        self.made = kept is not None or security.certificate is None
        if kept is not None:
            self.certificate, key = kept_certificate(kept, names)
        elif security.certificate is not None:
            self.certificate, key = security.certificate
        else:
            folder = Path(tempfile.mkdtemp(prefix="xentara-simulator-"))
            # Also without close(): nothing stays behind when Python ends.
            self._remove = weakref.finalize(self, _remove, folder)
            self.certificate, key = write_certificate(folder, names)
        try:
            self.context = server_context(self.certificate, key)
        except OSError as error:
            if self.made:
                raise SimulatorCertificateError(self.certificate, key, error) from None
            raise ConfigurationError(
                "security.json",
                "TLS.serverCertificate",
                f"{self.certificate} with {key} cannot be used ({error})",
                "Give a PEM certificate and its own key without a pass phrase, or let the "
                "simulator make its own certificate, with own_certificate=True.",
            ) from None
        if self._remove is not None:
            # It is loaded, and not needed on disk any more.
            key.unlink()

    @property
    def fingerprint(self) -> str:
        """The SHA-256 fingerprint of the certificate."""
        return fingerprint(self.certificate)

    def close(self) -> None:
        """Remove a temporary certificate."""
        if self._remove is not None:
            self._remove()


def _remove(folder: Path) -> None:
    # Not shutil.rmtree(): interrupted, it closes a descriptor twice, which is another's by then.
    with suppress(OSError):
        for path in folder.iterdir():
            path.unlink()
        folder.rmdir()


def _no_pass_phrase() -> str:
    raise ssl.SSLError("the private key is protected by a pass phrase")


def _general_name(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)
