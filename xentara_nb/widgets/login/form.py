"""The form that logs in: to the connection, and then to a sub-session."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from xentara_nb import client as _client
from xentara_nb.client import Client
from xentara_nb.connection.address import Address, parse_address
from xentara_nb.connection.deadline import check_timeout
from xentara_nb.errors import AddressError, CertificateNotTrustedError, LoginError, XentaraError
from xentara_nb.widgets.common import client_info
from xentara_nb.widgets.common.style import badge, escape, show
from xentara_nb.widgets.login import secret, trust_store
from xentara_nb.widgets.login.account import account
from xentara_nb.widgets.login.sub_session import SessionPart
from xentara_nb.widgets.login.trust import TrustCard
from xentara_nb.widgets.login.view import (
    ENVIRONMENT,
    KEYRING,
    METHODS,
    PASSWORD,
    TOKEN,
    LoginView,
    without_password,
)


class LoginForm(LoginView):
    """Log in to a Xentara server, and to a sub-session on the connection.

    Once somebody is logged in, ``form.client`` is the client, and ``form.session`` the
    sub-session. When the cell is run again, the form finds the client that it made and does not
    ask again.

    Parameters
    ----------
    address : str, optional
        ``host``, ``host:port`` or ``wss://host:port/api/ws``.
    user : str, optional
        Who logs in.
    method : str, optional
        How: ``"password"``, ``"token"``, ``"environment"`` (``XENTARA_USER`` and
        ``XENTARA_PASSWORD``, or ``XENTARA_TOKEN``) or ``"keyring"``.
    at_once : bool, default False
        Whether to log in without a click, from the environment or the keyring.
    ca_file : path, optional
        A PEM file with the certificates to trust, instead of the system's.
    fingerprint : str, optional
        The SHA-256 of the server's certificate, to trust exactly that one.
    timeout : float, default 10.0
        How long to wait for the connection, and for each answer, in seconds.
    read_only : bool, default False
        Whether the client shall refuse everything that changes something.
    name : str, optional
        Under what name the log-in is kept for cells that are run again; two forms with one name
        share it. Left out, address and user are the name.

    Raises
    ------
    AddressError
        If an argument cannot be used.

    Examples
    --------
    >>> form = LoginForm("plant.example", user="operator")
    >>> form
    <LoginForm: nobody is logged in to plant.example>
    >>> form.close()
    """

    def __init__(
        self,
        address: str = "",
        *,
        user: str = "",
        method: str | None = None,
        at_once: bool = False,
        ca_file: str | os.PathLike[str] | None = None,
        fingerprint: str | None = None,
        timeout: float = 10.0,
        read_only: bool = False,
        name: str | None = None,
    ) -> None:
        if method is not None and method not in METHODS:
            raise AddressError(f"{method!r} is no way to log in; there are: {', '.join(METHODS)}")
        super().__init__(address, user, method)
        self._trust_options = {"ca_file": ca_file, "fingerprint": fingerprint}
        self._timeout = check_timeout(timeout)
        self._read_only = read_only
        self._waiting: tuple[Address, dict[str, str], bool] | None = None
        clean = without_password(address)
        self.account = account(name or f"{user}@{clean} {'read only' if read_only else ''}".strip())
        self._make(address)
        self.when_closed(self.account.listen(self.desk.guard(self._show_state)))
        self.settle()
        self._show_state()
        if at_once and self.account.client is None:
            self._at_once()

    # What code uses

    @property
    def client(self) -> Client:
        """The connected client.

        Raises
        ------
        LoginError
            If nobody is logged in.
        """
        client = self.account.client
        if client is None:
            raise LoginError(
                "nobody is logged in yet: log in with the form, then run this cell again"
            )
        return client

    @property
    def session(self) -> Any:
        """The sub-session, for ``plan.apply(session=...)``.

        Raises
        ------
        LoginError
            If nobody is logged in to one.
        """
        if self.account.client is None or self.account.session is None:
            raise LoginError(
                "nobody is logged in to a sub-session: log in with the form (Act as another "
                "user), then run this cell again"
            )
        return self.account.session

    def log_in(
        self,
        *,
        user: str | None = None,
        password: str | None = None,
        token: str | None = None,
    ) -> Client:
        """Log in from code, as the button does; return the client.

        Parameters
        ----------
        user, password : str, optional
            Who logs in. Left out, the user of the form.
        token : str, optional
            A token instead of user and password.

        Raises
        ------
        LoginError, ConnectError, DeadlineError
            As :func:`xentara_nb.connect`; the form shows it too.
        """
        if (client := self.account.client) is not None:
            return client
        secrets: dict[str, str] = {}
        if token is not None:
            secrets = {"token": token}
        elif password is not None:
            secrets = {"user": user or self.user.value.strip(), "password": password}
        elif (found := secret.from_environment()) is not None:
            secrets = found
        if not secrets.get("token") and not secrets.get("user"):
            raise LoginError("log in with user= and password=, or with token=")
        try:
            self._connect(self._address(), secrets, keep=False)
        except XentaraError as error:
            self.notice.say(str(error), "error")
            raise
        return self.client

    def log_out(self) -> None:
        """Log out of the sub-session and of the connection."""
        self.account.leave()
        self.notice.say("Logged out.", "info")

    def summary(self) -> str:
        """Return who is logged in."""
        client = self.account.client
        where = self.address.value or "a server"
        return (
            f"nobody is logged in to {where}"
            if client is None
            else f"{client.user} at {client.address.url}"
        )

    # What the page uses

    def _make(self, address: str) -> None:
        self.trust = TrustCard(self.desk, self._trusted, self._refused)
        self.sub = SessionPart(self.desk, self.account)
        self.lay_out(self.trust.box, self.sub.box)
        guard = self.desk.guard
        self.address.observe(guard(self._take_address), "value")
        self.method.observe(guard(lambda change: self.show_fields()), "value")
        self.button.on_click(guard(lambda clicked: self._start()))
        self.out.on_click(guard(self._log_out))
        self.password.on_enter(guard(self._start))
        self.token.on_enter(guard(self._start))
        if "@" in address:
            self._take_address(None)
        self.show_fields()

    def _show_state(self) -> None:
        client = self.account.client
        show(self.fields, client is None and not self.trust.asking)
        show(self.inside, client is not None)
        self.button.disabled = False
        if client is not None and self.account.since is not None:
            self.state.value = (
                f"<p role='status'>{badge('connected', 'ok')} <b>{escape(client.user)}</b> at "
                f"<code>{escape(client.address.url)}</code> since "
                f"{self.account.since:%H:%M:%S}"
                f"{' ' + badge('read only') if client_info.read_only(client) else ''}</p>"
            )
        self.sub.refresh()

    def _take_address(self, change: object) -> None:
        """Take the credentials out of an address that has some."""
        text = self.address.value
        if "@" not in text:
            return
        self.address.value = without_password(text)
        _, credentials = parse_address(text)
        if credentials is not None:
            self.user.value = credentials.user or ""
            if credentials.password is not None:
                self.password.value = credentials.password

    def _address(self) -> Address:
        text = self.address.value.strip()
        if not text:
            raise AddressError("type the address of the server: host, host:port or wss://…")
        return parse_address(text)[0]

    def _secrets(self, address: Address) -> dict[str, str]:
        """Take what was typed out of the fields, or from where it is kept."""
        method, user = self.method.value, self.user.value.strip()
        password, token = self.password.take(), self.token.take()
        if method == TOKEN:
            if not token:
                raise LoginError("type the token")
            return {"token": token.strip()}
        if method == ENVIRONMENT:
            found = secret.from_environment()
            if found is None:
                raise LoginError(
                    "XENTARA_USER and XENTARA_PASSWORD, or XENTARA_TOKEN, are not set where this "
                    "notebook runs"
                )
            return found
        if not user:
            raise LoginError("type the name of the user")
        if method == KEYRING:
            return {"user": user, "password": secret.from_keyring(address.netloc, user)}
        if not password:
            raise LoginError(f"type the password of {user}")
        return {"user": user, "password": password}

    def _start(self) -> None:
        """Begin to log in, with what the fields hold."""
        if self.account.client is not None or self.trust.asking or self.desk.is_busy("log in"):
            return
        address = self._address()
        secrets = self._secrets(address)
        self._begin(address, secrets, keep=self.keep.value and self.method.value == PASSWORD)

    def _begin(self, address: Address, secrets: dict[str, str], *, keep: bool) -> None:
        self.button.disabled = True
        self.desk.run(
            "log in",
            lambda: self._connect_in_form(address, secrets, keep=keep),
            busy=f"Connecting to {address.netloc} (for {self._timeout:g} s at most) …",
            after=self._show_state,
        )

    def _at_once(self) -> None:
        """Log in now if that needs no question; what goes wrong is in the form."""
        if self.method.value not in (ENVIRONMENT, KEYRING):
            self.method.value = ENVIRONMENT if secret.from_environment() else PASSWORD
        if self.method.value in (ENVIRONMENT, KEYRING):
            self.desk.guard(self._log_in_at_once)()

    def _log_in_at_once(self) -> None:
        address = self._address()
        self._connect_in_form(address, self._secrets(address), keep=False)

    def _connect_in_form(self, address: Address, secrets: dict[str, str], *, keep: bool) -> None:
        try:
            self._connect(address, secrets, keep=keep)
        except CertificateNotTrustedError:
            # The card says it all, and what its message says beyond that is for code.
            self.notice.say("The certificate of the server is not known: see above.", "warning")

    def _connect(self, address: Address, secrets: dict[str, str], *, keep: bool) -> None:
        options: dict[str, Any] = dict(self._trust_options)
        if options["ca_file"] is None and options["fingerprint"] is None and address.tls:
            certificate = trust_store.known_certificate(address.netloc)
            options["fingerprint"] = None if certificate is None else certificate.fingerprint
        try:
            client = _client.connect(
                address.url,
                **options,
                **secrets,
                timeout=self._timeout,
                read_only=self._read_only,
            )
        except CertificateNotTrustedError as error:
            self._waiting = (address, secrets, keep)
            self.trust.show(address.netloc, error)
            self._show_state()
            raise
        if self.desk.closed:
            client.close()
            return
        self.account.enter(client)
        self.notice.say(f"Logged in as {client.user}.", "ok")
        if keep:
            secret.to_keyring(address.netloc, secrets["user"], secrets["password"])

    def _trusted(self, fingerprint: str) -> None:
        waiting, self._waiting = self._waiting, None
        self._trust_options = {"ca_file": None, "fingerprint": None}
        if waiting is not None:
            address, secrets, keep = waiting
            self._begin(address, secrets, keep=keep)
        self._show_state()

    def _refused(self) -> None:
        self._waiting = None
        self.notice.say("The certificate is not trusted, and nothing was sent.", "warning")
        self._show_state()

    def _log_out(self, clicked: object) -> None:
        self.desk.run("log out", self.log_out, busy="Logging out …")

    @staticmethod
    def forget_certificate(address: str, path: Path | None = None) -> bool:
        """Trust the remembered certificate of a server no more; return whether there was one."""
        return trust_store.forget(parse_address(address)[0].netloc, path)
