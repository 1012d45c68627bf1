"""A process that ends while a large message is being decoded."""

from __future__ import annotations

import subprocess
import sys
from uuid import UUID

import pytest

from tests.conftest import Fake
from tests.support.server import PASSWORD, USER, Wire, event
from xentara_nb.protocol import cbor

PROGRAM = f"""
import sys, threading
from xentara_nb.connection.address import parse_address
from xentara_nb.connection.connection import Connection
from xentara_nb.connection.credentials import Credentials
from xentara_nb.connection.deadline import Deadline
from xentara_nb.connection.tls import Trust

def again(reason):
    try:
        Connection(address).open(Credentials({USER!r}, {PASSWORD!r}), Trust(), Deadline(5))
    except Exception as error:
        print("again:", error)

decoding = threading.Event()
address, _ = parse_address(sys.argv[1])
connection = Connection(address, on_event=lambda change: decoding.set())
connection.open(Credentials({USER!r}, {PASSWORD!r}), Trust(), Deadline(60))
assert decoding.wait(60)
if sys.argv[2] == "closed":
    connection.close(graceful=False)
else:
    connection.on_end = again
"""
COUNT = 200_000
UUIDS = b"\x9a" + COUNT.to_bytes(4, "big") + cbor.encode(UUID(int=5)) * COUNT


@pytest.mark.parametrize("end", ["closed", "left open"])
def test_a_process_that_ends_while_its_reader_decodes(fake: Fake, end: str) -> None:
    # The event comes first: it is reported when all that is behind it is still to be decoded.
    message = b"\x82" + cbor.encode(event(UUID(int=7), {11: 1}).packet()) + b"\x83\x01\x09" + UUIDS

    def script(wire: Wire) -> None:
        wire.hello()
        wire.send_message(message)
        wire.until_gone()

    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, fake(script).url, end],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == ("" if end == "closed" else "again: the process ends\n")
