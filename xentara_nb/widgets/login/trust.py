"""The card that asks whether an unknown certificate shall be trusted."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import ipywidgets

from xentara_nb.errors import CertificateNotTrustedError
from xentara_nb.widgets.common.style import button, card, escape, facts, row, show
from xentara_nb.widgets.common.tasks import TaskRunner
from xentara_nb.widgets.login import trust_store


class TrustCard:
    """Shows a certificate that is not known, and trusts it when the user says so on purpose.

    Parameters
    ----------
    desk : TaskRunner
        Where errors are shown.
    on_trust : callable
        Called with the fingerprint once it is remembered.
    on_refuse : callable
        Called when the user does not trust it.
    path : path, optional
        The file of trusted certificates.
    """

    def __init__(
        self,
        desk: TaskRunner,
        on_trust: Callable[[str], object],
        on_refuse: Callable[[], object],
        path: Path | None = None,
    ) -> None:
        self._on_trust, self._on_refuse, self._path = on_trust, on_refuse, path
        self._server = ""
        self._error: CertificateNotTrustedError | None = None
        self.text = ipywidgets.HTML()
        self.compared = ipywidgets.Checkbox(
            description="I have compared the fingerprint with the one that the server's "
            "administrator gave me",
            indent=False,
        )
        self.trust = button("Trust this certificate", style="warning")
        self.refuse = button("Do not trust it")
        self.box = card(self.text, self.compared, row(self.trust, self.refuse))
        self.compared.observe(self._compare, "value")
        self.trust.on_click(desk.guard(self._trusted))
        self.refuse.on_click(desk.guard(self._refused))
        self.hide()

    def show(self, server: str, error: CertificateNotTrustedError) -> None:
        """Ask about the certificate of a server."""
        self._server, self._error = server, error
        before = trust_store.known_certificate(server, self._path)
        changed = before is not None and before.fingerprint != error.fingerprint
        pairs = [
            ("Subject", escape(error.subject)),
            ("Issuer", escape(error.issuer)),
            ("Valid from", escape(error.not_before)),
            ("Valid until", escape(error.not_after)),
            ("Fingerprint (SHA-256)", f"<code>{escape(error.fingerprint)}</code>"),
            ("Why it is not trusted", escape(error.reason)),
        ]
        if before is not None and changed:
            warning = (
                "<div class='xnb-notice xnb-error' role='alert'><b>The certificate of this server "
                "has changed.</b> Either it was renewed, or somebody stands between you and the "
                "server. Ask before you go on.</div>"
            )
            pairs.append(("Trusted until now", f"<code>{escape(before.fingerprint)}</code>"))
            pairs.append(("Trusted since", escape(before.since)))
        else:
            warning = (
                "<p role='alert'>Nothing secret has been sent yet. Whoever holds this "
                "certificate gets the password, so compare its fingerprint first.</p>"
            )
        self.text.value = (
            f"<h4>The certificate of {escape(server)} is not known</h4>{warning}"
            f"{facts(pairs, caption='The certificate')}"
        )
        self.compared.value = False
        self.trust.disabled = True
        self.refuse.disabled = False
        show(self.box, True)

    def hide(self) -> None:
        """Ask nothing any more."""
        self._error = None
        self.trust.disabled = self.refuse.disabled = True
        show(self.box, False)

    @property
    def asking(self) -> bool:
        """Whether the card waits for the user."""
        return self._error is not None

    def _compare(self, change: object) -> None:
        self.trust.disabled = not (self.compared.value and self._error is not None)

    def _trusted(self, clicked: object) -> None:
        error = self._error
        # The page disables the button, but a click may have been under way before.
        if error is None or not self.compared.value or ":" not in error.fingerprint:
            return
        trust_store.remember(self._server, error.fingerprint, error.subject, self._path)
        self.hide()
        self._on_trust(error.fingerprint)

    def _refused(self, clicked: object) -> None:
        self.hide()
        self._on_refuse()
