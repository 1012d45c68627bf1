"""From the description of a model to a tree of running elements."""

from __future__ import annotations

from itertools import pairwise

import pytest

from tests.simulator.models import data_point, element, pipeline, plant, register, sampler, track
from xentara_nb.protocol.identifiers import Attribute, Category
from xentara_nb.simulator.documents import ConfigurationError


def test_what_makes_things_run() -> None:
    inspector = element("@Skill.Debugging.Inspector", "Inspector", attributes=["Sampler.S.value"])
    built = plant(track(pipeline(["Track.T.expired"], "Sampler.generate")), sampler(), inspector)
    kinds = {element.key: (element.kind.category, element.kind.type_text) for element in built}
    assert kinds == {
        "Track": (Category.EXECUTION_TRACK, "execution track"),
        "Track.T": (Category.TIMER, "timer"),
        "Track.Pipeline": (Category.EXECUTION_PIPELINE, "execution pipeline"),
        "Sampler": (Category.DEVICE, "signal generator sampler"),
        "Sampler.S": (Category.DATA_POINT, "signal generator signal"),
        "Inspector": (Category.SPECIAL_PURPOSE, "debugging inspector"),
    }
    assert built.lookup("Track.T").parent is built.lookup("Track")
    assert built.lookup("Sampler.S").read(Attribute.QUALITY) == 0


def test_categories_as_numbers() -> None:
    built = plant(sampler(), category_as_text=False)
    assert built.lookup("Sampler").read(Attribute.CATEGORY) == 6


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
