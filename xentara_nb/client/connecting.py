"""How a client is made: from arguments, and from the environment where they are left out."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from xentara_nb.client.client import Client
from xentara_nb.connection.address import Address, parse_address
from xentara_nb.connection.credentials import ask, find_credentials
from xentara_nb.connection.deadline import Deadline, check_timeout
from xentara_nb.connection.reconnecting import ReconnectingConnection
from xentara_nb.connection.tls import Trust, check_ca_file, check_server
from xentara_nb.connection.trust_store import known_certificate
from xentara_nb.errors import (
    AddressError,
    CertificateNotTrustedError,
    OptionError,
    XentaraError,
)
from xentara_nb.live.subscribing import SubscriptionManager
from xentara_nb.protocol.commands import DataChange
from xentara_nb.protocol.secret import Secret, SecretLike
from xentara_nb.protocol.text import pasted
from xentara_nb.queries.model_cache import ModelCache
from xentara_nb.queries.subscriptions import EventDispatcher
from xentara_nb.writes.context import PolicySource
from xentara_nb.writes.journal import Journal, JournalLike
from xentara_nb.writes.policy import WritePolicyLike

_TRUST_VARIABLES = ("XENTARA_CA_FILE", "XENTARA_FINGERPRINT")

T = TypeVar("T")


def connect(
    url: SecretLike | None = None,
    *,
    user: SecretLike | None = None,
    password: SecretLike | None = None,
    token: SecretLike | None = None,
    ca_file: str | os.PathLike[str] | None = None,
    fingerprint: str | None = None,
    timeout: float = 10.0,
    read_only: bool = False,
    policy: WritePolicyLike = None,
    journal: JournalLike = None,
) -> Client:
    """Connect to a Xentara server and log in (the manual's client_hello).

    Parameters
    ----------
    url : str, optional
        ``host``, ``host:port`` or ``wss://host:port/api/ws``, with ``user:password@`` in it or
        not. The port is 8080 when left out. Without a url, ``XENTARA_URL`` says where.
    user, password : str, optional
        Who logs in. Left out, ``XENTARA_USER`` and ``XENTARA_PASSWORD`` are taken, and what is
        still missing is asked for where there is a terminal or a notebook.
    token : str, optional
        An OAuth 2.0 token (a JWT) instead of user and password; or ``XENTARA_TOKEN``.
    ca_file : path, optional
        A PEM or DER file with the certificates to trust, instead of the system's.
    fingerprint : str, optional
        The SHA-256 of the server's certificate, to trust exactly that one; a ``ca_file`` beside it
        does not count. Without both, ``XENTARA_CA_FILE`` or ``XENTARA_FINGERPRINT`` say what is
        trusted, unless ``XENTARA_URL`` names another server, whose they are; and without these,
        what was trusted for this server with the log-in form.
    timeout : float, default 10.0
        How long to wait for the connection, and for each answer, in seconds.
    read_only : bool, default False
        Whether this client refuses everything that changes something. The environment variable
        ``XENTARA_READ_ONLY=1`` makes every client read only, at any time.
    policy : WritePolicy or path, optional
        What may be written: a policy or its TOML file, see :mod:`xentara_nb.writes.policy`. The
        file that ``XENTARA_POLICY`` names counts as well. A file is read again when it changes.
    journal : path or bool, optional
        Where writes are journalled, see :mod:`xentara_nb.writes.journal`: a file; False for
        nowhere. Left out, where ``XENTARA_JOURNAL`` says, or in the user's own journal.

    Returns
    -------
    Client
        A connected client; ``with connect(...) as client:`` closes it at the end.

    Raises
    ------
    AddressError
        If the address cannot be used; nothing was sent.
    OptionError
        If another argument cannot be used; nothing was sent.
    CertificateNotTrustedError
        If the certificate is not known; the message shows the line of code that trusts it. No
        user, password or token was sent.
    CertificateChangedError
        If it is another one than the fingerprint says, or than the ``ca_file`` vouches for:
        renewed, or someone in between.
    LoginError, ConnectionForbiddenError
        If the server does not let the user in.
    ServerUnreachableError, NotTlsError, PathNotFoundError, NotXentaraError, DeadlineError
        If there is no such server.
    PolicyError
        If a write policy cannot be used; nothing was sent.

    Examples
    --------
    >>> from xentara_nb import connect, simulate
    >>> with simulate() as plant:
    ...     client = connect(
    ...         plant.url, user="operator", password="operator-demo", ca_file=plant.ca_file
    ...     )
    ...     stage = client.get_stage()
    ...     client.close()
    >>> stage
    <Stage.OPERATIONAL: 2>
    """
    # At once, so that a traceback that shows variables shows none of them. A password may also
    # stand in the url, and behind the user.
    url, user, password, token = map(Secret.of, (url, user, password, token))
    if url is None:
        url = Secret(pasted(os.environ.get("XENTARA_URL", "")))
        if not url:
            raise AddressError("say where the server is: connect(url), or set XENTARA_URL")
        address, in_address = _named("XENTARA_URL", parse_address, url)
    else:
        address, in_address = parse_address(url)
    credentials = find_credentials(user, password, token, in_address=in_address)
    trust, note = Trust(ca_file, fingerprint), None
    if trust != Trust() and not address.tls:
        raise OptionError(
            f"{address.url} is an address without TLS, so there is no certificate for ca_file= or "
            "fingerprint=: write wss://, or leave them out"
        )
    if trust == Trust() and address.tls:
        trust, note = _trust_of_environment(address)
    if trust == Trust() and address.tls:
        known = known_certificate(address.netloc)
        if known is not None:
            trust = Trust(fingerprint=known.fingerprint, remembered=True)
    seconds = check_timeout(timeout)
    write_journal = Journal(journal)
    policies = PolicySource(policy)
    if not credentials.complete:
        # No one is asked for a password that could not be sent anyway.
        with _noted(note):
            check_server(address, trust, Deadline(seconds))
        credentials = ask(credentials, address.netloc)
    dispatcher = EventDispatcher()
    watches = SubscriptionManager()

    def take_event(event: DataChange) -> None:
        dispatcher.dispatch(event)
        watches.take(event)

    def take_end(reason: XentaraError) -> None:
        dispatcher.end(reason)
        watches.connection_ended(reason)

    model_cache = ModelCache(lambda commands: connection.ask(commands))
    connection = ReconnectingConnection(
        address,
        credentials,
        trust,
        seconds,
        on_event=take_event,
        on_renewal=model_cache.forget,
        on_end=take_end,
        # Where a subscription takes single events, they are decoded one by one.
        on_events=lambda message: not len(dispatcher) and watches.take_message(message),
        is_watching=lambda: len(dispatcher) > 0 or watches.is_watching,
    )
    watches.attach(connection)
    try:
        with _noted(note):
            connection.connection()
        return Client(
            connection,
            model_cache,
            dispatcher,
            watches,
            read_only=read_only,
            policies=policies,
            journal=write_journal,
        )
    except BaseException:
        connection.close()
        raise


def _trust_of_environment(address: Address) -> tuple[Trust, str | None]:
    """Return what the environment says to trust, and what to say where that is not enough."""
    values = {name: pasted(os.environ.get(name, "")) or None for name in _TRUST_VARIABLES}
    names = " and ".join(name for name, value in values.items() if value is not None)
    if not names:
        return Trust(), None
    whose = Secret(pasted(os.environ.get("XENTARA_URL", "")))
    if whose:
        other, _ = _named("XENTARA_URL", parse_address, whose)
        if other.netloc != address.netloc:
            return Trust(), f"{names} did not count: XENTARA_URL says that it is for {other.netloc}"
    ca_file, fingerprint = values.values()
    _named("XENTARA_FINGERPRINT", Trust, None, fingerprint)
    _named("XENTARA_CA_FILE", lambda: check_ca_file(Trust(ca_file)))
    return Trust(ca_file, fingerprint), f"what is trusted here was said by {names}"


@contextmanager
def _noted(note: str | None) -> Iterator[None]:
    """Say of a certificate that is not trusted which variable of the environment counted."""
    try:
        yield
    except CertificateNotTrustedError as error:
        if note is not None:
            error.add_note(note)
        raise


def _named(variable: str, read: Callable[..., T], *arguments: object) -> T:
    """Return what a function reads; an error names the environment variable that is at fault."""
    try:
        return read(*arguments)
    except (AddressError, OptionError) as error:
        raise type(error)(f"{variable}: {error}") from None
