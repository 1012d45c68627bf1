"""Whether a server can be reached and lets its user in, step by step."""

from __future__ import annotations

from contextlib import ExitStack
from typing import Any

import pandas as pd

from xentara_nb.client.client import Client
from xentara_nb.connection.address import parse_address
from xentara_nb.connection.deadline import deadline_of_call
from xentara_nb.connection.tls import open_socket, valid_until
from xentara_nb.errors import (
    CertificateNotTrustedError,
    ConnectionForbiddenError,
    DeadlineError,
    LoginError,
    NotXentaraError,
    PathNotFoundError,
    ServerUnreachableError,
)
from xentara_nb.fleet.failures import error_line
from xentara_nb.fleet.servers import Server
from xentara_nb.fleet.tasks import Answer, ask

_DTYPES = {
    "reachable": "boolean",
    "trusted": "boolean",
    "valid_until": "datetime64[ns, UTC]",
    "logged_in": "boolean",
    "protocol_version": "Int64",
    "seconds": "float64",
    "error": "str",
}
_BEHIND_TRUST = (LoginError, ConnectionForbiddenError, PathNotFoundError, NotXentaraError)
"""What a server is refused for once its certificate was found to be in order."""


def check_server(server: Server, deadline: float | None) -> Answer:
    """Connect to a server afresh, log in, and close; the frame is there also where that fails.

    See :meth:`Fleet.check`. What an executor is given, so it writes nothing.
    """
    found: dict[str, Any] = {}
    with ExitStack() as stack:

        def connect() -> Client:
            client = _connect(server, found)
            stack.callback(client.close)
            return client

        def work(client: Client) -> pd.DataFrame:
            found["protocol_version"] = client.protocol_version
            return pd.DataFrame()

        answer = ask(server.name, connect, work, deadline)
    return checked(answer, found)


def checked(answer: Answer, found: dict[str, Any] | None = None) -> Answer:
    """Return an answer whose frame is the row of :meth:`Fleet.check`, of what was found out."""
    error = None if answer.error is None else error_line(answer.error)
    row = {**dict.fromkeys(_DTYPES), **(found or {}), "seconds": answer.seconds, "error": error}
    return answer._replace(frame=pd.DataFrame([row], columns=list(_DTYPES)).astype(_DTYPES))


def empty_checks() -> pd.DataFrame:
    """Return the frame without a row."""
    return pd.DataFrame(columns=list(_DTYPES)).astype(_DTYPES)


def _connect(server: Server, found: dict[str, Any]) -> Client:
    """Connect, and put into ``found`` what each step says; raises as :meth:`Server.connect`."""
    address, _ = parse_address(server.address)
    deadline = deadline_of_call(server.timeout)
    try:
        open_socket(address, deadline).close()
    except (ServerUnreachableError, DeadlineError):
        found["reachable"] = False
        raise
    found["reachable"] = True
    if address.tls:
        end = valid_until(address, deadline)
        found["valid_until"] = None if end is None else pd.Timestamp(end, unit="s", tz="UTC")
        if end is None and deadline.passed:  # and would once more
            raise deadline.error(f"{address.netloc} did not complete the TLS handshake")
    try:
        server.login()
    except LoginError:
        found["logged_in"] = False  # and of what is trusted nothing is known: nothing was asked
        raise
    try:
        client = server.connect(read_only=True, journal=False)
    except CertificateNotTrustedError:
        found["trusted"] = False
        raise
    except _BEHIND_TRUST as error:
        found["trusted"] = address.tls or None
        if isinstance(error, LoginError | ConnectionForbiddenError):
            found["logged_in"] = False
        raise
    found["trusted"], found["logged_in"] = address.tls or None, True
    return client
