"""The question whether an unknown certificate is trusted."""

from __future__ import annotations

import stat
from pathlib import Path

from tests.widgets.helpers import SECRET, log_in, make_login, visible
from xentara_nb.connection import trust_store
from xentara_nb.errors import CertificateNotTrustedError
from xentara_nb.simulator import Simulator
from xentara_nb.simulator.security import certificates
from xentara_nb.widgets import LoginForm
from xentara_nb.widgets.common.tasks import Notice, TaskRunner
from xentara_nb.widgets.login.trust import TrustCard


def test_an_unknown_certificate_is_trusted_on_purpose_and_once(
    plant: Simulator, places: Path
) -> None:
    form = make_login(plant, fingerprint=None)
    log_in(form)
    assert visible(form.trust.box)
    assert not visible(form.fields)
    text = form.trust.text.value
    assert plant.fingerprint.upper()[:2] in text
    assert "&lt;" not in text
    for word in ("Subject", "Issuer", "Valid from", "Valid until", "Fingerprint", "self-signed"):
        assert word in text
    form.trust.trust.disabled = False  # a click may be on its way before the box is ticked
    form.trust.trust.click()
    assert form.trust.asking
    form.trust.compared.value = True
    form.trust.trust.click()
    form.wait()
    assert form.client.user == "operator"
    file = places / "trusted.json"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert SECRET not in file.read_text()
    form.log_out()
    other = make_login(plant, fingerprint=None, name="another kernel, another day")
    log_in(other)
    assert other.client.user == "operator"


def test_a_certificate_can_be_refused(plant: Simulator, places: Path) -> None:
    form = make_login(plant, fingerprint=None)
    log_in(form)
    form.trust.refuse.click()
    assert not visible(form.trust.box)
    assert visible(form.fields)
    assert "nothing was sent" in form.notice.value
    assert not (places / "trusted.json").exists()


def test_a_certificate_that_has_changed_is_never_trusted_by_a_click(plant: Simulator) -> None:
    netloc = plant.url.removeprefix("wss://").removesuffix("/api/ws")
    trust_store.remember(netloc, "AB" * 32, "commonName=before")
    form = make_login(plant, fingerprint=None)
    log_in(form)
    assert "has changed" in form.trust.text.value
    assert ":<wbr>".join(["AB"] * 32) in form.trust.text.value  # broken between bytes alone
    assert "has CHANGED" in form.notice.value
    assert not visible(form.trust.compared)
    assert not visible(form.trust.trust)
    form.trust.compared.value = True
    form.trust.trust.click()
    assert form.wait()
    assert form.trust.asking
    known = trust_store.known_certificate(netloc)
    assert known is not None
    assert known.fingerprint.startswith("AB:AB")
    form.trust.refuse.click()
    assert visible(form.fields)
    assert LoginForm.forget_certificate(netloc)
    assert not LoginForm.forget_certificate(netloc)


def test_a_certificate_that_the_ca_file_does_not_vouch_for_is_never_trusted_by_a_click(
    plant: Simulator, places: Path
) -> None:
    other, _ = certificates.write_certificate(places, stem="other")
    form = make_login(plant, fingerprint=None, ca_file=other)
    log_in(form)
    assert "has changed" in form.trust.text.value
    assert not visible(form.trust.trust)
    form.trust.compared.value = True
    form.trust.trust.click()
    assert form.trust.asking
    assert not (places / "trusted.json").exists()


def test_where_it_was_said_what_is_trusted_the_card_only_tells(places: Path) -> None:
    error = CertificateNotTrustedError(
        "no",
        subject="commonName=plant",
        issuer="commonName=plant",
        not_before="then",
        not_after="now",
        fingerprint="AB" * 32,
        reason="certificate has expired",
    )
    trusted: list[str] = []
    card = TrustCard(TaskRunner(Notice()), lambda: None)
    card.show("plant:8080", error, lambda: trusted.append("yes"), may_trust=False)
    assert "this one is not in order" in card.text.value
    assert not visible(card.trust)
    card.compared.value = True
    card.trust.click()
    assert trusted == []
    card.show("plant:8080", error, lambda: trusted.append("yes"))
    assert visible(card.trust)
    card.compared.value = True
    card.trust.click()
    assert trusted == ["yes"]
