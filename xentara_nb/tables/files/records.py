"""Inventories as JSON, with nothing but the standard library."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from itertools import chain
from typing import Any, BinaryIO

from xentara_nb.tables.files.cells import (
    TableError,
    TextTable,
    check_header,
    check_names,
    check_size,
)
from xentara_nb.tables.files.text import encoded

_HALF_CHARACTER = re.compile(rb"\\u[dD][89a-fA-F]")
_MEMBER = re.compile(rb'"[ \t\r\n]*:')  # also a few places within texts, but none is left out
_SURROGATE = re.compile("[\ud800-\udfff]")
_WRITE_AGAIN = "Write it again with inventory.xentara.to_file(path)"


def write_json(table: TextTable, file: BinaryIO) -> None:
    """Write an inventory as a JSON object, a record to a line."""
    # Not pandas' JSON: it rounds numbers to 15 digits, has none beyond 64 bits, and says of what it
    # cannot read neither the line nor the reason. It is slower, too.
    encode = json.JSONEncoder(ensure_ascii=False).encode
    head = encode({"provenance": table.provenance, "columns": list(table.columns)})
    columns = [
        [f"{encode(name)}: {cell}" for cell in encoded(encode, name, cells)]
        for name, cells in table.columns.items()
    ]
    records = ",\n".join(f"{{{', '.join(row)}}}" for row in zip(*columns, strict=True))
    file.write(f'{head[:-1]}, "records": [\n{records}\n]}}\n'.encode())


def read_json(data: bytes, needed: Sequence[str]) -> TextTable:
    """Read a table with some columns from JSON: the object of :func:`write_json`, or records."""
    check_size(data.count(b"{") - 3)  # before they exist
    document = _parsed(data)
    if isinstance(document, list):
        document = {"records": document}
    records = document.get("records") if isinstance(document, dict) else None
    if not isinstance(records, list):
        raise TableError("there is no array 'records'. Write it again with xentara.to_file(path)")
    names, provenance = document.get("columns", []), document.get("provenance", {})
    if not isinstance(names, list) or not isinstance(provenance, dict):
        raise TableError("'columns' must be an array and 'provenance' an object. Restore them")
    for row, record in enumerate(records):
        if not isinstance(record, dict):
            raise TableError(f"record {row + 1} is no object. Take it out")
    _check_records(data, document, records)
    check_header(names or list(records[0] if records else ()), "the file", _WRITE_AGAIN, needed)
    names = list(dict.fromkeys(chain(names, chain.from_iterable(records))))
    check_names(names, "the file")
    return TextTable(
        {name: [record.get(name) for record in records] for name in names},
        provenance,
        lambda row: f"record {row + 1}",
    )


def _parsed(data: bytes, **options: Any) -> Any:
    try:
        return json.loads(data, parse_constant=_CONSTANTS.__getitem__, **options)
    except json.JSONDecodeError as error:
        raise TableError(
            f"line {error.lineno}: this is not JSON ({error.msg}). Restore the line"
        ) from None
    except (ValueError, RecursionError) as error:  # not UTF-8, too deep, a number too long
        raise TableError(f"this is not JSON ({error}). Restore the file") from None


# JSON has none of these. What writes them all the same writes NaN where a value is missing.
_CONSTANTS = {"NaN": None, "Infinity": float("inf"), "-Infinity": float("-inf")}


def _check_records(
    data: bytes, document: Mapping[str, Any], records: Sequence[Mapping[str, Any]]
) -> None:
    """Check what hardly any file has: a member that is there twice, and halves of characters."""
    head = {name: value for name, value in document.items() if name != "records"}
    members = json.dumps(head).count('":') + (b'"records"' in data) + sum(map(len, records))
    if sum(1 for _ in _MEMBER.finditer(data)) != members:
        twice: dict[int, Any] = {}  # by its id, which is its own as long as it is kept

        def note(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
            found = dict(pairs)
            if len(found) != len(pairs):
                twice[id(found)] = found
            return found

        again = _parsed(data, object_pairs_hook=note)
        if id(again) in twice:
            raise TableError("the object around the records has a member twice. Take one out")
        again = again if isinstance(again, list) else again["records"]
        for row, record in enumerate(again):
            if id(record) in twice:
                raise TableError(f"record {row + 1} has a member twice. Take one of the two out")
    if _HALF_CHARACTER.search(data):
        for row, record in enumerate(records):
            for name, cell in record.items():
                for text in (name, cell):
                    if isinstance(text, str) and not text.isascii() and _SURROGATE.search(text):
                        raise TableError(
                            f"record {row + 1}, column {name!a}: {text!a} holds half of a "
                            "character. Take it out"
                        )
