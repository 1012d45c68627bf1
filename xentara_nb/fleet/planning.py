"""How writes to some servers become one plan: which rows go to which of them, each once."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, TypeAlias

import pandas as pd

from xentara_nb.client.client import Client
from xentara_nb.errors import ServerError, WriteRefusedError
from xentara_nb.fleet.asking import Asking
from xentara_nb.fleet.frames import SERVER, fields_of, rows_by_server, with_server_column
from xentara_nb.fleet.plan import FleetPlan
from xentara_nb.fleet.pool import ProgressLike
from xentara_nb.fleet.servers import Server
from xentara_nb.protocol.text import listed
from xentara_nb.writes.files import names_file, read_writes
from xentara_nb.writes.plan import WritePlan

Identity: TypeAlias = tuple[Any, ...] | None
"""What tells a server from others, but not from a copy of it; None if that is not known."""


def writes_by_server(
    writes: Any, chosen: list[str] | None, known: Mapping[str, Server]
) -> dict[str, Any]:
    """Return what is written to each server, in order; see :meth:`Fleet.plan_writes`.

    ``chosen`` are the servers that were named with ``servers``. Names of rows may be of no server.
    """
    if names_file(writes):
        writes = read_writes(writes)
    writes = with_server_column(writes)
    if isinstance(writes, Iterator):
        writes = list(writes)  # which the servers would share, each taking a part of it
    found = rows_by_server(writes)
    if found is not None:
        return found if chosen is None else _rows_of(found, chosen)
    if chosen is not None:
        _refuse_misspelt_servers(writes)
        return dict.fromkeys(chosen, writes)
    if not isinstance(writes, Mapping) or not all(isinstance(name, str) for name in writes):
        raise WriteRefusedError(
            "say to which servers this is written: with a column server, as a dict by server, "
            "or with servers=[...]"
        )
    for name in writes:
        if name not in known:
            raise WriteRefusedError(
                f"{name!r} is no server of the fleet: give what is written by server, or say to "
                "which servers it is written with servers=[...]"
            )
    return dict(writes)


def _rows_of(rows: Mapping[str, Any], names: Iterable[str]) -> dict[str, Any]:
    """Return the rows of some servers, all of which must have some."""
    for name in names:
        if name not in rows:
            raise WriteRefusedError(
                f"no row is of the server {name}: the column server says which one each row is "
                "of. Leave the column out to write the same to each of servers"
            )
    return {name: rows[name] for name in names}


def _refuse_misspelt_servers(writes: Any) -> None:
    """Refuse a column that says which server rows are of, and would be passed over."""
    tables = writes if isinstance(writes, list | tuple) else [writes]
    for table in tables:
        columns = table.columns if isinstance(table, pd.DataFrame) else fields_of(table)
        for column in map(str, columns):
            if column.strip().lower() == SERVER:
                raise WriteRefusedError(f"the column {column} is not known: call it {SERVER}")


def refuse_aliases(servers: Iterable[Server]) -> None:
    """Refuse to write to one address under two names: it would get everything twice."""
    known: dict[tuple[str, str], Server] = {}
    for server in servers:
        other = known.setdefault(server.place, server)
        if other is not server:
            raise WriteRefusedError(
                f"{other.name} and {server.name} are one server, {server.address}, which would be "
                "written to twice: correct the address of one of them, or write to one alone with "
                "servers=[...]"
            )


def plan_all(
    asking: Asking,
    writes: Mapping[str, Any],
    options: Mapping[str, Any],
    deadline: float | None,
    progress: ProgressLike,
) -> FleetPlan:
    """Plan what is written to each server, in the order in which they are given."""
    plans: dict[str, WritePlan] = {}
    identities: dict[str, Identity] = {}

    def planning(name: str) -> Callable[[Client], pd.DataFrame]:
        def plan(client: Client) -> pd.DataFrame:
            plans[name] = client.plan_writes(writes[name], **options)
            identities[name] = _identity(client)
            return pd.DataFrame()

        return plan

    work = {name: planning(name) for name in writes}
    answers = asking.each(work, deadline, progress, "Plans")
    failed = {each.server: each.error for each in answers if each.error is not None}
    made = {name: plans[name] for name in writes if name not in failed}
    failures = {name: failed[name] for name in writes if name in failed}
    return FleetPlan(made, failures, _perhaps_one(made, identities))


def _identity(client: Client) -> Identity:
    """Return the certificate of a server and what it says of itself; None without either."""
    try:
        information = client.server_information()
    except ServerError:  # such as one of a missing right
        return None
    fingerprint = client.fingerprint
    return None if fingerprint is None else (fingerprint, *sorted(information.items()))


def _perhaps_one(plans: Mapping[str, WritePlan], identities: Mapping[str, Identity]) -> list[str]:
    """Say which servers are perhaps one under two addresses, and written to twice.

    They have the same certificate, say the same of themselves, and something is written to the same
    element of both. So it is where a server has two names or two networks; but also where two were
    set up as copies of each other, so it is no reason to refuse.
    """
    found: dict[object, list[str]] = {}
    for name, plan in plans.items():
        identity = identities[name]
        if identity is not None:
            for uuid in {each.target.element_uuid for each in plan.planned} - {None}:
                found.setdefault((identity, uuid), []).append(name)
    several = dict.fromkeys(listed(names) for names in found.values() if len(names) > 1)
    return [
        f"{names} have the same certificate and elements: if they are one server under several "
        "addresses, it is written to more than once"
        for names in several
    ]
