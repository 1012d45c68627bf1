"""Configuration folders: what is read, and that every error says where it is."""

from __future__ import annotations

import copy
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from xentara_nb.simulator.config.configuration import (
    from_documents,
    read_folder,
    read_model_file,
)
from xentara_nb.simulator.documents import ConfigurationError
from xentara_nb.simulator.plant.plant import Plant

Documents = dict[str, dict[str, Any]]
Change = Callable[[Documents], None]


def test_a_folder_is_read(small: Documents, write_folder: Callable[[Documents], Path]) -> None:
    found = read_folder(write_folder(small))
    assert found.server.port == 8080
    assert found.server.authentication.realm == "Xentara"
    assert found.server.authentication.schemes == ("Basic",)
    assert [(user.name, user.roles) for user in found.users] == [("anna", ("Shift",))]
    assert list(found.model.by_key) == ["Group.Register", "Group.Point", "Group"]
    assert found.security.certificate is None
    assert "$6$" not in repr(found)


@pytest.mark.parametrize(
    "name", ["config.json", "users.json", "passwords.json", "security.json", "model.json"]
)
def test_a_missing_file(
    name: str, small: Documents, write_folder: Callable[[Documents], Path]
) -> None:
    folder = write_folder(small)
    (folder / name).unlink()
    with pytest.raises(ConfigurationError, match="no such file") as caught:
        read_folder(folder)
    assert caught.value.file == name
    assert "Copy the whole folder" in caught.value.hint
    assert ("with model=." in caught.value.hint) == (name == "config.json")


def test_the_folder_above_is_given(tmp_path: Path) -> None:
    folder = tmp_path / "etc" / "xentara"
    folder.mkdir(parents=True)
    (folder / "config.json").touch()
    with pytest.raises(ConfigurationError) as caught:
        read_folder(folder.parent)
    assert caught.value.hint == f"Give {folder}, which has one."


def test_a_name_that_is_not_declared(
    small: Documents, write_folder: Callable[[Documents], Path], caplog: pytest.LogCaptureFixture
) -> None:
    entry = {"role": "Everyone", "allow": ["Read"]}
    small["security.json"]["ACL"] = {"entries": [entry]}
    read_folder(write_folder(small))
    assert "the entitlement 'Read' is not declared in security.json; did you mean 'read'" in (
        caplog.text
    )


def test_without_passwords_no_users_are_needed(
    small: Documents, write_folder: Callable[[Documents], Path]
) -> None:
    small["config.json"]["httpServer"]["authentication"]["schemes"] = ["Bearer"]
    del small["users.json"], small["passwords.json"]
    assert read_folder(write_folder(small)).users == ()


def test_another_model_in_place_of_the_folders_own(
    small: Documents, write_folder: Callable[[Documents], Path]
) -> None:
    model = small.pop("model.json")
    folder = write_folder({**small, "other.json": model})
    assert len(read_folder(folder, folder / "other.json").model.by_key) == 3
    assert len(read_model_file(folder / "other.json").by_key) == 3


def test_what_is_no_folder(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="no such folder"):
        read_folder(tmp_path / "nowhere")
    (tmp_path / "file").touch()
    with pytest.raises(ConfigurationError, match=r"this is a file.*model="):
        read_folder(tmp_path / "file")
    with pytest.raises(ConfigurationError, match=r"this is a folder.*config="):
        read_model_file(tmp_path)


def _set(path: str, value: Any) -> Change:
    """Return a change of one value; the path's steps are separated by slashes."""

    def change(documents: Documents) -> None:
        *way, last = path.split("/")
        place: Any = documents
        for step in way:
            place = place[int(step) if step.isdigit() else step]
        key = int(last) if last.isdigit() and isinstance(place, list) else last
        if key == "+":
            place.append(copy.deepcopy(place[0]) if value is None else value)
        else:
            place[key] = value

    return change


REGISTER = "model.json/children/0/@Group/children/0/@Skill.SignalFlow.Register"
POINT = "model.json/children/0/@Group/children/1/@DataPoint"
UUID_6 = "66666666-6666-4666-8666-666666666666"


@pytest.mark.parametrize(
    ("change", "place", "words"),
    [
        (_set("config.json/httpServer", "no"), "config.json: httpServer", "object"),
        (_set("config.json/httpServer/port", 0), "config.json: httpServer.port", "65535"),
        (_set("config.json/httpServer/ports", 1), "config.json: httpServer", "'ports'"),
        (
            _set("config.json/httpServer/authentication/schemes", ["Digest"]),
            "config.json: httpServer.authentication.schemes[0]",
            "Basic",
        ),
        (
            _set("config.json/httpServer/authentication/realm", "Größe"),
            "config.json: httpServer.authentication.realm",
            "ASCII",
        ),
        (_set("users.json/users/0/UUID", "1234"), "users.json: users[0].UUID", "not a UUID"),
        (_set("users.json/users/0/userName", ""), "users.json: users[0].userName", "empty"),
        (_set("users.json/users/+", None), "users.json: users[1].userName", "users[0]"),
        (
            _set("users.json/users/0/roles", ["Everyone"]),
            "users.json: users[0].roles[0]",
            "Everyone",
        ),
        (_set("users.json/users/0/role", []), "users.json: users[0]", "'role'"),
        (
            _set("passwords.json/44444444-4444-4444-8444-444444444444", "$6$abc$short"),
            "passwords.json: 44444444-4444-4444-8444-444444444444",
            "openssl passwd -6",
        ),
        (
            _set("passwords.json/44444444-4444-4444-8444-444444444444", "$y$j9T$abc$def"),
            "passwords.json: 44444444-4444-4444-8444-444444444444",
            "unknown kind",
        ),
        (_set("passwords.json/anna", "$6$a$b"), "passwords.json", "'anna' is not the UUID"),
        (
            _set("security.json/roles/+", None),
            "security.json: roles[1].name",
            "roles[0]",
        ),
        (
            _set("security.json/roles/0/name", "Everyone"),
            "security.json: roles[0].name",
            "Everyone",
        ),
        (
            _set("security.json/ACL/entries/0/denied", []),
            "security.json: ACL.entries[0]",
            "'denied'",
        ),
        (
            _set("security.json/entitlements", [{"name": "x", "UUID": UUID_6, "default": "yes"}]),
            "security.json: entitlements[0].default",
            "'allow' or 'deny'",
        ),
        (
            _set(
                "security.json/TLS",
                {"serverCertificate": {"certificatePath": "no.pem", "privateKeyPath": "no.key"}},
            ),
            "security.json: TLS.serverCertificate.certificatePath",
            "make its own certificate",
        ),
        (
            _set("model.json/children/+", {"@Nothing": {"name": "x", "UUID": UUID_6}}),
            "model.json: children[1].@Nothing",
            "@Group",
        ),
        (
            _set("model.json/children/+", {"@Group": {"UUID": UUID_6}}),
            "model.json: children[1].@Group",
            "Give the element a name",
        ),
        (_set("model.json/elements", []), "model.json", "'elements'"),
        (_set("model.json/children/+", None), "model.json: children[1].@Group.name", "'Group'"),
        (
            _set(f"{POINT}/UUID", "22222222-2222-4222-8222-222222222222"),
            "model.json: children[0].@Group.children[1].@DataPoint.UUID",
            "children[0].@Skill.SignalFlow.Register",
        ),
    ],
)
def test_faults(change: Change, place: str, words: str, small: Documents) -> None:
    change(small)
    with pytest.raises(ConfigurationError) as caught:
        from_documents(small)
    assert str(caught.value).startswith(place + ":")
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)
    assert "$6$" not in str(caught.value)


@pytest.mark.parametrize(
    ("change", "place", "words"),
    [
        (_set(f"{POINT}/io", "Group.Registre"), "@DataPoint.io", "Did you mean 'Group.Register'?"),
        (_set(f"{POINT}/io", "Group."), "@DataPoint.io", "not a primary key"),
        (_set(f"{POINT}/io", "Group"), "@DataPoint.io", "has no value"),
        (_set(f"{POINT}/io", {}), "@DataPoint.io", "neither input nor output"),
        (_set(f"{POINT}/io", "Group.Point"), "@DataPoint", "depends on itself"),
        (_set(f"{REGISTER}/defaultValue", ["float", 1]), "defaultValue[0]", "float64"),
        (_set(f"{REGISTER}/defaultValue", ["uint8", 256]), "defaultValue[1]", "out of range"),
        (_set(f"{REGISTER}/defaultValue", ["bool"]), "defaultValue", "pair"),
        (_set(f"{REGISTER}/defaultValue", ["timeStamp", "today"]), "defaultValue[1]", "time stamp"),
    ],
)
def test_faults_of_a_model_that_cannot_run(
    change: Change, place: str, words: str, small: Documents
) -> None:
    change(small)
    found = from_documents(small)
    with pytest.raises(ConfigurationError) as caught:
        Plant.from_model(found.model, found.security)
    assert caught.value.file == "model.json"
    assert caught.value.place.endswith(place)
    assert words in str(caught.value)


def test_what_nothing_declares_is_passed_over_with_a_warning(
    small: Documents, caplog: pytest.LogCaptureFixture
) -> None:
    small["users.json"]["users"][0]["roles"].append("Stranger")
    small["security.json"]["ACL"]["entries"].append({"role": "Ghost", "allow": ["fly"]})
    small["passwords.json"][UUID_6] = small["passwords.json"][
        "44444444-4444-4444-8444-444444444444"
    ]
    with caplog.at_level(logging.WARNING):
        from_documents(small)
    for word in ("Stranger", "Ghost", "fly", UUID_6):
        assert word in caplog.text
    assert "$6$" not in caplog.text
