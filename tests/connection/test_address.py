from __future__ import annotations

import traceback

import pytest
from hypothesis import given
from hypothesis import strategies as st

from xentara_nb.connection.address import Address, is_loopback, parse_address
from xentara_nb.connection.credentials import Credentials
from xentara_nb.errors import AddressError, ConnectError


@pytest.mark.parametrize(
    ("text", "url"),
    [
        ("plant", "wss://plant:8080/api/ws"),
        ("plant:8443", "wss://plant:8443/api/ws"),
        ("\ufeff\u200b“plant.example”\r\n", "wss://plant.example:8080/api/ws"),
        ('"wss://plant"', "wss://plant:8080/api/ws"),
        ("<wss://plant/api/ws>", "wss://plant:8080/api/ws"),
        (" plant.example \n", "wss://plant.example:8080/api/ws"),
        ("PLANT", "wss://plant:8080/api/ws"),
        ("wss://plant", "wss://plant:8080/api/ws"),
        ("WSS://plant/", "wss://plant:8080/api/ws"),
        ("wss://plant:443/api/ws", "wss://plant:443/api/ws"),
        ("plant/proxied/api/ws", "wss://plant:8080/proxied/api/ws"),
        ("plant/with blank/ä", "wss://plant:8080/with%20blank/%C3%A4"),
        ("plant/with%20blank", "wss://plant:8080/with%20blank"),
        ("192.168.0.7", "wss://192.168.0.7:8080/api/ws"),
        ("[::1]", "wss://[::1]:8080/api/ws"),
        ("wss://[2001:db8::1]:9000/api/ws", "wss://[2001:db8::1]:9000/api/ws"),
        ("ws://localhost:8080", "ws://localhost:8080/api/ws"),
        ("ws://127.0.0.1", "ws://127.0.0.1:8080/api/ws"),
        ("ws://[::1]:81", "ws://[::1]:81/api/ws"),
    ],
)
def test_what_a_user_types(text: str, url: str) -> None:
    address, credentials = parse_address(text)

    assert address.url == str(address) == url
    assert credentials is None
    assert parse_address(url) == (address, None)


@pytest.mark.parametrize(
    ("text", "user", "password"),
    [
        ("wss://anna@plant", "anna", None),
        ("anna:secret@plant", "anna", "secret"),
        ("wss://anna:p%40ss%3A%2Fw@plant:1/api/ws", "anna", "p@ss:/w"),
        ("wss://anna:p@ss:w@plant", "anna", "p@ss:w"),
        ("wss://anna:@plant", "anna", ""),
    ],
)
def test_credentials_are_taken_out_of_the_address(
    text: str, user: str, password: str | None
) -> None:
    address, credentials = parse_address(text)

    assert credentials == Credentials(user, password)
    assert address.host == "plant"
    assert "anna" not in address.url


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("http://plant", "is no address of a Xentara server"),
        ("https://plant:8080", "is no address of a Xentara server"),
        ("opc.tcp://plant", "is no address of a Xentara server"),
        ("", "names no host"),
        ("   ", "names no host"),
        ("wss://", "names no host"),
        ("wss://:8080", "names no host"),
        ("my plant", "names no host"),
        ("plant\0", "names no host"),
        ("plant:0", "no valid port"),
        ("plant:65536", "no valid host and port"),
        ("plant:-1", "no valid host and port"),
        ("plant:http", "no valid host and port"),
        ("[::1", "no valid host and port"),
        ("[plant]", "no valid host and port"),
        ("ho\u2100st", "no valid host and port"),
        ("plant/api/ws?x=1", "behind ? or #"),
        ("plant#1", "behind ? or #"),
        ("ws://plant", "in the clear"),
        ("ws://192.168.0.7", "in the clear"),
        ("ws://127.0.0.1.example", "in the clear"),
    ],
)
def test_no_address(text: str, reason: str) -> None:
    with pytest.raises(AddressError, match=reason.replace("?", r"\?")) as caught:
        parse_address(text)

    assert isinstance(caught.value, ConnectError | ValueError)


@pytest.mark.parametrize("text", [None, 8080, b"plant"])
def test_no_text(text: object) -> None:
    with pytest.raises(AddressError, match="an address is a text, not of the type"):
        parse_address(text)


@pytest.mark.parametrize(
    "text",
    [
        "http://anna:{}@plant",
        "anna:{}@plant:port",
        "wss://anna:{}@plant:0",
        "wss://anna:{}@",
        "wss://anna:{}@pl ant",
        "wss://anna:{}@plant?x",
        "ws://anna:{}@plant",
        "wss://anna:{}@[::1",
        "wss://anna:{}@ho\u2100st",
    ],
)
@pytest.mark.parametrize(
    "secret", ["geheim", "ge@heim", "ge/heim", "1234/heim", "ge#heim", "?geheim"]
)
def test_a_message_never_shows_the_password(text: str, secret: str) -> None:
    with pytest.raises(AddressError) as caught:
        parse_address(text.format(secret))

    shown = "".join(traceback.format_exception(caught.value))
    shown = shown.partition("AddressError")[2]  # the source above it names no values
    assert "***@" in shown
    assert not any(part in shown for part in ("ge", "heim", "1234", "anna"))


@pytest.mark.parametrize("text", ["plant?token={}", "https://plant/?a=1&token={}", "plant#\n{}"])
def test_a_message_never_shows_a_token(text: str) -> None:
    with pytest.raises(AddressError, match=r"plant/?[?#]\*\*\*'") as caught:
        parse_address(text.format("geheim"))
    assert "geheim" not in str(caught.value)


def test_a_password_is_never_taken_for_port_and_path() -> None:
    # Python would connect to the host "anna", port 12, with the rest in the path.
    with pytest.raises(AddressError, match="before an @: write them as %2F"):
        parse_address("wss://anna:12/34@plant")
    with pytest.raises(AddressError, match="before an @"):
        parse_address("anna:a://b@plant")


@given(st.text(max_size=30) | st.from_regex(r"(wss?://)?[a-z@:/\[\]?#%0-9.]{0,20}", fullmatch=True))
def test_any_text_is_an_address_or_an_address_error(text: str) -> None:
    try:
        address, _ = parse_address(text)
    except AddressError:
        return
    assert address.host
    assert 0 < address.port < 65536
    assert address.path.startswith("/")
    assert address.path.isascii()
    assert not set(address.url) & set(" \r\n\t")
    assert address.tls or is_loopback(address.host)


def test_is_loopback() -> None:
    assert all(map(is_loopback, ("localhost", "127.0.0.1", "127.8.8.8", "::1")))
    assert not any(map(is_loopback, ("plant", "192.168.0.1", "localhost.example", "::2")))


def test_an_address_holds_no_credentials() -> None:
    assert Address.__slots__ == ("host", "port", "path", "tls")
