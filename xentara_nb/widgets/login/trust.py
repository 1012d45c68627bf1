"""The card that asks whether an unknown certificate shall be trusted."""

from __future__ import annotations

from collections.abc import Callable

import ipywidgets

from xentara_nb.connection import trust_store
from xentara_nb.errors import CertificateChangedError, CertificateNotTrustedError
from xentara_nb.tables.rendering import escape
from xentara_nb.widgets.common.style import button, card, row, show
from xentara_nb.widgets.common.table import facts, fingerprint_html
from xentara_nb.widgets.common.tasks import TaskRunner


class TrustCard:
    """Shows a certificate that is not known, and trusts it when the user says so on purpose.

    ``on_refuse`` is called when the user does not trust it.

    Attributes
    ----------
    asking : bool
        Whether the card waits for the user.
    """

    def __init__(self, tasks: TaskRunner, on_refuse: Callable[[], object]) -> None:
        self._on_refuse = on_refuse
        self._accept: Callable[[], object] | None = None
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
        self._hide()

    def show(
        self,
        server: str,
        error: CertificateNotTrustedError,
        on_trust: Callable[[], object],
        *,
        may_trust: bool = True,
    ) -> None:
        """Ask about the certificate of a server; call ``on_trust`` once it is remembered.

        Where it was said what is trusted, it only tells.
        """

        def accept() -> None:
            trust_store.remember(server, error.fingerprint, error.subject)
            self._hide()
            on_trust()

        self._accept = accept if may_trust else None
        before = trust_store.known_certificate(server)
        another = before is not None and before.fingerprint != error.fingerprint
        changed = another or isinstance(error, CertificateChangedError)
        pairs = {
            "Subject": error.subject,
            "Issuer": error.issuer,
            "Valid from": error.not_before,
            "Valid until": error.not_after,
            "Fingerprint (SHA-256)": fingerprint_html(error.fingerprint),
            "Why it is not trusted": error.reason,
        }
        if changed:
            self._accept = None
            title = "is not the one that is trusted"
            warning = (
                "<div class='xnb-notice xnb-error' role='alert'><b>The certificate of this server "
                "has changed.</b> Either it was renewed, or someone stands between you and the "
                "server. It is not used. If the server's administrator confirms the new "
                "fingerprint, forget the old one with LoginForm.forget_certificate(address), or "
                "correct the fingerprint that was given, and log in again.</div>"
            )
            if before is not None:
                pairs["Trusted until now"] = fingerprint_html(before.fingerprint)
                pairs["Trusted since"] = before.since
        elif not may_trust:
            title = "is not trusted"
            warning = (
                "<p role='alert'>Nothing secret has been sent. It was said which certificates are "
                "to be trusted here, and this one is not in order: ask the server's "
                "administrator.</p>"
            )
        else:
            title = "is not known"
            warning = (
                "<p role='alert'>Nothing secret has been sent yet. The holder of this "
                "certificate gets the password, so compare its fingerprint first.</p>"
            )
        self.text.value = (
            f"<h4>The certificate of {escape(server)} {title}</h4>{warning}"
            f"{facts(pairs, caption='The certificate')}"
        )
        self.compared.value = False
        self.trust.disabled = True
        self.asking = True
        for widget in (self.compared, self.trust):
            show(widget, may_trust and not changed)
        show(self.box, True)

    def _hide(self) -> None:
        self._accept = None
        self.asking = False
        show(self.box, False)

    def _compare(self) -> None:
        self.trust.disabled = not self.compared.value

    # A click may have been under way before the page disabled or hid a button.

    def _trust(self) -> None:
        if self._accept is not None and self.compared.value:
            self._accept()

    def _refuse(self) -> None:
        if self.asking:
            self._hide()
            self._on_refuse()
