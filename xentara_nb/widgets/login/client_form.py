"""A form that works through a client: one that is given, or that of a log-in form."""

from __future__ import annotations

import contextlib
from abc import abstractmethod

import ipywidgets

from xentara_nb.client import Client
from xentara_nb.tables.rendering import escape
from xentara_nb.widgets.common.confirm import Confirmation, Words
from xentara_nb.widgets.common.connection import CONNECT_AGAIN, LOG_IN_AGAIN, ConnectionWatch
from xentara_nb.widgets.common.form import Form, read_only
from xentara_nb.widgets.common.style import badge, card, heading
from xentara_nb.widgets.login.form import LoginForm
from xentara_nb.writes.sub_session import SubSession

_WAITING = "<p class='xnb-dim' role='status'>Waiting for a log-in: log in with the log-in form.</p>"


class ClientForm(Form):
    """A form that is built for a client, and again when the log-in form has another one.

    Before anyone is logged in, it waits in its place. What it sends is reviewed first; a review
    ends with the connection, and when someone else is logged in.

    Attributes
    ----------
    shown_client : Client or None
        The client that the parts of the form are made for; None while it waits.
    while_built : contextlib.ExitStack
        What ends when the parts of the form are closed or made again.
    confirmation : Confirmation
        The review, made with the parts of the form.
    head : ipywidgets.HTML
        Which server it is, and as whom something is done there; made with the parts of the form.
    """

    words: Words

    def __init__(
        self, name: str, client: Client | LoginForm, session: SubSession | None = None
    ) -> None:
        super().__init__(name)
        self._session = session
        self._login = client if isinstance(client, LoginForm) else None
        self._given = None if isinstance(client, LoginForm) else client
        self.shown_client: Client | None = None
        self.while_built = contextlib.ExitStack()
        again = CONNECT_AGAIN if self._login is None else LOG_IN_AGAIN
        self.connection = ConnectionWatch(self.tasks, self._connection_changed, again)
        self.when_closed.callback(self.while_built.close)
        self.when_closed.callback(self.connection.close)

    @property
    def client(self) -> Client:
        """The client.

        Raises
        ------
        LoginError
            If no one is logged in.
        """
        if self._given is not None:
            return self._given
        assert self._login is not None
        return self._login.client

    @property
    def session(self) -> SubSession | None:
        """The sub-session whose rights are needed as well, None if there is none."""
        if self._session is None and self._login is not None:
            return self._login.account.session
        return self._session

    @property
    def who(self) -> str:
        """As whom something is changed."""
        if self.shown_client is None:
            return "no one"
        user, session = self.shown_client.user, self.session
        return user if session is None else f"{user}, and {session.who}"

    @property
    def confirm_button(self) -> ipywidgets.Button | None:
        """The button that does what was reviewed, as long as there is one."""
        return None if self.shown_client is None else self.confirmation.button

    def withdraw(self, reason: str = "", kind: str = "warning") -> bool:
        """Withdraw what was reviewed; return whether there was something to confirm.

        Parameters
        ----------
        reason : str, optional
            Why; shown in the form.
        kind : str, default "warning"
            How it is shown.
        """
        return self.shown_client is not None and self.confirmation.withdraw(reason, kind)

    def begin(self) -> None:
        """Build the form as soon as there is a client; the last step of making one."""
        if self._login is not None:
            # The user who is logged in now writes from now on.
            changed = self.tasks.handler(self._account_changed)
            self.when_closed.callback(self._login.account.listen(changed))
            if self._login.account.client is None:
                self.fill(card(heading(self.title), ipywidgets.HTML(_WAITING)))
                return
        self._build()

    @abstractmethod
    def build(self, client: Client) -> None:
        """Make the parts of the form for a client."""

    @abstractmethod
    def built(self) -> None:
        """Go on where the form was, once its parts are made."""

    @abstractmethod
    def enable(self, on: bool) -> None:
        """Let what needs a connection work, or not."""

    def show_head(self) -> None:
        """Show where something is changed, and as whom."""
        client = self.shown_client
        if client is not None:
            only = f" {badge('read only', 'warning')}" if read_only(client) else ""
            server = f"<code>{escape(client.address.url)}</code>"
            self.head.value = f"<p>to {server} as <b>{escape(self.who)}</b>{only}</p>"

    def _build(self) -> None:
        client = self.client
        self.while_built.close()
        self.head = ipywidgets.HTML()
        self.confirmation = Confirmation(self.tasks, self.words)
        self.shown_client = client
        self.while_built.callback(self.confirmation.close)
        self.build(client)
        self.connection.follow(client)
        self._connection_changed()
        self.built()

    def _connection_changed(self) -> None:
        on = self.connection.available
        if not on:
            self.withdraw("the connection has ended")
        self.enable(on)
        self.show_head()

    def _account_changed(self) -> None:
        assert self._login is not None
        client = self._login.account.client
        if client is None or client is self.shown_client:
            self.withdraw("who is logged in has changed")
            self.show_head()
            return
        self.tasks.run_latest("build", lambda wanted: self._build())
