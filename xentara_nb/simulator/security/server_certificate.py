"""Which certificate a simulator shows: the configuration's, a kept one, or one of the moment."""

from __future__ import annotations

import shutil
import ssl
import tempfile
import weakref
from pathlib import Path

from xentara_nb.simulator.documents import ConfigurationError
from xentara_nb.simulator.security import certificates
from xentara_nb.simulator.security.settings import Security


class ServerCertificate:
    """The certificate of a simulator, from its start to its stop.

    Parameters
    ----------
    security : Security
        The configuration's own certificate, if it names one.
    names : list of str
        The host names and addresses that a certificate of the moment is made out to.
    kept : Path, optional
        A file in which the simulator keeps a certificate of its own; it counts more than the
        configuration's.

    Attributes
    ----------
    certificate : Path
        The certificate to trust.
    context : ssl.SSLContext
        The TLS settings of the server.
    made : bool
        Whether the simulator has made the certificate, for this computer.

    Raises
    ------
    ConfigurationError
        If the configuration's certificate or key cannot be used.
    SimulatorCertificateError
        If the kept one cannot be used.
    """

    def __init__(self, security: Security, names: list[str], kept: Path | None = None) -> None:
        self._remove: weakref.finalize[..., ServerCertificate] | None = None
        if kept is not None:
            self.made = True
            self.certificate, key = certificates.kept_certificate(kept, names)
            self.context = self._context(key)
        elif security.certificate is not None and security.private_key is not None:
            self.made = False
            self.certificate = security.certificate
            self.context = self._configured(security.private_key)
        else:
            self.made = True
            folder = Path(tempfile.mkdtemp(prefix="xentara-simulator-"))
            # Also when nobody calls close(): nothing stays behind when Python ends.
            self._remove = weakref.finalize(self, _remove, folder)
            self.certificate, key = certificates.write_certificate(folder, names)
            self.context = certificates.server_context(self.certificate, key)
            # Once loaded, nobody needs the key on disk any more.
            key.unlink()

    @property
    def fingerprint(self) -> str:
        """The SHA-256 fingerprint of the certificate."""
        return certificates.fingerprint(self.certificate)

    def close(self) -> None:
        """Remove a certificate of the moment."""
        if self._remove is not None:
            self._remove()

    def _context(self, key: Path) -> ssl.SSLContext:
        try:
            return certificates.server_context(self.certificate, key)
        except OSError as error:
            raise certificates.SimulatorCertificateError(
                f"the certificate {self.certificate} with its key {key.name} cannot be used "
                f"({error}). Delete both, and the simulator makes new ones."
            ) from None

    def _configured(self, key: Path) -> ssl.SSLContext:
        try:
            return certificates.server_context(self.certificate, key)
        except OSError as error:
            raise ConfigurationError(
                "security.json",
                "TLS.serverCertificate",
                f"{self.certificate} with {key} cannot be used ({error})",
                "Give a PEM certificate and its own key without a pass phrase, or let the "
                "simulator make its own certificate, with own_certificate=True or "
                "--own-certificate.",
            ) from None


def _remove(folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)
