"""What a write form writes to."""

from __future__ import annotations

import pytest

from tests.widgets.helpers import SET_POINT
from xentara_nb.client import Client
from xentara_nb.errors import NotFoundError
from xentara_nb.protocol.identifiers import Attribute
from xentara_nb.widgets.common.table import values_of
from xentara_nb.widgets.write.target import WriteTarget, present_html


def test_an_attribute_is_found_by_its_name_and_id(client: Client) -> None:
    target = WriteTarget(client, SET_POINT)
    assert target.key == SET_POINT
    assert target.attribute("value") is target.attribute(int(Attribute.VALUE))
    with pytest.raises(NotFoundError, match="no attribute 'units'"):
        target.attribute("units")


def test_the_present_value_is_shown_with_what_is_known_about_it(client: Client) -> None:
    target = WriteTarget(client, SET_POINT)
    value = target.attribute("value")
    rows = target.rows_about(value)
    names = rows["attribute_name"].tolist()
    times = {"updateTime", "changeTime", "writeTime"}
    assert {"value", "units", "quality", *times} == set(names)
    shown = present_html(value, values_of(client.read(rows)))
    for word in (
        "Present value",
        "bottles/min",
        "Quality",
        "good",
        "Updated",
        "Changed",
        "Written",
    ):
        assert word in shown
    failed = {"value": (None, "the device <b>is off</b>")}
    assert "the device &lt;b&gt;is off" in present_html(value, failed)
