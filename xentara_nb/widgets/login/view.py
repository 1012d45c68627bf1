"""The view of the log-in form: its parts and where they stand; what they do is in ``form``."""

from __future__ import annotations

from importlib.util import find_spec

import ipywidgets
from traitlets import Unicode

from xentara_nb.widgets.common.form import Form
from xentara_nb.widgets.common.style import button, card, heading, row, show
from xentara_nb.widgets.login import secret

PASSWORD, TOKEN, ENVIRONMENT, KEYRING = "password", "token", "environment", "keyring"
METHODS = {
    PASSWORD: "User and password",
    TOKEN: "Token (OAuth 2.0)",
    ENVIRONMENT: "Environment variables",
    KEYRING: "Keyring of this computer",
}
"""The ways to log in to the connection, by their name in code."""


def without_password(text: str, widget: object = None) -> str:
    """Return an address without what stands before an ``@``."""
    head, at, tail = text.rpartition("@")
    if not at:
        return text
    scheme, separator, _ = head.partition("://")
    return f"{scheme}{separator}{tail}" if separator else tail


class _AddressInput(ipywidgets.Text):
    # A user may paste wss://user:password@host: the state of a widget must not have that.
    value = Unicode("").tag(sync=True, echo_update=False, to_json=without_password)


class LoginView(Form):
    """The parts of a log-in form: the fields, or who is logged in."""

    title = "Log in to Xentara"

    def __init__(self, address: str, user: str, method: str | None) -> None:
        super().__init__("login")
        self.address = _AddressInput(
            address, description="Address", placeholder="host, host:port or wss://host:port/api/ws"
        )
        self.address.continuous_update = False
        self.user = ipywidgets.Text(description="User", value=user)
        self.password = secret.SecretInput("Password")
        self.token = secret.SecretInput("Token")
        in_environment = secret.from_environment() is not None
        offered = [PASSWORD, TOKEN]
        offered += [ENVIRONMENT] if in_environment or method == ENVIRONMENT else []
        offered += [KEYRING] if find_spec("keyring") or method == KEYRING else []
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

    def lay_out(self, trust: ipywidgets.Widget, session: ipywidgets.Widget) -> None:
        """Put the parts into the form."""
        self.fields = ipywidgets.VBox(
            [
                row(self.address),
                row(self.method),
                row(self.user, self.password, self.token),
                self.keep,
                row(self.button),
            ]
        )
        self.inside = ipywidgets.VBox([row(self.state, self.out), session])
        self.fill(
            card(heading(self.title), self.fields, trust, self.inside, self.notice),
        )

    def show_fields(self) -> None:
        """Show the fields of the chosen way to log in."""
        method = self.method.value
        show(self.user, method in (PASSWORD, KEYRING))
        show(self.password, method == PASSWORD)
        show(self.token, method == TOKEN)
        show(self.keep, method == PASSWORD and find_spec("keyring") is not None)
