"""The HTTP request that carries the password and turns a stream into a WebSocket.

It is made and its answer read here, not by websocket-client, whose handshake keeps the cookies of a
server for the whole process, writes the password into its trace, reads a head of any length, and
waits for the body of a refusal before it says which one it is; none of these can be switched off.
"""

from __future__ import annotations

import base64
import hashlib
import os
import re
from dataclasses import replace

from xentara_nb._version import __version__
from xentara_nb.connection.address import ANSWERED_BEFORE, Address
from xentara_nb.connection.credentials import Credentials
from xentara_nb.connection.deadline import Deadline
from xentara_nb.connection.messages import WebSocket
from xentara_nb.connection.stream import SendError, Stream
from xentara_nb.errors import (
    ConnectionForbiddenError,
    LoginError,
    NotXentaraError,
    PathNotFoundError,
    XentaraError,
)
from xentara_nb.protocol.secret import SecretBytes

MAX_HEAD = 64 * 1024
"""The largest HTTP head taken from a server, in bytes."""

_MAGIC = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"  # RFC 6455, 1.3


def handshake(
    stream: Stream,
    address: Address,
    credentials: Credentials,
    deadline: Deadline,
    *,
    answered_before: bool = False,
) -> WebSocket:
    """Log in, and turn a stream into a WebSocket.

    ``answered_before`` says that the server there did let this client in some time ago.
    Raises a LoginError, ConnectionForbiddenError, PathNotFoundError or NotXentaraError as the
    server refused, and a DeadlineError if it did not answer in time.
    """
    key = base64.b64encode(os.urandom(16)).decode()
    check = ANSWERED_BEFORE if answered_before else "check host and port"
    late = f"{address.netloc} did not answer the log-in"
    try:
        stream.send(_request(address, credentials, key), deadline)
        status, headers, rest = _answer(stream)
    except TimeoutError:
        raise deadline.error(late) from None
    except OSError as error:
        if isinstance(error, SendError) and error.timed_out:
            raise deadline.error(late) from None
        raise NotXentaraError(
            f"{address.netloc} does not answer as a Xentara server does "
            f"({error.strerror or error}): {check}"
        ) from None
    if status != 101:
        refused = _refused_again if answered_before else _refused
        raise refused(address, credentials, status)
    digest = hashlib.sha1((key + _MAGIC).encode(), usedforsecurity=False).digest()
    accept = base64.b64encode(digest).decode()
    upgraded = headers.get("upgrade", "").lower() == "websocket"
    if not upgraded or headers.get("sec-websocket-accept") != accept:
        raise NotXentaraError(f"{address.netloc} does not answer as a WebSocket does: {check}")
    return WebSocket(stream, rest)


def _request(address: Address, credentials: Credentials, key: str) -> bytes:
    if not address.host.isascii():
        address = replace(address, host=address.host.encode("idna").decode())
    lines = (
        f"GET {address.path} HTTP/1.1",
        f"Host: {address.netloc}",
        "Upgrade: websocket",
        "Connection: Upgrade",
        f"Sec-WebSocket-Key: {key}",
        "Sec-WebSocket-Version: 13",
        f"User-Agent: xentara_nb/{__version__}",
        f"Authorization: {credentials.authorization()}",
        *("", ""),
    )
    return SecretBytes("\r\n".join(lines).encode("ascii"))


def _answer(stream: Stream) -> tuple[int, dict[str, str], bytes]:
    """Return status and headers of the answer, and what came behind; OSError if there is none."""
    data = b""
    while (end := data.find(b"\r\n\r\n")) < 0:
        if not b"HTTP/".startswith(data[:5]):
            raise OSError("its answer is not HTTP")
        if len(data) > MAX_HEAD:
            raise OSError("its answer has no end")
        piece = stream.recv(4096)
        if not piece:
            raise OSError("it closed the connection without an answer")
        data += piece
    first, *lines = data[:end].decode("latin-1").split("\r\n")
    status = re.match(r"HTTP/1\.\d (\d{3})(?: |$)", first)
    if status is None:
        raise OSError("its answer is not HTTP/1.1")
    pairs = (line.partition(":") for line in lines)
    headers = {name.strip().lower(): value.strip() for name, _, value in pairs}
    return int(status[1]), headers, data[end + 4 :]


def _refused(address: Address, credentials: Credentials, status: int) -> XentaraError:
    who = credentials.who
    if status == 401:
        doubt = f". Also, {credentials.doubt}" if credentials.doubt else ""
        return LoginError(
            f"{address.netloc} does not accept {who}: user, password or token are wrong, or the "
            f"server does not take this way to log in (httpServer.authentication.schemes){doubt}"
        )
    if status == 403:
        return ConnectionForbiddenError(
            f"{address.netloc} does not let {who} connect: the right websocket.connect is missing"
        )
    if status == 404:
        return PathNotFoundError(
            f"{address.netloc} has no WebSocket at {address.path}: a Xentara server has it at "
            "/api/ws"
        )
    if 300 <= status < 400:
        return NotXentaraError(
            f"{address.netloc} redirects to another address (HTTP status {status}), and "
            "a password is not sent there: connect to that address itself if it is the right one"
        )
    return NotXentaraError(
        f"{address.netloc} answers with HTTP status {status}, which no Xentara server does here: "
        "check host and port"
    )


def _refused_again(address: Address, credentials: Credentials, status: int) -> XentaraError:
    """Return the error for a server that did let this client in before."""
    who = credentials.who
    if status == 401:
        return LoginError(
            f"{address.netloc} does not accept {who} any more: the password was changed, the token "
            "has expired, or the user was removed or locked. Connect again"
        )
    if status == 403:
        return ConnectionForbiddenError(
            f"{address.netloc} does not let {who} connect any more: the right websocket.connect "
            "was taken away"
        )
    kind = PathNotFoundError if status == 404 else NotXentaraError
    return kind(f"{address.netloc} now answers with HTTP status {status}: {ANSWERED_BEFORE}")
