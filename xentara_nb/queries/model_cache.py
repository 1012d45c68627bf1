"""A cache of the server's model: the UUIDs of keys, and the meta data of elements.

A running server's model does not change; a restarted one's may, so a client empties its cache when
it connects again.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from itertools import islice, repeat
from operator import itemgetter
from typing import Any, NamedTuple, TypeAlias, TypeVar
from uuid import UUID

from xentara_nb.connection.connection import Connection
from xentara_nb.errors import AmbiguousError, ConnectionLostError, NotFoundError, XentaraError
from xentara_nb.locking import Lock, locked
from xentara_nb.protocol.codec.attribute_lists import ListRequests
from xentara_nb.protocol.commands import (
    AttributeInfo,
    Command,
    Lookup,
    MetaData,
    MetaDataAnswer,
)
from xentara_nb.protocol.errors import ServerError, UnknownElementError
from xentara_nb.protocol.identifiers import ATTRIBUTES_BY_UUID, Attribute, MetaDataId
from xentara_nb.protocol.sharing import shared
from xentara_nb.protocol.uuid_column import numbers, taken
from xentara_nb.protocol.values import AttributeId
from xentara_nb.queries.known_keys import KnownKeys
from xentara_nb.suggestions import did_you_mean
from xentara_nb.tables.names import same_look
from xentara_nb.tables.references import (
    AttributeLike,
    Reference,
    attribute_label,
    canonical,
    uuid_in,
)
from xentara_nb.tables.search import SearchTable

META_DATA = (MetaDataId.PRIMARY_KEY, MetaDataId.ELEMENT_CATEGORY, MetaDataId.ATTRIBUTE_LIST)
"""What is asked for of every element."""

MAX_CACHED = 1 << 20
"""How many elements are cached; when there are more, a part of them goes, the oldest first."""

_MAX_LEARNED = 8  # inventories that are not taken in

AttributeList: TypeAlias = tuple[AttributeInfo, ...]

_Found = TypeVar("_Found")

_Learned: TypeAlias = tuple[Sequence[UUID], list[AttributeList]]
"""The attributes of some elements."""


class _LeftOutError(ServerError):
    advice = "The server answered for the others: ask again, or look into the server's log."


NO_LIST = _LeftOutError("the server did not answer for the attribute list")
"""The error of an element whose attributes were asked for, and left out of the answer."""

NOT_ANSWERED = _LeftOutError("the server did not answer for this attribute")
"""The error of an attribute that was read, and left out of the answer."""

Ask = Callable[[Sequence[Command[Any]]], Iterator[Any]]
"""Sends commands that change nothing, and gives each one's result or ServerError."""

AskByMessage = Callable[[Sequence[Command[Any]]], Iterator[Sequence[Any]]]
"""The same, with the results of each message together."""


class ElementColumns(NamedTuple):
    """Some elements with their attributes, column by column."""

    keys: list[str]
    uuids: Sequence[UUID]
    categories: list[int]
    lists: list[tuple[AttributeInfo, ...]]


class ModelCache:
    """Finds elements and their attributes, and caches them.

    Attributes
    ----------
    whole : ElementColumns or None
        All elements, once they were taken.
    search_table : SearchTable or None
        What a search goes through, once it was made.
    read_plans : dict
        What calls of read ask for, by their arguments; another dict after an inventory, or
        when the cache was emptied.
    generation : int
        Another number after the cache was emptied: what was asked for before is not to be kept.
    """

    def __init__(self, ask: Ask) -> None:
        self.generation = 0
        self._ask = ask
        # Who has it asks for nothing.
        self._learning = Lock()
        self._uuids: dict[tuple[str, UUID | None], UUID] = {}
        # By the number of a UUID: see numbers().
        self._meta_data: dict[int, MetaDataAnswer] = {}
        self.known_keys = KnownKeys(ask)
        self._lists: dict[int, AttributeList] = {}
        self.whole: ElementColumns | None = None
        self.search_table: SearchTable | None = None
        self.read_plans: dict[Any, Any] = {}
        self._sharing: dict[UUID, AttributeList] = {}
        self._inventories: list[_Learned] = []  # what is not taken in yet

    def __len__(self) -> int:
        return max(len(self._uuids), len(self._meta_data), len(self._lists))

    def in_one_model(
        self, connect: Callable[[], Connection], find: Callable[[Connection], _Found]
    ) -> tuple[_Found, int]:
        """Return what is found without a change of the model on the way, and its generation.

        On a fresh connection a name, or a UUID, may mean another element: what was found by one
        from before is looked for again. So it is called twice at most, and must change nothing.
        """
        for last in (False, True):
            connection = connect()  # a fresh one if need be: then the names are forgotten
            generation = self.generation
            try:
                found = find(connection)
            except (ServerError, NotFoundError):
                if last or generation == self.generation:
                    raise
            else:
                if generation == self.generation:
                    return found, generation
        raise ConnectionLostError(
            f"the connection to {connection.address.netloc} was lost again and again, and the "
            "model may have changed on the way. Nothing was written: call again"
        )

    def forget(self) -> None:
        """Empty the cache: the model may be another one now."""
        with self._learning:
            # Before and after, so that what another thread finds meanwhile counts as old as well.
            self.generation += 1
            self._uuids = {}
            self._meta_data = {}
            self.known_keys.forget()
            self._lists = {}
            self.whole = self.search_table = None
            self._sharing = {}
            self._inventories = []
            # Behind all the others, so that no plan in it comes from what was known before.
            self.read_plans = {}
            self.generation += 1

    def uuids(self, references: Iterable[Reference]) -> list[UUID]:
        """Return the UUID of every element, looked up where only a text is given.

        Raises the error of one that does not exist, AmbiguousError for a text that may mean two.
        """
        found: list[UUID] = []
        for reference, uuid in zip(references, self.find(references), strict=True):
            if isinstance(uuid, ServerError):
                raise uuid.within(f"lookup of {reference.primary_key!r}")
            if isinstance(uuid, XentaraError):
                raise uuid
            found.append(uuid)
        return found

    def find(self, references: Iterable[Reference]) -> list[UUID | XentaraError]:
        """Return the UUID of every element, or in its place why there is none.

        A text is a key first, and a UUID only where no element has that key. Where it is the key of
        one element and the UUID of another, either may be meant.
        """
        cached = self._uuids
        found: dict[tuple[str | None, UUID | None], UUID | XentaraError] = {}
        wanted: dict[tuple[str, UUID | None], None] = {}
        for reference in references:
            key = reference.primary_key
            if reference.element_uuid is None and key is not None:
                name = key, reference.text_uuid
                if (uuid := cached.get(name)) is None:
                    wanted[name] = None
                else:
                    found[name] = uuid
        answers = list(self._ask([Lookup(key) for key, _ in wanted]))
        texts = [uuid for _, uuid in wanted if uuid is not None]
        there = dict(zip(texts, self.meta_data(texts), strict=True)) if texts else {}
        unknown = [
            name[0]
            for name, answer in zip(wanted, answers, strict=True)
            if isinstance(answer, UnknownElementError) and name[1] is None
        ]
        offers = self.known_keys.offers(unknown) if unknown else {}
        for name, answer in zip(wanted, answers, strict=True):
            if name[1] is not None:
                answer = _meant(name[0], answer, name[1], there[name[1]])
            elif name[0] in offers:
                answer = answer.offering(offers[name[0]])
            found[name] = answer
            if isinstance(answer, UUID):
                _make_room(cached)
                cached[name] = answer
        return [item.element_uuid or found[item.primary_key, item.text_uuid] for item in references]

    def meta_data(self, uuids: Sequence[UUID]) -> list[MetaDataAnswer | ServerError]:
        """Return the meta data of elements; an error where the server has none."""
        generation = self.generation
        meta_data = self._meta_data  # that of now: what is forgotten meanwhile is not to come back
        # Mostly all are cached: the same elements are read and written again and again.
        cached = list(map(meta_data.get, numbers(uuids)))
        known = [answer for answer in cached if answer is not None]
        if len(known) == len(cached):
            return [*known]
        missing = dict.fromkeys(
            uuid for uuid, answer in zip(uuids, cached, strict=True) if answer is None
        )
        found: dict[UUID, MetaDataAnswer | ServerError] = {}
        answers = self._ask([MetaData(uuid, META_DATA) for uuid in missing])
        for uuid, result in zip(missing, answers, strict=True):
            found[uuid] = result
            if isinstance(result, MetaDataAnswer):
                if result.attributes is None:
                    found[uuid] = NO_LIST
                    continue
                _make_room(meta_data)
                meta_data[uuid.int] = result
        lists = {
            uuid: each.attributes or ()
            for uuid, each in found.items()
            if isinstance(each, MetaDataAnswer)
        }
        self._note_sharing(lists, _sharing_of(lists, list(lists.values())), generation)
        return [
            found[uuid] if answer is None else answer
            for uuid, answer in zip(uuids, cached, strict=True)
        ]

    def known_meta_data(self, uuids: Sequence[UUID]) -> list[MetaDataAnswer] | None:
        """Return the meta data of elements if all are cached; else None."""
        found = list(map(self._meta_data.get, numbers(uuids)))
        return [each for each in found if each is not None] if all(found) else None

    def known_uuids(self, keys: Sequence[str]) -> list[UUID] | None:
        """Return the UUIDs of keys if all are cached and none is the text of a UUID; else None."""
        found = list(map(self._uuids.get, zip(keys, repeat(None))))
        return [each for each in found if each is not None] if all(found) else None

    def known_lists(self, uuids: Sequence[UUID]) -> list[AttributeList] | None:
        """Return the attributes of elements if all are cached; else None."""
        self._take_in()
        found = list(map(self._lists.get, numbers(uuids)))
        if None in found:
            answers = self.known_meta_data(uuids)
            return None if answers is None else [each.attributes or () for each in answers]
        return [each for each in found if each is not None]

    def described(self, uuids: Sequence[UUID]) -> dict[UUID, MetaDataAnswer]:
        """Return the meta data of elements by UUID; raises the error of one that does not exist."""
        answers: dict[UUID, MetaDataAnswer] = {}
        for uuid, answer in zip(uuids, self.meta_data(uuids), strict=True):
            if isinstance(answer, ServerError):  # the text takes longer than all the rest
                raise answer.within(f"meta_data of {uuid}")
            answers[uuid] = answer
        return answers

    def learn(self, uuids: Sequence[UUID], lists: list[AttributeList], generation: int) -> None:
        """Take the attribute lists of elements, as an inventory has them.

        The generation is that of before they were asked for: what is older than the cache is left.
        """
        self._keep(uuids, lists, generation)
        # It may hold otherwise what is known; what was asked for singly was not known.
        self.read_plans = {}

    def attribute_lists(self, uuids: Iterable[UUID]) -> dict[UUID, AttributeList | ServerError]:
        """Return the attributes of elements by UUID; an error where the server has none.

        That is a part of :meth:`meta_data`, and takes a fraction of the time.
        """
        generation = self.generation
        self._take_in()
        found: dict[UUID, AttributeList | ServerError] = {}
        missing = []
        for uuid in uuids:
            attributes = self._lists.get(uuid.int)
            if attributes is None and (answer := self._meta_data.get(uuid.int)) is not None:
                attributes = answer.attributes or ()
            if attributes is None:
                missing.append(uuid)
            found[uuid] = () if attributes is None else attributes
        if missing:
            there: list[UUID] = []
            lists: list[AttributeList] = []
            missing = list(dict.fromkeys(missing))
            for uuid, answer in zip(missing, self._ask(ListRequests(missing)), strict=True):
                if isinstance(answer, ServerError):
                    found[uuid] = answer
                elif answer.attributes is None:
                    found[uuid] = NO_LIST
                else:
                    found[uuid] = answer.attributes
                    there.append(uuid)
                    lists.append(answer.attributes)
            self._keep(there, lists, generation)
        return found

    def sharing(self, uuids: Sequence[UUID] = ()) -> Mapping[UUID, AttributeList]:
        """Return the elements known to have attributes that share an id, with all attributes.

        There should be none. The elements given are asked for if they are not known yet; one that
        the server does not know is passed over.
        """
        if not len(uuids):
            return self._sharing
        self._take_in()
        known = self._lists
        if unknown := [at for at, number in enumerate(numbers(uuids)) if number not in known]:
            found = self.attribute_lists(taken(uuids, unknown))
            there = {uuid: each for uuid, each in found.items() if isinstance(each, tuple)}
            # Also those that were not kept, for they were asked for while the cache was emptied.
            return {**self._sharing, **_sharing_of(there, list(there.values()))}
        return self._sharing

    @locked("_learning")
    def _take_in(self) -> None:
        """Take in what was learned: only now, for after most inventories no one asks for it."""
        while self._inventories:
            uuids, lists = self._inventories[0]
            _make_room(self._lists, len(uuids))
            self._lists.update(islice(zip(numbers(uuids), lists, strict=True), MAX_CACHED))
            del self._inventories[0]

    def _keep(self, uuids: Sequence[UUID], lists: list[AttributeList], generation: int) -> None:
        """Keep the attributes of some elements, unless the cache was emptied since."""
        # Servers of one model that are asked together have the very same columns.
        made_of = uuids, lists
        found = shared("same ids", made_of, len(lists), lambda: _sharing_of(uuids, lists))
        self._note_sharing(uuids, found, generation)
        with self._learning:
            if generation == self.generation:
                self._inventories.append((uuids, lists))
                if len(self._inventories) > _MAX_LEARNED:
                    self._take_in()  # or they would pile up

    def _note_sharing(
        self, uuids: Collection[UUID], found: dict[UUID, AttributeList], generation: int
    ) -> None:
        """Note which of some elements were found to have attributes that share an id."""
        with self._learning:
            if generation != self.generation or not (found or self._sharing):
                return
            # Another one each time: who has the last one goes on with that.
            others = self._sharing.keys() - set(self._sharing).intersection(uuids)
            self._sharing = {**{uuid: self._sharing[uuid] for uuid in others}, **found}


def _sharing_of(uuids: Iterable[UUID], lists: Sequence[AttributeList]) -> dict[UUID, AttributeList]:
    """Return those elements with attributes that share an id, with all their attributes."""
    # Elements of one type share their list.
    distinct = dict(zip(map(id, lists), lists, strict=True))
    found = {key for key, each in distinct.items() if _share_an_id(each)}
    pairs = zip(uuids, lists, strict=True) if found else ()
    return {uuid: each for uuid, each in pairs if id(each) in found}


def _make_room(cache: dict[Any, Any], count: int = 1) -> None:
    """Let go of the oldest entries of a cache that some more would make too large."""
    excess = len(cache) + count - MAX_CACHED
    if excess > 0:
        # Many at once: Python passes over all that were taken out before the first that is there.
        for key in list(islice(cache, max(excess, MAX_CACHED // 4))):
            cache.pop(key, None)


def _share_an_id(attributes: AttributeList) -> bool:
    # Of a UUID its number, which is hashed in a sixth of the time; other ids are below zero.
    ids = {each.int if isinstance(each, UUID) else ~each for each in map(itemgetter(1), attributes)}
    if len(ids) < len(attributes):
        return True
    # A well-known one can also be listed by its UUID.
    return any(_WELL_KNOWN[each] in ids for each in _WELL_KNOWN.keys() & ids)


_WELL_KNOWN = {uuid.int: ~attribute for uuid, attribute in ATTRIBUTES_BY_UUID.items()}


def _meant(
    text: str, by_key: UUID | ServerError, uuid: UUID, by_uuid: MetaDataAnswer | ServerError
) -> UUID | XentaraError:
    """Return which element a text in the form of a UUID means, or why none."""
    if isinstance(by_uuid, UnknownElementError) or by_key == uuid:
        return by_key
    if isinstance(by_key, UnknownElementError):
        return uuid
    if isinstance(by_key, ServerError):
        return by_key
    other = by_uuid.primary_key if isinstance(by_uuid, MetaDataAnswer) else "another element"
    return AmbiguousError(
        f"{text!r} is the key of an element, and also the UUID of {other}: say which is meant, "
        f'UUID("{by_key}") for the one with this key or UUID("{uuid}") for the other'
    )


def find_attribute(
    element: str, attributes: Sequence[AttributeInfo], wanted: AttributeLike
) -> AttributeInfo:
    """Return the attribute that a user named, from an element's attribute list.

    A text is the name of an attribute, or the UUID of one. Raises NotFoundError if the element has
    no such attribute, AmbiguousError if it has several, or if another one has the same id.
    """
    number = uuid_in(wanted) if isinstance(wanted, str) else wanted
    found = [each for each in attributes if each.name == wanted]
    same = [] if number is None else with_id(attributes, number)
    found += [each for each in same if each.name != wanted]
    if not found:
        look = same_look(wanted) if isinstance(wanted, str) else None
        alike = next((each.name for each in attributes if same_look(each.name) == look), None)
        if alike is not None:
            raise NotFoundError(
                f"{element} has no attribute {wanted!a}; {alike!a} looks the same and is written "
                "with other characters: copy it from an inventory"
            )
        named = attribute_label(wanted)
        other = next((each for each in attributes if each.name == named), None)
        if other is not None:
            raise NotFoundError(
                f"{element} has no attribute with the id {wanted}; the one called {named!r} has "
                f"the id {other.attribute_id} there: give its name"
            )
        names = ", ".join(attribute.name for attribute in attributes[:40]) or "none"
        offer = did_you_mean(
            wanted, (attribute.name for attribute in attributes), f"its attributes are: {names}"
        )
        raise NotFoundError(f"{element} has no attribute {attribute_label(wanted)!r}{offer}")
    if found[0] not in same:
        same = with_id(attributes, found[0].attribute_id)
    if len(same) > 1:
        raise _sharing(element, same)
    if len(found) > 1:
        ids = " or ".join(
            f'UUID("{each.attribute_id}")'
            if isinstance(each.attribute_id, UUID)
            else str(each.attribute_id)
            for each in found
        )
        raise AmbiguousError(
            f"{element} has {len(found)} attributes that {wanted!r} may mean: say which with its "
            f"id, {ids}"
        )
    return found[0]


def shared_id(
    element: str, attributes: Sequence[AttributeInfo], wanted: AttributeId
) -> AmbiguousError | None:
    """Return the refusal of an id that several attributes of an element have, None for others."""
    same = with_id(attributes, wanted)
    return _sharing(element, same) if len(same) > 1 else None


def _sharing(element: str, same: Sequence[AttributeInfo]) -> AmbiguousError:
    return AmbiguousError(
        f"{element} has {len(same)} attributes with the id {same[0].attribute_id} "
        f"({', '.join(each.name for each in same)}), which cannot be told apart: give each an "
        "id of its own in the model"
    )


def with_id(attributes: Sequence[AttributeInfo], wanted: AttributeId) -> list[AttributeInfo]:
    """Return the attributes of a list that have an id; there should be one at most."""
    wanted = canonical(wanted)
    forms = {wanted, wanted.uuid} if isinstance(wanted, Attribute) else {wanted}
    return [each for each in attributes if each.attribute_id in forms]
