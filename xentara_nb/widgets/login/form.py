"""The form that logs in: to the connection, and then to a sub-session."""

from __future__ import annotations

import os
from importlib.util import find_spec

import ipywidgets

from xentara_nb.client import Client, connect
from xentara_nb.connection import secret_store, trust_store
from xentara_nb.connection.address import Address, parse_address
from xentara_nb.connection.credentials import Credentials
from xentara_nb.connection.deadline import check_timeout
from xentara_nb.connection.tls import Trust
from xentara_nb.errors import (
    AddressError,
    CertificateChangedError,
    CertificateNotTrustedError,
    LoginError,
    OptionError,
    XentaraError,
)
from xentara_nb.protocol.secret import Secret, SecretLike
from xentara_nb.tables.rendering import escape
from xentara_nb.widgets.common import notebook
from xentara_nb.widgets.common.connection import ConnectionWatch
from xentara_nb.widgets.common.form import Form, read_only
from xentara_nb.widgets.common.style import badge, button, card, heading, row, show
from xentara_nb.widgets.login import secret
from xentara_nb.widgets.login.account import account
from xentara_nb.widgets.login.address_input import AddressInput, without_password
from xentara_nb.widgets.login.sub_session import SessionPart
from xentara_nb.widgets.login.trust import TrustCard
from xentara_nb.writes.sub_session import SubSession

PASSWORD, TOKEN, ENVIRONMENT, KEYRING = "password", "token", "environment", "keyring"
METHODS = {
    PASSWORD: "User and password",
    TOKEN: "Token (OAuth 2.0)",
    ENVIRONMENT: "Environment variables",
    KEYRING: "Keyring of this computer",
}


class LoginForm(Form):
    """Log in to a Xentara server, and to a sub-session on the connection.

    Once a user is logged in, ``form.client`` is the client, and ``form.session`` the
    sub-session. When the cell is run again, the form finds the client that it made and does not
    ask again.

    Parameters
    ----------
    address : str, optional
        ``host``, ``host:port`` or ``wss://host:port/api/ws``. Left out, ``XENTARA_URL``, with
        the method ``"environment"`` if it says who logs in.
    user : str, optional
        Who logs in.
    method : str, optional
        How: ``"password"``, ``"token"``, ``"environment"`` (``XENTARA_USER`` and
        ``XENTARA_PASSWORD``, or ``XENTARA_TOKEN``) or ``"keyring"``.
    at_once : bool, default False
        Whether to log in without a click, from the environment or the keyring.
    ca_file, fingerprint, timeout, read_only
        As for :func:`xentara_nb.connect`.
    name : str, optional
        Under what name the log-in is kept for cells that are run again; two forms with one name
        share it. Left out, address and user are the name.

    Raises
    ------
    OptionError, AddressError
        If an argument cannot be used.

    Examples
    --------
    >>> form = LoginForm("plant.example", user="operator")
    >>> form
    <LoginForm: no one is logged in to plant.example>
    >>> form.close()
    """

    title = "Log in to Xentara"

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
            raise OptionError(f"{method!r} is no way to log in; there are: {', '.join(METHODS)}")
        if not address:
            address = os.environ.get("XENTARA_URL", "")
            if address and method is None and not user and secret.from_environment():
                method = ENVIRONMENT
        # At once, so that a traceback that shows variables shows no password in it.
        given = Secret(address)
        del address
        super().__init__("login")
        self._trust = Trust(ca_file, fingerprint)
        self._timeout = check_timeout(timeout)
        self._read_only = read_only
        server = without_password(given.reveal())
        self.account = account(
            name or f"{user}@{server} {'read only' if read_only else ''}".strip()
        )
        self._make(given, user, method)
        self.when_closed.callback(self.account.listen(self.tasks.handler(self._show_state)))
        notebook.register(self)
        self._show_state()
        if at_once:
            # Only where that needs no question; what goes wrong is in the form.
            if self.method.value not in (ENVIRONMENT, KEYRING) and secret.from_environment():
                self.method.value = ENVIRONMENT
            if self.method.value in (ENVIRONMENT, KEYRING):
                self.button.click()
                self.tasks.wait()

    # What code uses

    @property
    def client(self) -> Client:
        """The connected client.

        Raises
        ------
        LoginError
            If no one is logged in.
        """
        client = self.account.client
        if client is None:
            raise LoginError(
                "no one is logged in yet: log in with the form, then run this cell again"
            )
        return client

    @property
    def session(self) -> SubSession:
        """The sub-session, for ``plan.apply(session=...)``.

        Raises
        ------
        LoginError
            If no one is logged in to one.
        """
        if self.account.client is None or self.account.session is None:
            raise LoginError(
                "no one is logged in to a sub-session: log in with the form (Act as another "
                "user), then run this cell again"
            )
        return self.account.session

    def log_in(
        self,
        *,
        user: str | None = None,
        password: SecretLike | None = None,
        token: SecretLike | None = None,
    ) -> Client:
        """Log in from code, as the button does; return the client.

        Without a password or token, those of the environment are taken.

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
        # At once, so that a traceback that shows variables shows none of them.
        password, token = Secret.of(password), Secret.of(token)
        if (client := self.account.client) is not None:
            return client
        credentials: Credentials | None
        if token is not None:
            credentials = Credentials(token=token)
        elif password is not None:
            credentials = Credentials(user or self.user.value.strip(), password)
        else:
            credentials = secret.from_environment()
        if credentials is None or not (credentials.token or credentials.user):
            raise LoginError("log in with user= and password=, or with token=")
        try:
            self._connect(self._address(), credentials)
        except XentaraError as error:
            self.notice.say(str(error), "error")
            raise
        return self.client

    def log_out(self) -> None:
        """Log out of the sub-session and of the connection."""
        self.account.set_client(None)
        self.notice.say("Logged out.", "info")

    @staticmethod
    def forget_certificate(address: str) -> bool:
        """Trust the remembered certificate of a server no more; return whether there was one."""
        return trust_store.forget(parse_address(address)[0].netloc)

    def summary(self) -> str:
        """Return who is logged in."""
        client = self.account.client
        if client is None:
            return f"no one is logged in to {self.address.value or 'a server'}"
        return f"{client.user} at {client.address.url}"

    # What the page uses

    def _make(self, address: Secret, user: str, method: str | None) -> None:
        self.address = AddressInput(
            address.reveal(),
            description="Address",
            placeholder="host, host:port or wss://host:port/api/ws",
        )
        self.address.continuous_update = False
        self.user = ipywidgets.Text(description="User", value=user)
        self.password = secret.SecretInput("Password")
        self.token = secret.SecretInput("Token")
        offered = [PASSWORD, TOKEN]
        if method == ENVIRONMENT or secret.from_environment() is not None:
            offered.append(ENVIRONMENT)
        if method == KEYRING or find_spec("keyring"):
            offered.append(KEYRING)
        self.method = ipywidgets.Dropdown(
            description="Log in with",
            options=[(METHODS[each], each) for each in offered],
            value=method or PASSWORD,
        )
        self.keep = ipywidgets.Checkbox(
            description="Remember the password in the keyring of this computer", indent=False
        )
        self.button = button("Log in", style="primary")
        self.out = button("Log out")
        self.state = ipywidgets.HTML()
        self.trust = TrustCard(self.tasks, self._refused)
        self.sub = SessionPart(self.tasks, self.account)
        self.connection = ConnectionWatch(self.tasks, self._show_state)
        self.when_closed.callback(self.connection.close)
        self.fields = ipywidgets.VBox(
            [
                row(self.address),
                row(self.method),
                row(self.user, self.password, self.token),
                self.keep,
                row(self.button),
            ]
        )
        self.inside = ipywidgets.VBox(
            [row(self.state, self.out), self.connection.box, self.sub.box]
        )
        self.fill(card(heading(self.title), self.fields, self.trust.box, self.inside, self.notice))
        handler = self.tasks.handler
        self.address.observe(handler(self._take_address), "value")
        self.method.observe(handler(self._show_fields), "value")
        self.button.on_click(handler(self._start))
        self.out.on_click(handler(self._log_out))
        self.password.on_enter(handler(self._start))
        self.token.on_enter(handler(self._start))
        self._take_address()
        self._show_fields()

    def _show_fields(self) -> None:
        method = self.method.value
        show(self.user, method in (PASSWORD, KEYRING))
        show(self.password, method == PASSWORD)
        show(self.token, method == TOKEN)
        show(self.keep, method == PASSWORD and find_spec("keyring") is not None)

    def _show_state(self) -> None:
        client = self.account.client
        self.connection.follow(client)
        show(self.fields, client is None and not self.trust.asking)
        show(self.inside, client is not None)
        self.button.disabled = False
        if client is not None and self.account.since is not None:
            connected = client.ended is None
            if not connected:
                self.notice.clear()  # what it says of the log-in is over
            state = badge("connected", "ok") if connected else badge("not connected", "error")
            self.state.value = (
                f"<p role='status'>{state} <b>{escape(client.user)}</b> at "
                f"<code>{escape(client.address.url)}</code> since "
                f"{self.account.since:%H:%M:%S}"
                f"{' ' + badge('read only') if read_only(client) else ''}</p>"
            )
        self.sub.refresh()
        self.picture.change()

    def _take_address(self) -> None:
        """Take the credentials out of an address that has some."""
        text = Secret(self.address.value)
        if "@" not in text.reveal():
            return
        self.address.value = without_password(text.reveal())
        _, credentials = parse_address(text)
        if credentials is not None:
            self.user.value = credentials.user or ""
            if credentials.password is not None:
                self.password.value = credentials.password.reveal()

    def _address(self) -> Address:
        text = self.address.value.strip()
        if not text:
            raise AddressError("type the address of the server: host, host:port or wss://…")
        return parse_address(text)[0]

    def _credentials(self, address: Address) -> Credentials:
        """Take what was typed out of the fields, or from where it is kept."""
        method, user = self.method.value, self.user.value.strip()
        password, token = self.password.take(), self.token.take()
        if method == TOKEN:
            return Credentials(token=secret.required(token, "the token"))
        if method == ENVIRONMENT:
            found = secret.from_environment()
            if found is None:
                raise OptionError(
                    "XENTARA_USER and XENTARA_PASSWORD, or XENTARA_TOKEN, are not set where this "
                    "notebook runs"
                )
            return found
        secret.required(Secret(user), "the name of the user")
        if method == KEYRING:
            return Credentials(user, secret_store.from_keyring(address.netloc, user))
        return Credentials(user, secret.required(password, f"the password of {user}"))

    def _start(self) -> None:
        """Begin to log in, with what the fields hold."""
        if self.account.client is not None or self.trust.asking or self.tasks.is_busy("log in"):
            return
        address = self._address()
        credentials = self._credentials(address)
        self._begin(address, credentials, self.keep.value and self.method.value == PASSWORD)

    def _begin(self, address: Address, credentials: Credentials, keep: bool) -> None:
        self.button.disabled = True
        self.tasks.run(
            "log in",
            lambda: self._connect_in_form(address, credentials, keep),
            busy=f"Connecting to {address.netloc} (for {self._timeout:g} s at most) …",
            after=self._show_state,
        )

    def _connect_in_form(self, address: Address, credentials: Credentials, keep: bool) -> None:
        try:
            self._connect(address, credentials, keep)
        except CertificateChangedError:
            text = "The certificate of the server has CHANGED: nothing was sent, see above."
            self.notice.say(text, "error")
        except CertificateNotTrustedError:
            # The card says it all, and what its message says beyond that is for code.
            self.notice.say("The certificate of the server is not known: see above.", "warning")

    def _connect(self, address: Address, credentials: Credentials, keep: bool = False) -> None:
        trust = self._trust
        try:
            client = connect(
                address.url,
                user=credentials.user,
                password=credentials.password,
                token=credentials.token,
                ca_file=trust.ca_file,
                fingerprint=trust.fingerprint,
                timeout=self._timeout,
                read_only=self._read_only,
            )
        except CertificateNotTrustedError as error:
            self.trust.show(
                address.netloc,
                error,
                lambda: self._begin_trusting(address, credentials, keep),
                may_trust=trust == Trust(),
            )
            self._show_state()
            raise
        if self.closed:
            client.close()
            return
        self.account.set_client(client)
        self.notice.say(f"Logged in as {client.user}.", "ok")
        if keep:
            secret_store.to_keyring(address.netloc, credentials)

    def _begin_trusting(self, address: Address, credentials: Credentials, keep: bool) -> None:
        self._begin(address, credentials, keep)
        self._show_state()

    def _refused(self) -> None:
        self.notice.say("The certificate is not trusted, and nothing was sent.", "warning")
        self._show_state()

    def _log_out(self) -> None:
        self.tasks.run("log out", self.log_out, busy="Logging out …")
