"""The part of the log-in form that logs in to a sub-session, by any of the three methods."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from uuid import UUID

import ipywidgets

from xentara_nb.connection.tls import certificate_der
from xentara_nb.errors import LoginError, OptionError
from xentara_nb.paths import read_file, user_path
from xentara_nb.protocol.errors import AccessDeniedError
from xentara_nb.protocol.secret import Secret
from xentara_nb.protocol.text import pasted
from xentara_nb.tables.rendering import escape
from xentara_nb.widgets.common.style import Disclosure, badge, button, row, show
from xentara_nb.widgets.common.tasks import TaskRunner
from xentara_nb.widgets.login import secret
from xentara_nb.widgets.login.account import Account

_PASSWORD, _TOKEN, _CERTIFICATE = "password", "token", "certificate"
_METHODS = (
    ("User and password", _PASSWORD),
    ("Token (OAuth 2.0)", _TOKEN),
    ("Certificate", _CERTIFICATE),
)
_MAX_CERTIFICATE = 1 << 20


class SessionPart:
    """Logs in to a sub-session of an account and out of it."""

    def __init__(self, tasks: TaskRunner, account: Account) -> None:
        self._tasks, self._account = tasks, account
        self.method = ipywidgets.Dropdown(description="Act as", options=_METHODS)
        self.user = ipywidgets.Text(description="Session user")
        self.password = secret.SecretInput("Session password")
        self.token = secret.SecretInput("Session token")
        self.certificate = ipywidgets.Text(
            description="Certificate file", placeholder="a PEM or DER file where this notebook runs"
        )
        self.desired = ipywidgets.Text(description="Desired id", placeholder="optional: a UUID")
        self.button = button("Log in to sub-session")
        self.out = button("Log out of sub-session")
        self.state = ipywidgets.HTML()
        self.fields = ipywidgets.VBox(
            [
                row(self.method),
                row(self.user, self.password, self.token, self.certificate),
                row(self.desired),
                row(self.button),
            ]
        )
        self.inside = row(self.state, self.out)
        self.disclosure = Disclosure("Act as another user (sub-session)", self.fields)
        self.box = ipywidgets.VBox([self.inside, self.disclosure.widget])
        self.method.observe(tasks.handler(self._show_fields), "value")
        self.button.on_click(tasks.handler(self._start))
        self.out.on_click(tasks.handler(self._log_out))
        self.password.on_enter(tasks.handler(self._start))
        self.token.on_enter(tasks.handler(self._start))
        self._show_fields()

    def refresh(self) -> None:
        """Show who is logged in to the sub-session."""
        session = self._account.session
        show(self.inside, session is not None)
        show(self.disclosure.widget, self._account.client is not None and session is None)
        client = self._account.client
        self.button.disabled = client is None or client.ended is not None
        if session is not None:
            ended = f" {badge(f'ended: {session.ended}', 'error')}" if session.ended else ""
            self.state.value = (
                f"<p role='status'>{badge('sub-session', 'ok')} writes are made as "
                f"<b>{escape(session.who)}</b> since "
                f"{session.since.astimezone():%H:%M:%S}{ended}</p>"
            )

    def _show_fields(self) -> None:
        method = self.method.value
        show(self.user, method == _PASSWORD)
        show(self.password, method == _PASSWORD)
        show(self.token, method == _TOKEN)
        show(self.certificate, method == _CERTIFICATE)

    def _start(self) -> None:
        client = self._account.client
        if client is None:
            raise OptionError("log in to the connection first")
        if self._account.session is not None or self._tasks.is_busy("sub-session"):
            return
        options, who = self._options()
        text = self.desired.value.strip()
        try:
            desired = UUID(text) if text else None
        except ValueError:
            raise OptionError(f"the desired id {text!r} is no UUID") from None

        def log_in() -> None:
            try:
                session = client.sub_session(**options, desired_id=desired)
            except AccessDeniedError:
                raise LoginError(
                    f"the server does not accept {who}: it does not know this log-in, or does "
                    "not take this way to log in"
                ) from None
            self._account.set_session(session)
            self._tasks.notice.say(f"Logged in to a sub-session as {who}.", "ok")

        self.button.disabled = True
        self._tasks.run("sub-session", log_in, busy=f"Logging in {who} …", after=self.refresh)

    def _options(self) -> tuple[dict[str, Any], str]:
        """Take what was typed; return the arguments, and who it is in words."""
        method, user = self.method.value, self.user.value.strip()
        password, token = self.password.take(), self.token.take()
        if method == _TOKEN:
            token = secret.required(token, "the token of the sub-session")
            return {"token": token}, "the bearer of a token"
        if method == _CERTIFICATE:
            path = user_path(pasted(self.certificate.value))
            return {"certificate": read_certificate(path)}, f"the certificate {path.name}"
        secret.required(Secret(user), "the name of the sub-session's user")
        secret.required(password, f"the password of {user}")
        return {"user": user, "password": password}, user

    def _log_out(self) -> None:
        def leave() -> None:
            self._account.set_session(None)
            self._tasks.notice.say("Logged out of the sub-session.", "info")

        self._tasks.run("sub-session", leave, busy="Logging out of the sub-session …")


def read_certificate(path: Path) -> bytes:
    """Return the certificate of a PEM or DER file in DER form; raises OptionError or OSError."""
    if path == Path():
        raise OptionError("name the file of the certificate")
    der = certificate_der(read_file(path, _MAX_CERTIFICATE))
    if der is None:
        raise OptionError(f"{path.name} holds no certificate in PEM or DER form")
    return der
