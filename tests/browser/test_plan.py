"""What is edited as a table, typed as a time, or changes the stage: as a user sees it."""

from __future__ import annotations

from typing import Any

from tests.browser.helpers import SET_POINT, check_access, check_fits, connecting, narrow

BATCH = "Plant.Line 1.Batch"
TIME = "Plant.Line 1.Last changeover"
# Whether the reason is to be seen without scrolling in the form, and to be read in the plan below.
_REASONS_SHOWN = """() => {
    const form = document.querySelector('.jp-NotebookPanel:not(.lm-mod-hidden) .xnb-plan-table');
    const cells = [...document.querySelectorAll('.jp-RenderedHTMLCommon td')];
    // Not that of the picture of the form, which is there as well, and is hidden.
    const seen = cells.filter(cell => cell.getClientRects().length);
    const reason = seen.find(cell => cell.textContent.includes('is no number'));
    return form.parentElement.scrollWidth <= form.parentElement.clientWidth
        && reason.getBoundingClientRect().width > 180;
}"""


def test_a_plan_a_time_and_the_stage(
    notebook: Any, page: Any, plant: Any, shot: Any, theme: Any
) -> None:
    book = notebook(
        connecting(plant),
        "from xentara_nb.widgets import PlanForm\n"
        f"PlanForm(client, {{{SET_POINT!r}: 195, {BATCH!r}: 7}})",
        f"WriteForm(client, {TIME!r})",
        "Explorer(client)",
        f"client.plan_writes({{{SET_POINT!r}: 'many words that are no number at all'}})",
    )
    plan, write = book.output.locator(".xnb-plan"), book.output.locator(".xnb-write")
    value = book.label(f"New value of {SET_POINT}, value")
    value.fill("many")
    plan.get_by_role("button", name="Review").click()
    plan.get_by_role("row").filter(has_text="refused").wait_for()
    with narrow(page):
        page.wait_for_function(_REASONS_SHOWN)
    for width in (1000, 1280):
        page.set_viewport_size({"width": width, "height": 900})
        page.wait_for_function(_REASONS_SHOWN)
    value.fill("196")
    plan.get_by_role("button", name="Review").click()
    confirm = book.button("Write these 2 values to")
    confirm.wait_for()
    book.label(f"New value of {BATCH}, value").fill("71")
    confirm.wait_for(state="detached")
    plan.get_by_role("button", name="Review").click()
    confirm.wait_for()
    # A time that is typed, and one that is picked.
    write.get_by_label("New value").fill("2026-11-26 10:00")
    write.get_by_text("2026-11-26 10:00:00 UTC").wait_for()
    write.locator("input[type=datetime-local]").evaluate(
        "input => { input.value = '2026-12-01T09:30'; input.dispatchEvent(new Event('change')); }"
    )
    write.get_by_text("2026-12-01 09:30:00 UTC").wait_for()
    write.get_by_role("button", name="Review").click()
    write.get_by_role("button", name=f"Write 2026-12-01 09:30:00.000 UTC to {TIME}").wait_for()
    book.button("Stage of the server").click()
    book.button("Suspend …").click()
    suspend = book.button("Suspend 127.0.0.1")
    suspend.wait_for()
    check_fits(page)
    for name in ("Light", "Dark"):
        theme(name)
        check_access(book)
        shot(f"plan-{name}", plan)
        shot(f"stage-{name}", book.output.locator(".xnb-explorer"))
    confirm.dblclick()
    plan.get_by_text("2 VERIFIED").wait_for()
    assert plant.writes["value"].tolist() == [196.0, 71]
    with narrow(page):  # the outcome is scrolled
        check_fits(page)
    suspend.dblclick()
    book.text("VERIFIED read back as written").wait_for()
    book.text("suspended").wait_for()
    assert plant.requests["command"].tolist().count("suspend") == 1
