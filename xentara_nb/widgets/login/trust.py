"""The card that asks whether an unknown certificate shall be trusted."""

from __future__ import annotations

from collections.abc import Callable

import ipywidgets

from xentara_nb.errors import CertificateNotTrustedError
from xentara_nb.widgets.common.style import button, card, escape, row, show
from xentara_nb.widgets.common.table import facts
from xentara_nb.widgets.common.tasks import TaskRunner
from xentara_nb.widgets.login import trust_store


class TrustCard:
    """Shows a certificate that is not known, and trusts it when the user says so on purpose.

    ``on_trust`` is called once the certificate is remembered, ``on_refuse`` when the user does not
    trust it.
    """

    def __init__(
        self,
        tasks: TaskRunner,
        on_trust: Callable[[], object],
        on_refuse: Callable[[], object],
    ) -> None:
        self._on_trust, self._on_refuse = on_trust, on_refuse
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
        self.compared.observe(tasks.handler(self._compare), "value")
        self.trust.on_click(tasks.handler(self._trust))
        self.refuse.on_click(tasks.handler(self._refuse))
        self.hide()

    def show(self, server: str, error: CertificateNotTrustedError) -> None:
        """Ask about the certificate of a server."""
        self._server, self._error = server, error
        before = trust_store.known_certificate(server)
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
                "has changed.</b> Either it was renewed, or someone stands between you and the "
                "server. Ask before you go on.</div>"
            )
            pairs.append(("Trusted until now", f"<code>{escape(before.fingerprint)}</code>"))
            pairs.append(("Trusted since", escape(before.since)))
        else:
            warning = (
                "<p role='alert'>Nothing secret has been sent yet. The holder of this "
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

    def _compare(self) -> None:
        self.trust.disabled = not (self.compared.value and self._error is not None)

    def _trust(self) -> None:
        error = self._error
        # The page disables the button, but a click may have been under way before.
        if error is None or not self.compared.value or ":" not in error.fingerprint:
            return
        trust_store.remember(self._server, error.fingerprint, error.subject)
        self.hide()
        self._on_trust()

    def _refuse(self) -> None:
        self.hide()
        self._on_refuse()
