"""From the description of a model to a tree of running elements."""

from __future__ import annotations

from tests.simulator.models import element, pipeline, plant, sampler, track
from xentara_nb.protocol.identifiers import Attribute, Category


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
