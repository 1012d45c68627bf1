"""Elements that need other elements while they are built."""

from __future__ import annotations

from itertools import pairwise

import pytest

from tests.simulator.models import data_point, plant, register
from xentara_nb.protocol.identifiers import Attribute
from xentara_nb.simulator.documents import ConfigurationError


def test_elements_are_made_in_the_order_in_which_they_need_each_other() -> None:
    built = plant(data_point("A", "B"), data_point("B", "C"), register("C", value=3))
    assert built.lookup("A").read(Attribute.VALUE) == 3.0


def test_elements_that_need_each_other() -> None:
    with pytest.raises(ConfigurationError, match="depends on itself: A -> B -> A"):
        plant(data_point("A", "B"), data_point("B", "A"))


def test_a_chain_that_is_too_long() -> None:
    names = [f"P{number}" for number in range(2000)]
    chain = [data_point(name, source) for name, source in pairwise(names)]
    with pytest.raises(ConfigurationError, match="too many elements depend on each other"):
        plant(*chain, register(names[-1]))
