from __future__ import annotations

import math
import random
import threading
import warnings
from typing import Any
from uuid import UUID

import numpy as np
import pandas as pd
import pytest

from tests.conftest import Fake
from tests.support.server import VALUE, Element, Model, Wire, event
from xentara_nb import Client
from xentara_nb.connection.reconnecting import BATCH_SIZE
from xentara_nb.errors import ConnectionLostError, NotFoundError, ProtocolError
from xentara_nb.protocol.commands import AttributeInfo
from xentara_nb.protocol.errors import UnknownElementError
from xentara_nb.protocol.identifiers import NIL_UUID, Category, OpCode
from xentara_nb.protocol.packets import Success
from xentara_nb.queries.inventory import InventoryWarning
from xentara_nb.tables.provenance import provenance_of

COLUMNS = [
    "primary_key",
    "element_uuid",
    "category",
    "attribute_name",
    "attribute_id",
    "access",
    "data_type",
]


def names(frame: pd.DataFrame) -> list[str]:
    return frame.primary_key.drop_duplicates().tolist()


# server_information, lookup.


def test_server_information(client: Client) -> None:
    information = client.server_information()
    assert list(information) == ["version", "user name", "model file path"]
    assert "simulator" in information["version"]


def test_server_information_that_is_not_all_there(fake: Fake) -> None:
    def script(wire: Wire) -> None:
        wire.hello()
        (request,) = wire.requests()
        wire.answer(Success(request.message_id, {2: "/etc/xentara/model.json", 7: "new"}))
        wire.until_goodbye()

    with fake(script).connect() as client:
        assert client.server_information() == {"model file path": "/etc/xentara/model.json"}


def test_lookup(client: Client) -> None:
    for _, row in client.browse().head(5).iterrows():
        assert client.lookup(row.primary_key) == row.element_uuid
    with pytest.raises(UnknownElementError, match=r"lookup of 'Plant.Nowhere': "):
        client.lookup("Plant.Nowhere")
    with pytest.raises(ProtocolError, match="must not be empty"):
        client.lookup("")


# browse.


def test_browse(client: Client) -> None:
    frame = client.browse()
    assert frame.columns.tolist() == COLUMNS[:3]
    assert frame.primary_key.is_monotonic_increasing
    assert frame.primary_key.is_unique
    assert provenance_of(frame)["elements"] == len(frame)

    top = client.browse(depth=1)
    assert 0 < len(top) < len(frame)
    assert not top.primary_key.str.contains(".", regex=False).any()
    below = client.browse("Plant", depth=np.int64(1))
    assert names(below) == [
        key for key in names(frame) if key.startswith("Plant.") and key.count(".") == 1
    ]
    assert "Plant" not in names(client.browse("Plant"))


def test_browse_from_every_kind_of_element(client: Client) -> None:
    wanted = names(client.browse("Plant"))
    row = client.browse().query("primary_key == 'Plant'").iloc[0]
    for root in (row, row.element_uuid, str(row.element_uuid), {"primary_key": "Plant"}):
        assert names(client.browse(root)) == wanted
    assert len(client.browse(NIL_UUID)) == len(client.browse())
    with pytest.raises(UnknownElementError):
        client.browse("Plant.Nowhere")
    with pytest.raises(UnknownElementError):
        client.browse(UUID(int=1))
    with pytest.raises(NotFoundError, match="this is no element, but of type int"):
        client.browse(7)


@pytest.mark.parametrize("categories", ["data point", 2, Category.DATA_POINT, [2], ("Data Point",)])
def test_browse_by_category(client: Client, categories: Any) -> None:
    frame = client.browse(categories=categories)
    assert set(frame.category) == {"data point"}
    assert len(frame) == (client.browse().category == "data point").sum()


def test_browse_by_categories(client: Client) -> None:
    frame = client.browse(categories=["device", Category.DATA_POINT])
    assert set(frame.category) == {"device", "data point"}
    with pytest.raises(NotFoundError, match="'pump' is no category"):
        client.browse(categories=["pump"])


def test_an_empty_answer_has_the_same_dtypes(fake: Fake) -> None:
    full, empty = Model.of_points(1), Model()
    with fake(full.serve).connect() as one, fake(empty.serve).connect() as other:
        for call in ("browse", "inventory"):
            frame = getattr(other, call)()
            assert len(frame) == 0
            assert frame.dtypes.equals(getattr(one, call)().dtypes)
        assert other.meta_data([]).dtypes.equals(one.meta_data("Point 0").dtypes)
        assert other.read([]).dtypes.equals(one.read("Point 0").dtypes)


# inventory.


def test_an_inventory(client: Client) -> None:
    frame = client.inventory()
    assert frame.columns.tolist() == COLUMNS
    order = list(zip(frame.primary_key, frame.attribute_name, strict=True))
    assert order == sorted(order)
    assert names(frame) == names(client.browse())
    part = client.inventory("Plant.Line 1", depth=1, categories="data point")
    assert set(part.category) == {"data point"}
    expected = frame[frame.primary_key.isin(part.primary_key)].reset_index(drop=True)
    pd.testing.assert_frame_equal(part, expected)


def shuffled(count: int, seed: int) -> Model:
    model = Model.of_points(count)
    keys = list(model.elements)
    random.Random(seed).shuffle(keys)
    model.elements = {key: model.elements[key] for key in keys}
    return model


def test_the_order_of_the_server_does_not_matter(fake: Fake) -> None:
    frames = []
    for seed in (1, 2):
        with fake(shuffled(30, seed).serve).connect() as client:
            frames += [client.inventory(), client.browse()]
    pd.testing.assert_frame_equal(frames[0], frames[2])
    pd.testing.assert_frame_equal(frames[1], frames[3])


@pytest.mark.parametrize("count", [0, 1, BATCH_SIZE, BATCH_SIZE + 1, 1500])
def test_round_trips(fake: Fake, count: int) -> None:
    model = Model({f"P{n:04}": Element(UUID(int=n + 1), 2, (VALUE,)) for n in range(count)})
    server = fake(model.serve)
    with server.connect() as client:
        assert len(client.inventory()) == count
    # The hello, browse, and the meta data of so many at a time.
    assert server.messages == 1 + 1 + math.ceil(count / BATCH_SIZE)
    assert server.count(OpCode.META_DATA) == count


@pytest.mark.parametrize("way", ["together", "apart", "backwards", "with more", "with events"])
def test_the_way_of_answering_does_not_matter(fake: Fake, way: str) -> None:
    model = Model.of_points(40)
    model.elements["Point 7"].attributes = (VALUE,)

    def script(wire: Wire) -> None:
        wire.hello()
        while True:
            answers = model.answers(wire.requests())
            if way == "backwards":
                answers.reverse()
            for answer in answers if way == "with more" else ():
                if isinstance(answer, Success) and isinstance(answer.item, dict):
                    answer.item.update({0: "another key", 99: "new"})
            if way == "apart":
                for answer in answers:
                    wire.answer(answer)
            elif way == "with events":
                wire.answer(*answers[:5], event(UUID(int=1), {11: 1}), *answers[5:])
            else:
                wire.answer(*answers)

    with fake(model.serve).connect() as one, fake(script).connect() as other:
        pd.testing.assert_frame_equal(other.inventory(), one.inventory())


def test_names_that_are_not_easy(fake: Fake) -> None:
    keys = [
        "NA",
        "=1+1",
        'say "hi", all',
        "two\nlines",
        "😀",
        "[a.b].c",
        "nan",
        "None",
        " ",
        "É",
        "E",
    ]
    elements = {key: Element(UUID(int=n + 1), 2, (VALUE,)) for n, key in enumerate(keys)}
    with fake(Model(elements).serve).connect() as client:
        assert names(client.inventory()) == sorted(keys)
        assert client.inventory().primary_key.notna().all()


def test_what_a_newer_server_has(fake: Fake) -> None:
    attribute = AttributeInfo("spin", UUID(int=5), 3, 23)
    model = Model({"Quark": Element(UUID(int=1), 16, (attribute,))})
    with fake(model.serve).connect() as client:
        (row,) = client.inventory().itertuples(index=False)
    assert (row.category, row.access, row.data_type) == ("16", "3", "23")


def test_elements_that_vanish_are_reported(fake: Fake) -> None:
    model = Model.of_points(12)

    def script(wire: Wire) -> None:
        wire.hello()
        wire.answer(*model.answers(wire.requests()))
        for number in (3, 7):
            del model.elements[f"Point {number}"]
        model.go_on(wire)

    with fake(script).connect() as client:
        with pytest.warns(InventoryWarning) as caught:
            frame = client.inventory()
        assert len(caught) == 1
        assert str(caught[0].message) == (
            "2 elements are not in the inventory: Point 3: unknown element (-32100); "
            "Point 7: unknown element (-32100)"
        )
        assert caught[0].filename == __file__
        note = provenance_of(frame)
        assert note["vanished"] == ["Point 3", "Point 7"]
        assert note["elements"] == 10
        assert len(names(frame)) == 10
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            again = client.inventory()
        assert "vanished" not in provenance_of(again)


def test_progress(fake: Fake, capsys: pytest.CaptureFixture[str]) -> None:
    reported: list[tuple[int, int]] = []
    with fake(Model.of_points(3).serve).connect() as client:
        client.inventory(progress=lambda done, total: reported.append((done, total)))
        client.inventory(progress=False)
        client.inventory()
        assert capsys.readouterr().err == ""
        client.inventory(progress=True)
        assert "Inventory: 100%" in capsys.readouterr().err
    assert reported == [(1, 3), (2, 3), (3, 3)]


@pytest.mark.parametrize("seed", range(10))
def test_a_cut_in_the_middle_changes_nothing(
    fake: Fake, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("xentara_nb.connection.reconnecting.BATCH_SIZE", 7)
    model = shuffled(60, seed)
    left = random.Random(seed).randrange(6000)

    def script(wire: Wire) -> None:
        if wire.number != 1:
            model.serve(wire)
        wire.hello()
        wire.cut_after(left)
        model.go_on(wire)

    server = fake(script)
    with server.connect() as uncut, server.connect() as cut:
        pd.testing.assert_frame_equal(cut.inventory(), uncut.inventory())
    assert len(server.wires) in (2, 3)


def test_an_inventory_is_asked_for_once_more_and_never_twice(fake: Fake) -> None:
    def script(wire: Wire) -> None:
        wire.hello()
        if wire.number == 0:
            wire.answer(*Model.of_points(3).answers(wire.requests()))
        wire.requests()

    server = fake(script)
    with server.connect() as client, pytest.raises(ConnectionLostError):
        client.inventory()
    assert len(server.wires) == 2
    assert server.count(OpCode.BROWSE) == 1
    assert server.count(OpCode.META_DATA) == 6


def test_a_restarted_server_may_have_another_model(fake: Fake) -> None:
    models = [Model.of_points(2), Model.of_points(2)]
    models[1].elements["Point 0"].uuid = UUID(int=77)

    def script(wire: Wire) -> None:
        wire.hello()
        while True:
            requests = wire.requests()
            if wire.number == 0 and wire.server.messages > 4:
                return
            wire.answer(*models[wire.number].answers(requests))

    server = fake(script)
    with server.connect() as client:
        assert client.meta_data("Point 0").element_uuid.iloc[0] == UUID(int=1)
        assert client.get_stage() == 2
        assert client.get_stage() == 2  # asked again on a fresh connection
        assert len(server.wires) == 2
        assert client.meta_data("Point 0").element_uuid.iloc[0] == UUID(int=77)


# meta_data.


def test_meta_data(fake: Fake) -> None:
    model = Model.of_points(3)
    with fake(model.serve).connect() as client:
        frame = client.meta_data(["Point 2", UUID(int=1), "Point 2", str(UUID(int=1))])
        assert frame.columns.tolist() == COLUMNS
        assert frame.primary_key.tolist() == ["Point 0"] * 2 + ["Point 2"] * 2
        assert frame.attribute_name.tolist() == ["quality", "value"] * 2
        assert frame.attribute_id.tolist() == [9, 11] * 2
        assert (frame.attribute_id == 11).sum() == 2
        assert frame.access.tolist() == ["read only", "read and write"] * 2
        assert frame.data_type.tolist() == ["Quality", "Float64"] * 2
        assert provenance_of(frame)["elements"] == 2
        pd.testing.assert_frame_equal(client.meta_data(client.inventory()), client.inventory())
        with pytest.raises(UnknownElementError, match=f"meta_data of {UUID(int=9)}"):
            client.meta_data(UUID(int=9))
        with pytest.raises(UnknownElementError, match="lookup of 'x'"):
            client.meta_data(["Point 0", "x"])


def test_meta_data_of_a_server_that_tells_little(fake: Fake) -> None:
    def script(wire: Wire) -> None:
        wire.hello()
        (request,) = wire.requests()
        wire.answer(Success(request.message_id, {2: [{0: "value", 1: 11, 2: 0, 3: 10}], 9: "new"}))
        wire.until_goodbye()

    with fake(script).connect() as client:
        frame = client.meta_data(UUID(int=1))
    assert frame.primary_key.tolist() == [""]
    assert frame.category.tolist() == ["root element"]


def test_which_elements_have_children(client: Client) -> None:
    elements = client.browse(depth=1)
    below = [len(client.browse(row, depth=1)) > 0 for _, row in elements.iterrows()]
    assert client.has_children(elements) == below
    assert client.has_children("Plant") == [True]
    assert client.has_children(["Plant.Line 1.Set point", UUID(int=1)]) == [False, True]
    assert client.has_children([]) == []


# A restart, after which keys mean other elements.


def test_keys_that_mean_other_elements_after_a_restart(fake: Fake) -> None:
    model = Model.of_points(2)
    one, two = model.elements.values()
    restarts = threading.Event()

    def script(wire: Wire) -> None:
        wire.hello()
        while True:
            requests = wire.requests()
            if restarts.is_set():
                restarts.clear()
                one.uuid, two.uuid = two.uuid, UUID(int=int(one.uuid) + 10)
                return
            wire.answer(*model.answers(requests))

    keys = list(model.elements)
    server = fake(script)
    with server.connect() as client:
        for _ in range(2):
            assert client.read(keys, "value").value.tolist() == [0.0, 1.0]
            restarts.set()
            # An iterator can be gone through only once.
            assert client.read(iter(keys), "value").value.tolist() == [0.0, 1.0]
        restarts.set()
        frame = client.snapshot(iter(keys))
        assert frame[["primary_key", "value"]].values.tolist() == [[keys[0], 0.0], [keys[1], 1.0]]
        # What was known is another element now, or none.
        restarts.set()
        assert client.has_children(iter(keys)) == [False, False]
        restarts.set()
        assert client.meta_data(iter(keys)).element_uuid.unique().tolist() == [one.uuid, two.uuid]
        restarts.set()
        assert len(client.browse(keys[1], categories=iter(["data point"]))) == 0
        restarts.set()
        assert len(client.inventory(keys[1])) == 0


def test_a_restart_in_the_middle_of_a_search(fake: Fake) -> None:
    model = Model.of_points(2)
    one, _ = model.elements.values()
    with fake(model.swapped_at(OpCode.META_DATA)).connect() as client:
        found = client.search("Point 0")
    assert found[["primary_key", "element_uuid"]].values.tolist()[0] == ["Point 0", one.uuid]


def test_names_are_forgotten_when_the_connection_has_ended(fake: Fake) -> None:
    model = Model.of_points(2)
    one, two = model.elements.values()
    server = fake(model.serve)
    ended = threading.Event()
    with server.connect() as client:
        assert client.read(["Point 0"], "value").value.tolist() == [0.0]
        client.on_connection_change(lambda reason: ended.set())
        server.wires[0].cut()
        one.uuid, two.uuid = two.uuid, one.uuid
        assert ended.wait(30)
        assert client.read(["Point 0"], "value").value.tolist() == [0.0]
    assert server.count(OpCode.READ) == 2


def test_a_connection_that_is_lost_each_time(fake: Fake) -> None:
    model = Model.of_points(1)
    reads: list[int] = []  # by the connection

    def script(wire: Wire) -> None:
        wire.hello()
        while True:
            requests = wire.requests()
            reads.extend(wire.number for each in requests if each.opcode == OpCode.READ)
            if len(reads) in (1, 3):
                return
            wire.answer(*model.answers(requests))

    with fake(script).connect() as client:
        with pytest.raises(ConnectionLostError, match="was lost again and again"):
            client.read("Point 0", "value")
        assert reads == [0, 1, 1, 2]
        assert client.read("Point 0", "value").value.tolist() == [0.0]
