"""The certificates that the user trusts, by server, in a file of the user's.

The file is ``trusted.json`` in the user's configuration folder (``~/.config/xentara_nb``, or what
the system has in its place). It holds fingerprints, which are no secrets; but who could change it
could make another server trusted, so it is the user's alone.
"""

from __future__ import annotations

import datetime
import json
import os
import secrets
from dataclasses import asdict, dataclass
from pathlib import Path

from platformdirs import user_config_path

from xentara_nb.connection.address import canonical
from xentara_nb.connection.tls import normal_fingerprint
from xentara_nb.errors import OptionError
from xentara_nb.locking import Lock
from xentara_nb.paths import lacks_home, own_folder, read_file, replacing, setting_path
from xentara_nb.protocol.text import pasted

_VERSION = 1
_MAX_BYTES = 4 * 1024 * 1024
_lock = Lock()


@dataclass(frozen=True, slots=True)
class TrustedCertificate:
    """A certificate that the user chose to trust: its SHA-256, whom it names, and since when."""

    fingerprint: str
    subject: str = ""
    since: str = ""

    def __post_init__(self) -> None:
        object.__setattr__(self, "fingerprint", normal_fingerprint(self.fingerprint))


def trust_file() -> Path:
    """Return the path of the file; the variable ``XENTARA_TRUST_FILE`` names another."""
    if named := pasted(os.environ.get("XENTARA_TRUST_FILE", "")):
        return setting_path(named)
    return own_folder(user_config_path, roaming=True) / "trusted.json"


def known_certificate(server: str) -> TrustedCertificate | None:
    """Return the certificate that is trusted for a server, None if there is none.

    Raises OptionError if the file cannot be used: nothing in it is trusted then.
    """
    return _read(trust_file()).get(canonical(server))


def remember(server: str, fingerprint: str, subject: str = "") -> None:
    """Trust a certificate for a server from now on, in the place of any other."""
    now = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
    path = trust_file()
    with _lock:
        certificates = _read(path)
        certificates[canonical(server)] = TrustedCertificate(fingerprint, subject, now)
        _write(path, certificates)


def forget(server: str) -> bool:
    """Trust no certificate for a server any more; return whether there was one."""
    path = trust_file()
    with _lock:
        certificates = _read(path)
        if certificates.pop(canonical(server), None) is None:
            return False
        _write(path, certificates)
    return True


def _read(path: Path) -> dict[str, TrustedCertificate]:
    if lacks_home(path):
        return {}
    try:
        document = json.loads(read_file(path, _MAX_BYTES, own=True).decode())
        if document["version"] != _VERSION:
            raise ValueError
        servers = document["servers"].items()
        return {canonical(name): TrustedCertificate(**entry) for name, entry in servers}
    except FileNotFoundError:
        return {}
    except OptionError as error:
        raise OptionError(f"the file of trusted certificates cannot be used: {error}") from None
    except (OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError):
        raise OptionError(
            f"the file of trusted certificates {str(path)!r} cannot be used: correct it, or remove "
            "it to begin a new one"
        ) from None


def _write(path: Path, certificates: dict[str, TrustedCertificate]) -> None:
    """Write the file in one step: a reader sees the old one or the new one.

    Raises OptionError if that is not possible.
    """
    if lacks_home(path):
        raise OptionError(
            "there is no home folder to remember certificates in: set HOME, or name a file with "
            "XENTARA_TRUST_FILE"
        )
    try:
        _replace(path, certificates)
    except OSError as error:
        raise OptionError(
            f"the certificate cannot be remembered in {str(path)!r} "
            f"({error.strerror or error}): name another file with XENTARA_TRUST_FILE"
        ) from None


def _replace(path: Path, certificates: dict[str, TrustedCertificate]) -> None:
    servers = {name: asdict(certificate) for name, certificate in certificates.items()}
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    document = {"version": _VERSION, "servers": servers}
    with replacing(path, path.with_name(f".trusted-{secrets.token_hex(8)}"), mode=0o600) as file:
        file.write(json.dumps(document, indent=2, sort_keys=True).encode())
