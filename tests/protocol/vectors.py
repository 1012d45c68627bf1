"""Byte vectors that are not made by this library.

They were recorded from another client, or written by hand and accepted by it. They are what keeps
both ends from agreeing on the same mistake.
"""

from __future__ import annotations

from typing import NamedTuple

import pytest

E = "e3ee10714d884ba18e5d0f1e4ce25ee8"
E2 = "88130ce8b9e74a2a8f26d32a931129aa"
SUBSCRIPTION = "0f1e2d3c4b5a49788695a4b3c2d1e0ff"


class Vector(NamedTuple):
    """One message as bytes; requests go to a server, all others come from one."""

    name: str
    is_request: bool
    data: bytes


def _vectors(is_request: bool, **table: str) -> list[Vector]:
    return [Vector(name, is_request, bytes.fromhex(text)) for name, text in table.items()]


VECTORS = [
    *_vectors(
        True,
        hello="818400010ea200010101",
        lookup="8184000203a1007447726f757020312e4461746120506f696e742031",
        browse_without_options=f"8184000301a100d82550{E}",
        browse=f"8184000401a300d82550{E}010202820102",
        meta_data=f"8184000402a200d82550{E}018400010203",
        write_5=f"8184000405a300d82550{E}010b0205",
        write_half=f"8184000405a300d82550{E}010b02f93e00",
        write_time=f"8184000405a300d82550{E}010b02d903e9a104c482281b17a634b75aa90fc0",
        # The keys of this one stand in the order 2, 3, 0.
        subscribe=f"8184000206a302186403d82550{SUBSCRIPTION}"
        f"0082a200d82550{E}01820b09a200d82550{E2}01810b",
        unsubscribe=f"8184000307a100d82550{SUBSCRIPTION}",
        batch="84"
        "8400010ea200010101"
        "84000203a1007447726f757020312e4461746120506f696e742031"
        f"84000301a100d82550{E}"
        f"84000402a200d82550{E}018400010203",
    ),
    *_vectors(
        False,
        hello_answer="81830101a10001",
        lookup_answer=f"81830102d82550{E}",
        error="81830203a200397d63016f756e6b6e6f776e20656c656d656e74",
        browse_answer=f"8183010481a3006747726f7570203101d82550{E}0201",
        meta_data_answer="81830105a4006a47726f757020312e44500102"
        "0281a4006576616c7565010b0202030003f4",
        write_answer="81820108",
        event=f"81830800a300d903e9a104c482281b17a634b75ab2088f01d82550{E}02a20bd879f93e0009d87900",
        read_answer="81830106a40bd879f509d8790006d879d903e9a104c482281b17a634b75ab2088f"
        "0dd87aa200397d6401716d697373696e6720617474726962757465",
    ),
]

BY_NAME = {vector.name: vector.data for vector in VECTORS}

each_vector = pytest.mark.parametrize("vector", VECTORS, ids=[vector.name for vector in VECTORS])
