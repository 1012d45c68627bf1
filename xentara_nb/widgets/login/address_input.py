"""An input for the address of a server, which keeps no password."""

from __future__ import annotations

import ipywidgets
from traitlets import Unicode


def without_password(text: str, widget: object = None) -> str:
    """Return an address without what stands before an ``@``."""
    head, _, tail = text.rpartition("@")
    scheme, separator, _ = head.partition("://")
    return f"{scheme}{separator}{tail}" if separator else tail


class AddressInput(ipywidgets.Text):
    """A user may paste wss://user:password@host: the state of a widget must not have that."""

    value = Unicode("").tag(sync=True, echo_update=False, to_json=without_password)
