"""A form that works through a client: one that is given, or that of a log-in form."""

from __future__ import annotations

import contextlib
from abc import abstractmethod

import ipywidgets

from xentara_nb.client import Client
from xentara_nb.widgets.common.connection import CONNECT_AGAIN, LOG_IN_AGAIN, ConnectionWatch
from xentara_nb.widgets.common.form import Form
from xentara_nb.widgets.common.style import card, heading
from xentara_nb.widgets.login.form import LoginForm
from xentara_nb.writes.sub_session import SubSession

_WAITING = "<p class='xnb-dim' role='status'>Waiting for a log-in: log in with the log-in form.</p>"


class ClientForm(Form):
    """A form that is built for a client, and again when the log-in form has another one.

    Before anyone is logged in, it waits in its place.

    Attributes
    ----------
    shown_client : Client or None
        The client that the parts of the form are made for; None while it waits.
    while_built : contextlib.ExitStack
        What ends when the parts of the form are closed or made again.
    """

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
        self.connection = ConnectionWatch(self.tasks, self.connection_changed, again)
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

    def begin(self) -> None:
        """Build the form as soon as there is a client; the last step of making one."""
        if self._login is not None:
            # Whoever is logged in now writes from now on.
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
    def connection_changed(self) -> None:
        """Let what needs a connection work, or not."""

    @abstractmethod
    def identity_changed(self) -> None:
        """Show as whom the client works now."""

    def _build(self) -> None:
        client = self.client
        self.while_built.close()
        self.shown_client = client
        self.build(client)
        self.connection.follow(client)
        self.connection_changed()
        self.built()

    def _account_changed(self) -> None:
        assert self._login is not None
        client = self._login.account.client
        if client is None or client is self.shown_client:
            if self.shown_client is not None:
                self.identity_changed()
            return
        self.tasks.run_latest("build", lambda wanted: self._build())
