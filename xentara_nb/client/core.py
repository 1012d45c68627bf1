"""What every part of the client stands on: the line to the server, what is known of its model."""

from __future__ import annotations

import contextlib
import datetime
import html
import importlib
import sys
import weakref
from collections.abc import Sequence
from typing import Any, Self

from xentara_nb._version import __version__
from xentara_nb.connection.address import Address
from xentara_nb.connection.credentials import Credentials
from xentara_nb.connection.reconnecting import ReconnectingConnection
from xentara_nb.connection.tls import Trust
from xentara_nb.errors import (
    ConnectionLostError,
    DeadlineError,
    WriteRefusedError,
    XentaraError,
)
from xentara_nb.protocol.commands import Command, GetStage
from xentara_nb.protocol.errors import ServerError
from xentara_nb.protocol.identifiers import Stage, label
from xentara_nb.queries.model_cache import ModelCache
from xentara_nb.queries.subscriptions import EventDispatcher
from xentara_nb.writes.context import RateLimiter, WriteContext
from xentara_nb.writes.guards import check_client
from xentara_nb.writes.journal import Journal, JournalLike
from xentara_nb.writes.policy import PolicySource, WritePolicyLike

_REPR_PATIENCE = 1.0  # seconds; showing a client must not keep anybody waiting


class ClientCore:
    """A client without commands: it connects, shows itself, and closes."""

    def __init__(
        self,
        address: Address,
        credentials: Credentials,
        trust: Trust,
        timeout: float,
        *,
        read_only: bool = False,
        policy: WritePolicyLike = None,
        journal: JournalLike = None,
    ) -> None:
        self.read_only = read_only
        self._journal = Journal(journal)
        self._policies = PolicySource(policy)
        self._pace = RateLimiter()
        self._router = router = EventDispatcher()
        self._stage: int | None = None
        # The callbacks must not hold the client: its connection lives in a thread, and a client
        # that nobody has any more shall go, and end its connection.
        self._directory = directory = ModelCache(lambda commands: link_of[0].ask(commands))
        self._link = ReconnectingConnection(
            address,
            credentials,
            trust,
            timeout,
            on_event=router.route,
            on_renewal=directory.forget,
            on_end=router.end,
        )
        link_of = [self._link]
        self._finalizer = weakref.finalize(self, self._link.close)

    @property
    def address(self) -> Address:
        """Where the server is."""
        return self._link.address

    @property
    def user(self) -> str:
        """Who is logged in."""
        return self._link.credentials.who

    @property
    def timeout(self) -> float:
        """How long an answer may take, in seconds."""
        return self._link.timeout

    @property
    def closed(self) -> bool:
        """Whether this client was closed, and will not connect again."""
        return self._link.closed

    @property
    def ended(self) -> XentaraError | None:
        """Why there is no open connection; None while there is. The next command opens one."""
        return self._link.ended

    @property
    def journal(self) -> Journal:
        """Where writes are journalled; a path or False, set here, chooses another place."""
        return self._journal

    @journal.setter
    def journal(self, where: JournalLike) -> None:
        self._journal = Journal(where)

    def close(self) -> None:
        """Close the connection. The client cannot be used any more; closing twice is no error."""
        self._link.close()
        self._finalizer.detach()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def _ask_one(self, command: Command[Any], what: str) -> Any:
        (answer,) = self._link.ask([command])
        if isinstance(answer, ServerError):
            raise answer.within(what)
        return answer

    def _send_once(self, command: Command[Any], what: str) -> Any:
        try:
            answer = self._link.send_once(command)
        except (ConnectionLostError, DeadlineError) as error:
            if not error.sent:
                raise
            raise type(error)(
                f"{error}; {what} was sent and may have taken effect, and is not sent again",
                sent=True,
            ) from None
        if isinstance(answer, ServerError):
            raise answer.within(what)
        return answer

    def _refuse_if_read_only(self, what: str) -> None:
        if (verdict := check_client(self.read_only)) is not None:
            raise WriteRefusedError(f"{what}: {verdict.message}")

    def _write_context(self) -> WriteContext:
        return WriteContext(
            self,
            self._link,
            self._directory,
            self.address.url,
            self.user,
            self._policies,
            self._pace,
        )

    def _provenance(
        self, *, elements: int | None = None, vanished: Sequence[str] = ()
    ) -> dict[str, object]:
        note: dict[str, object] = {
            "server": self.address.url,
            "user": self.user,
            "protocol_version": self._link.protocol_version,
            "library_version": __version__,
            "taken_at": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        }
        if elements is not None:
            note["elements"] = elements
        if vanished:
            note["vanished"] = list(vanished)
        return note

    def _shown(self) -> dict[str, str]:
        """Return what a client shows of itself: no secret, and no long wait."""
        if (ended := self._link.ended) is not None:
            stage = f"not connected: {ended}"
        else:
            with contextlib.suppress(XentaraError):
                answer = self._link.ask_now(GetStage(), min(_REPR_PATIENCE, self._link.timeout))
                self._stage = None if isinstance(answer, ServerError) else answer
            stage = "not known" if self._stage is None else label(Stage, self._stage)
        return {
            "server": self.address.url,
            "user": self.user,
            "protocol version": str(self._link.protocol_version),
            "stage": stage,
            "access": "read and write" if check_client(self.read_only) is None else "read only",
        }

    def __repr__(self) -> str:
        shown = ", ".join(f"{key}: {value}" for key, value in self._shown().items())
        return f"<Xentara client, {shown}>"

    def _repr_html_(self) -> str:
        rows = "".join(
            f"<tr><th style='text-align:left'>{html.escape(key)}</th>"
            f"<td style='text-align:left'>{html.escape(value)}</td></tr>"
            for key, value in self._shown().items()
        )
        return f"<table><caption>Xentara client</caption>{rows}</table>"

    def _repr_mimebundle_(self, **kwargs: Any) -> dict[str, Any]:
        """Offer the explorer where this is a notebook; the texts beside it are those above."""
        if "ipykernel" not in sys.modules:
            return {}
        # By name: the forms stand above the client, and only a notebook needs to load them.
        widgets = importlib.import_module("xentara_nb.widgets")
        bundle: dict[str, Any] = widgets.explorer_for(self)._repr_mimebundle_()
        return {kind: data for kind, data in bundle.items() if not kind.startswith("text/")}
