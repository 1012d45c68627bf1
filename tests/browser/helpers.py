"""Cells that the browser tests begin with."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from axe_playwright_python.base import AxeResults
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import TimeoutError

SET_POINT = "Plant.Line 1.Set point"
FORMS = ".jp-NotebookPanel:not(.lm-mod-hidden) .jp-OutputArea-output .xnb"
# What of the forms is wider than its place on the page.
_OVERFLOWS = """() => [...document.querySelectorAll('.jp-NotebookPanel:not(.lm-mod-hidden) .xnb')]
    .flatMap(form => [...form.querySelectorAll('*')]
        .filter(each => each.offsetParent && !each.closest('.xnb-scroll, .xnb-tree')
            && each.getBoundingClientRect().right > form.getBoundingClientRect().right + 1)
        .map(each => each.outerHTML.slice(0, 120)))"""
_FITS = """() => document.querySelector('.jp-NotebookPanel:not(.lm-mod-hidden)')
    .getBoundingClientRect().right <= innerWidth"""


def connecting(plant: Any, user: str = "engineer", **options: Any) -> str:
    """Return a cell that connects to a simulator of this process."""
    more = "".join(f", {name}={value!r}" for name, value in options.items())
    return (
        "import xentara_nb\n"
        "from xentara_nb.widgets import Explorer, LoginForm, WriteForm\n"
        f"client = xentara_nb.connect({plant.url!r}, user={user!r}, password='{user}-demo', "
        f"fingerprint={plant.fingerprint!r}{more})"
    )


def check_fits(page: Any) -> None:
    """Check that nothing of the forms is wider than its place, once the page has its layout."""
    try:
        page.wait_for_function(f"() => !({_OVERFLOWS})().length")
    except TimeoutError:
        raise AssertionError(page.evaluate(_OVERFLOWS)) from None


@contextmanager
def narrow(page: Any, height: int = 900) -> Iterator[None]:
    """Let the window be as narrow as that of a telephone; the page has that layout then."""
    page.set_viewport_size({"width": 420, "height": height})
    page.wait_for_function(_FITS)
    yield
    page.set_viewport_size({"width": 1280, "height": 900})


def check_access(book: Any) -> None:
    """Check with axe-core that all can use the forms: labels, contrast, roles, order of tabs."""
    if not book.page.evaluate("() => 'axe' in window"):
        book.page.evaluate(Axe().axe_script)
    # No rule here needs the style sheets of JupyterLab, which would be read once more.
    options = "{ resultTypes: ['violations'], preload: false }"
    response = book.page.evaluate(f"where => axe.run(where, {options})", FORMS)
    found = AxeResults(response)
    assert not found.violations_count, found.generate_report()
    assert response["passes"]  # it has looked at something
    # Nothing takes the Tab key before what stands above it.
    assert not book.page.locator(f"{FORMS} [tabindex]:not([tabindex='0'], [tabindex='-1'])").count()
