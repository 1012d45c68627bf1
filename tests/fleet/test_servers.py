"""The list of servers: files, lists and dicts, and what is wrong with them."""

from __future__ import annotations

import pickle
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from xentara_nb import AddressError, Server
from xentara_nb.connection.trust_store import remember
from xentara_nb.errors import LoginError, OptionError
from xentara_nb.fleet.servers import find_servers
from xentara_nb.protocol.secret import Secret

PIN = ":".join(["AB"] * 32)
TOML = f"""
[all]
user = "operator"
password_from = "file:secrets/{{name}}"
ca_file = "plants.pem"
timeout = 3

[servers.north]
address = "10.0.1.5"

[servers."south 2"]
address = "plant.example:9000"
fingerprint = "{PIN}"
token_from = "env:TOKEN_{{NAME}}"
"""


def test_a_toml_file(tmp_path: Path) -> None:
    path = tmp_path / "servers.toml"
    path.write_text(TOML, encoding="utf-8-sig")  # as some editors save it
    north, south = find_servers(path)
    assert north.address == "wss://10.0.1.5:8080/api/ws"
    assert (north.name, north.user, north.timeout) == ("north", "operator", 3.0)
    assert str(north.password_from) == f"file:{tmp_path}/secrets/north"
    assert north.ca_file == str(tmp_path / "plants.pem")
    # Its own trust and its own secret take the place of those of all servers.
    assert (south.fingerprint, south.ca_file) == (PIN, None)
    assert (str(south.token_from), south.password_from) == ("env:TOKEN_SOUTH_2", None)


def test_a_csv_file(tmp_path: Path) -> None:
    path = tmp_path / "servers.csv"
    path.write_text("name;address;user;password_from;timeout\nnorth;10.0.1.5;;env:P;\nwest;w;;;2\n")
    north, west = find_servers(str(path))
    assert (north.user, str(north.password_from), north.timeout) == (None, "env:P", 10.0)
    assert (west.address, west.password_from, west.timeout) == ("wss://w:8080/api/ws", None, 2.0)


def test_lists_and_dicts() -> None:
    server = Server("south", "10.0.2.5")
    found = find_servers([server, "plant.example:9000", {"name": "north", "address": "10.0.1.5"}])
    assert [each.name for each in found] == ["south", "plant.example", "north"]
    by_name = find_servers({"north": "10.0.1.5", "south": {"address": "10.0.2.5", "user": "guest"}})
    assert [(each.name, each.user) for each in by_name] == [("north", None), ("south", "guest")]


@pytest.mark.parametrize(
    ("servers", "message"),
    [
        ([], "there is no server"),
        (["10.0.1.5", "10.0.1.5:9000"], "two servers are called 10.0.1.5"),
        ({"North": "a", "north": "b"}, "two servers are called north"),
        ({"../north": "10.0.1.5"}, "is no name of a server"),
        ({"north.": "10.0.1.5"}, "no dot and no blank"),
        ({"\u6f22" * 80: "10.0.1.5"}, r"\(200 bytes\)"),  # too long for a folder
        ({"\uf900": "a", "\u8c48": "b"}, "two servers are called"),  # one folder on a Mac
        ({"north": {"address": "a", "name": "b"}}, "north: it is called so already"),
        ({"north": {"address": "a", "user": 5}}, "north: the user name is a text"),
        (
            {"north": {"address": "a", "user": "operator:geheim"}},
            "north: the user name has a colon .* as password_from, or",
        ),
        ({"north": {"address": "a", "fingerprint": 5}}, "north: its fingerprint is no text"),
        ({"north": {"address": "a", "ca_file": 5}}, "north: ca_file: a path is a text"),
        ({"north": {"address": "a", "timeout": 10**400}}, "timeout is no number"),
        ({"north": {"address": "a", "password_from": "file:~geheim/"}}, "never the secret itself"),
        (Server("north", "a"), "and not a Server"),
        (
            [Server(name, "a", password_from="env:P_{NAME}") for name in ("line 1", "line-1")],
            "line 1 and line-1 would have the same secret, that of the variable P_LINE_1",
        ),
        ({"north": {"user": "guest"}}, "north: its address is missing"),
        ({"north": 5}, "north: its address is missing"),
        ({"north": {"address": "a", "pasword_from": "env:P"}}, "did you mean 'password_from'"),
        ({"north": {"address": "a", "timeout": "soon"}}, "timeout is no number"),
        ({"north": {"address": "a", "timeout": 0}}, "north: a time-out of"),
        ({"north": {"address": "a", "timeout": True}}, "a number of seconds, not True"),
        ({"north": {"address": "a", "fingerprint": "AB"}}, "north: a fingerprint is"),
        ({"north": {"address": "a", "password_from": "env:P", "token_from": "env:T"}}, "not both"),
        ({"north": {"address": "a", "password_from": "geheim"}}, "says where the secret is"),
        ({"north": {"address": "a", "password": "geheim"}}, "a password does not belong into"),
        ({"north": "wss://operator:geheim@plant"}, "its address has a log-in in it"),
        ([5], "of type int"),
    ],
)
def test_what_cannot_be_used_is_named(servers: Any, message: str) -> None:
    with pytest.raises(OptionError, match=message) as caught:
        find_servers(servers)
    assert "geheim" not in str(caught.value)


@pytest.mark.parametrize(
    "line", ['password = "geheim"', 'password_from = "geheim"', 'address = "a:geheim@b"']
)
def test_a_traceback_that_shows_variables_shows_no_secret(tmp_path: Path, line: str) -> None:
    path = tmp_path / "servers.toml"
    path.write_text(f"[servers.north]\n{line}\n")
    with pytest.raises(OptionError) as caught:
        find_servers(path)
    ours = caught.tb.tb_next
    found = traceback.StackSummary.extract(traceback.walk_tb(ours), capture_locals=True)
    assert [frame.name for frame in found] == ["find_servers"]
    assert "geheim" not in "".join(found.format())


@pytest.mark.parametrize("other", ["PLANT.example:8080", "wss://plant.example./api/ws"])
def test_spellings_of_one_place(other: str) -> None:
    assert Server("a", "plant.example").place == Server("b", other).place
    assert Server("a", "plant.example").place != Server("b", "plant.example:9000").place
    assert Server("a", "plant.example").place != Server("b", "wss://plant.example/b/ws").place
    assert Server("a", "localhost").place == Server("b", "127.0.0.1").place


def test_an_address_that_cannot_be_used() -> None:
    with pytest.raises(AddressError, match=r"server north: .* names no host"):
        Server("north", "wss://")


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.toml", "[all", r"a\.toml: this is no TOML file"),
        ("a.toml", "[server.north]\naddress='a'", "did you mean 'servers'"),
        ("a.toml", "servers = 5", "are tables"),
        ("a.toml", "[all]\naddress = 'a'\n[servers.north]\n", "address is not for"),
        ("a.toml", f"[servers.north]\nuser = {'[' * 10_000}", "nested too deep"),
        ("a.toml", f"[servers.north]\ntimeout = {'9' * 5_000}", "is no TOML file"),
        ("a.toml", "[servers.north]\naddress='a'\nusr='b'", r"a\.toml: server north: .* 'usr'"),
        ("a.toml", "[servers.a]\naddress='b'\n[servers.A]\naddress='c'", r"a\.toml: two servers"),
        ("a.csv", "name\nnorth\n", r"a\.csv: .* columns name and address"),
        ("a.csv", "name,address\nb,b\n,c\n", r"a\.csv: row 2: '' is no name of a server"),
        ("a.csv", "name,address,timeout\nb,b,x\n", r"a\.csv: row 1: server b: its timeout"),
        ("a.txt", "north", r"a\.txt: .* a \.toml or a \.csv file"),
        ("a.toml", "[servers.north]\nuser='guest'", r"a\.toml: server north: its address is"),
        ("a.csv", "name,address,site\nnorth,a,b\n", r"a\.csv: row 1: server north: .* 'site'"),
    ],
)
def test_files_that_are_no_list(tmp_path: Path, name: str, content: str, message: str) -> None:
    path = tmp_path / name
    path.write_text(content)
    with pytest.raises(OptionError, match=message) as caught:
        find_servers(path)
    assert str(caught.value).count(str(path)) == 1


def test_what_is_shown_and_sent_holds_no_secret() -> None:
    given = Server("north", "10.0.1.5", user="operator", password_from=Secret("geheim"))
    assert repr(given) == "<Server north, wss://10.0.1.5:8080/api/ws, operator with given>"
    with pytest.raises(OptionError, match="was given in this process"):
        given.portable()
    with pytest.raises(TypeError):
        pickle.dumps(given)
    named = Server("north", "10.0.1.5", user="operator", password_from="env:P")
    assert pickle.loads(pickle.dumps(named.portable())) == named


def test_a_certificate_that_the_form_has_remembered_goes_with_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    server = Server("north", "10.0.1.5")
    assert server.trusting() == server
    remember("10.0.1.5:8080", PIN)
    assert server.trusting().fingerprint == PIN
    pinned = Server("north", "10.0.1.5", ca_file="plants.pem")
    assert pinned.trusting() == pinned


def test_no_one_is_asked_for_a_password(
    server_of: Callable[..., Server], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("builtins.input", lambda *_: pytest.fail("asked"))
    monkeypatch.setattr("getpass.getpass", lambda *_: pytest.fail("asked"))
    nobody = server_of("north", user=None, password_from=None)
    with pytest.raises(LoginError, match="no user for"):
        nobody.connect()
    monkeypatch.setenv("XENTARA_USER", "viewer")
    with pytest.raises(LoginError, match="no password for"):
        nobody.connect()
    monkeypatch.setenv("XENTARA_PASSWORD", "viewer-demo")
    with nobody.connect() as client:
        assert client.user == "viewer"
    # A password of the environment belongs to the user of the environment.
    with pytest.raises(LoginError, match="no password for"):
        server_of("north", user="engineer", password_from=None).connect()


def test_tokens(server_of: Callable[..., Server], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOKEN", "aa.bb.cc")
    monkeypatch.setenv("XENTARA_TOKEN", "aa.bb.cc")
    own = server_of("north", user=None, password_from=None, token_from="env:TOKEN")
    shared = server_of("north", user=None, password_from=None)
    for server in (own, shared):
        # The demo plant takes passwords alone, and says so.
        with pytest.raises(LoginError, match="token"):
            server.connect()
