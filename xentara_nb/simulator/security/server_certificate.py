"""Which certificate a simulator shows: the configuration's, a kept one, or a temporary one."""

from __future__ import annotations

import shutil
import tempfile
import weakref
from pathlib import Path

from xentara_nb.simulator.documents import ConfigurationError
from xentara_nb.simulator.security import certificates
from xentara_nb.simulator.security.certificates import SimulatorCertificateError
from xentara_nb.simulator.security.settings import Security


class ServerCertificate:
    """The certificate of a simulator, from its start to its stop.

    Parameters
    ----------
    security : Security
        The configuration's own certificate, if it names one.
    names : list of str
        The host names and addresses that a new certificate is valid for.
    kept : Path, optional
        A file in which the simulator keeps a certificate of its own; it takes precedence over the
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
        self.made = kept is not None or security.certificate is None or security.private_key is None
        if kept is not None:
            self.certificate, key = certificates.kept_certificate(kept, names)
        elif security.certificate is not None and security.private_key is not None:
            self.certificate, key = security.certificate, security.private_key
        else:
            folder = Path(tempfile.mkdtemp(prefix="xentara-simulator-"))
            # Also without close(): nothing stays behind when Python ends.
            self._remove = weakref.finalize(self, shutil.rmtree, folder, ignore_errors=True)
            self.certificate, key = certificates.write_certificate(folder, names)
        try:
            self.context = certificates.server_context(self.certificate, key)
        except OSError as error:
            if self.made:
                raise SimulatorCertificateError(self.certificate, key, error) from None
            raise ConfigurationError(
                "security.json",
                "TLS.serverCertificate",
                f"{self.certificate} with {key} cannot be used ({error})",
                "Give a PEM certificate and its own key without a pass phrase, or let the "
                "simulator make its own certificate, with own_certificate=True or "
                "--own-certificate.",
            ) from None
        if self._remove is not None:
            # It is loaded, and not needed on disk any more.
            key.unlink()

    @property
    def fingerprint(self) -> str:
        """The SHA-256 fingerprint of the certificate."""
        return certificates.fingerprint(self.certificate)

    def close(self) -> None:
        """Remove a temporary certificate."""
        if self._remove is not None:
            self._remove()
