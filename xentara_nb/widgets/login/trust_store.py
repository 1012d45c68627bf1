"""The certificates that the user trusts, by server, in a file of the user's.

The file is ``trusted.json`` in the user's configuration folder (``$XDG_CONFIG_HOME/xentara_nb``,
``~/.config/xentara_nb``, or what the system has in its place). It holds fingerprints, which are
no secrets; but who could change it could make another server trusted, so it is the user's alone.
"""

from __future__ import annotations

import contextlib
import datetime
import json
import os
import sys
import tempfile
import threading
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from xentara_nb.connection.tls import normal_fingerprint
from xentara_nb.errors import AddressError, OptionError

_VERSION = 1
_lock = threading.Lock()


@dataclass(frozen=True, slots=True)
class TrustedCertificate:
    """A certificate that the user chose to trust.

    Attributes
    ----------
    fingerprint : str
        Its SHA-256.
    subject : str
        Whom it names.
    since : str
        When it was chosen, as ISO 8601.
    """

    fingerprint: str
    subject: str = ""
    since: str = ""


def trust_file() -> Path:
    """Return the path of the file; the variable ``XENTARA_TRUST_FILE`` names another."""
    if named := os.environ.get("XENTARA_TRUST_FILE"):
        return Path(named)
    if configured := os.environ.get("XDG_CONFIG_HOME"):
        folder = Path(configured)
    elif sys.platform == "win32":
        folder = Path(os.environ.get("APPDATA") or Path.home() / "AppData" / "Roaming")
    elif sys.platform == "darwin":
        folder = Path.home() / "Library" / "Application Support"
    else:
        folder = Path.home() / ".config"
    return folder / "xentara_nb" / "trusted.json"


def known_certificate(server: str, path: Path | None = None) -> TrustedCertificate | None:
    """Return the certificate that is trusted for a server, None if there is none.

    Raises
    ------
    AddressError
        If the file is there and cannot be used; nothing in it is trusted then.
    """
    entry = _read(trust_file() if path is None else path).get(server)
    if entry is None:
        return None
    try:
        return TrustedCertificate(
            normal_fingerprint(str(entry["fingerprint"])),
            str(entry.get("subject", "")),
            str(entry.get("since", "")),
        )
    except (KeyError, TypeError, AttributeError, OptionError):
        raise _unusable(trust_file() if path is None else path) from None


def remember(
    server: str, fingerprint: str, subject: str = "", path: Path | None = None
) -> TrustedCertificate:
    """Trust a certificate for a server from now on, in the place of any other.

    Raises
    ------
    OSError
        If the file cannot be written.
    AddressError
        If the file that is there cannot be used.
    """
    path = trust_file() if path is None else path
    now = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
    entry = TrustedCertificate(normal_fingerprint(fingerprint), subject, now)
    with _lock:
        servers = _read(path)
        servers[server] = asdict(entry)
        _write(path, servers)
    return entry


def forget(server: str, path: Path | None = None) -> bool:
    """Trust no certificate for a server any more; return whether there was one."""
    path = trust_file() if path is None else path
    with _lock:
        servers = _read(path)
        if servers.pop(server, None) is None:
            return False
        _write(path, servers)
    return True


def _read(path: Path) -> dict[str, Any]:
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError):
        raise _unusable(path) from None
    servers = document.get("servers") if isinstance(document, dict) else None
    if not isinstance(servers, dict) or document.get("version") != _VERSION:
        raise _unusable(path)
    return servers


def _write(path: Path, servers: dict[str, Any]) -> None:
    """Write the file in one step: a reader sees the old one or the new one."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=".trusted-")  # 0600 from the start
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            json.dump({"version": _VERSION, "servers": servers}, file, indent=2, sort_keys=True)
            file.flush()
            os.fsync(file.fileno())
        os.replace(name, path)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(name)
        raise


def _unusable(path: Path) -> AddressError:
    return AddressError(
        f"the file of trusted certificates {str(path)!r} cannot be used: mend it, or remove it to "
        "begin a new one"
    )
