"""Inputs for each data type."""

from __future__ import annotations

import pytest

from tests.widgets.helpers import typed
from xentara_nb.errors import OptionError
from xentara_nb.protocol.identifiers import DataType
from xentara_nb.widgets.write.inputs import ValueInput


@pytest.mark.parametrize("data_type", list(DataType))
def test_every_data_type_has_an_input_with_a_label(data_type: DataType) -> None:
    made = ValueInput(data_type, lambda: None, lambda: None)
    assert made.input.description == "New value"
    assert not made.given
    writable = data_type not in (DataType.ERROR_CODE, DataType.CUSTOM, DataType.NONE)
    assert made.can_be_written is writable


def test_inputs_neither_clamp_nor_round() -> None:
    made = ValueInput(DataType.UNSIGNED_INTEGER_8, lambda: None, lambda: None)
    typed(made.input, "99999999999999999999")
    assert made.value == "99999999999999999999"
    unknown = ValueInput(None, lambda: None, lambda: None)
    assert not unknown.can_be_written


def test_a_text_may_be_empty_once_it_was_touched() -> None:
    made = ValueInput(DataType.STRING, lambda: None, lambda: None)
    made.suggest("Cola")
    assert made.value == "Cola"
    assert not made.given
    typed(made.input, "")
    assert made.given
    assert made.value == ""


def test_now_is_a_time_with_its_zone() -> None:
    made = ValueInput(DataType.TIME_POINT, lambda: None, lambda: None)
    made.widget.children[1].click()
    assert made.value.endswith("Z")
    assert made.given


def test_a_time_that_is_typed_or_picked_is_one_of_the_user() -> None:
    changes: list[None] = []
    made = ValueInput(
        DataType.TIME_POINT, lambda: changes.append(None), lambda: None, "Europe/Berlin"
    )
    assert "a time in Europe/Berlin, such as 20" in made.hint.value
    picker = made.widget.children[2]
    picker.set_state({"picked": "2026-11-26T10:00"})
    assert made.input.value == "2026-11-26 10:00"
    assert made.value == "2026-11-26 10:00:00+01:00"
    assert "in Europe/Berlin: 2026-11-26 09:00:00 UTC" in made.hint.value
    assert changes == [None]
    made.set_zone("Asia/Tokyo")
    assert made.value == "2026-11-26 10:00:00+09:00"
    made.set_zone("Europe/Berlin")
    for text, reason in (("2026-10-25 02:30", "twice"), ("2026-11-26", "is not a time stamp")):
        typed(made.input, text)
        with pytest.raises(OptionError, match=reason):
            _ = made.value
    made.enable(False)
    assert made.input.disabled
    assert picker.disabled


def test_without_anywidget_a_time_has_no_picker(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("xentara_nb.widgets.write.inputs.find_spec", lambda name: None)
    made = ValueInput(DataType.TIME_POINT, lambda: None, lambda: None)
    assert len(made.widget.children) == 3
