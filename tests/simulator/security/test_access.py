"""Roles, entitlements and the inheritance of access control lists."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from xentara_nb.protocol.commands import CreateSubSession, Password, Read, Write
from xentara_nb.protocol.packets import Failure
from xentara_nb.simulator import simulate
from xentara_nb.simulator.config.configuration import from_documents
from xentara_nb.simulator.security.access import Acl, AclEntry, AclSettings, roles

EVERYONE = roles()
OPERATOR = roles("Operator")
ADMINISTRATOR = roles("Administrator")


def _list(*entries: AclEntry, inherit: bool = True) -> AclSettings:
    return AclSettings(entries=entries, inherit=inherit)


def test_by_default_everyone_connects_and_reads() -> None:
    acl = Acl.default()
    assert acl.allows(EVERYONE, "read")
    assert acl.allows(EVERYONE, "websocket.connect")
    assert not acl.allows(ADMINISTRATOR, "write")


def test_the_documented_example() -> None:
    # An element that only administrators may write to.
    above = Acl.default().below(_list(AclEntry(role="Everyone", allow=("write",))))
    element = above.below(
        _list(
            AclEntry(role="Everyone", deny=("write",)),
            AclEntry(role="Administrator", allow=("write",)),
        )
    )
    assert above.allows(EVERYONE, "write")
    assert not element.allows(EVERYONE, "write")
    assert not element.allows(OPERATOR, "write")
    assert element.allows(ADMINISTRATOR, "write")
    assert element.allows(OPERATOR, "read")


def test_the_documented_example_as_a_configuration(small: dict[str, Any], dial: Any) -> None:
    register = UUID(
        small["model.json"]["children"][0]["@Group"]["children"][0]["@Skill.SignalFlow.Register"][
            "UUID"
        ]
    )
    ada = "77777777-7777-4777-8777-777777777777"
    small["security.json"] = {
        "roles": [
            {"name": "Shift", "UUID": "55555555-5555-4555-8555-555555555555"},
            {"name": "Administrator", "UUID": "66666666-6666-4666-8666-666666666666"},
        ],
        "ACL": {"entries": [{"role": "Everyone", "allow": ["write"]}]},
    }
    small["users.json"]["users"].append(
        {"userName": "ada", "UUID": ada, "roles": ["Administrator"]}
    )
    small["passwords.json"][ada] = next(iter(small["passwords.json"].values()))
    group = small["model.json"]["children"][0]["@Group"]
    group["ACL"] = {
        "entries": [
            {"role": "Everyone", "deny": ["write"]},
            {"role": "Administrator", "allow": ["write"]},
        ]
    }
    with simulate(from_documents(small)) as simulator:
        wires = {user: dial(simulator, user, "secret") for user in ("anna", "ada")}
        found = {}
        for user, wire in wires.items():
            assert not isinstance(wire.ask(Read(register, (11,)))[0], Failure)
            found[user, None] = wire.ask(Write(register, 11, 5))[0]
            for other in wires:
                # With a sub-session it takes the right of both.
                (session,) = wire.ask(CreateSubSession(Password(other, "secret")))
                found[user, other] = wire.ask(Write(register, 11, 5, session.item))[0]
        allowed = {who for who, answer in found.items() if not isinstance(answer, Failure)}
        assert allowed == {("ada", None), ("ada", "ada")}
        codes = {a.error.code for a in found.values() if isinstance(a, Failure)}
        assert codes == {-32102}


def test_lists_are_inherited_down_to_children() -> None:
    model = Acl.default().below(_list(AclEntry(role="Operator", allow=("write",))))
    group = model.below(None)
    assert group is model
    child = group.below(_list(AclEntry(role="Operator", deny=("write",))))
    grandchild = child.below(_list(AclEntry(role="Operator", allow=("write",))))
    assert group.allows(OPERATOR, "write")
    assert not child.allows(OPERATOR, "write")
    assert grandchild.allows(OPERATOR, "write")


def test_without_inheritance_everything_above_is_forgotten() -> None:
    acl = Acl.default().below(
        _list(AclEntry(role="Administrator", allow=("read", "write")), inherit=False)
    )
    assert not acl.allows(EVERYONE, "read")
    assert not acl.allows(EVERYONE, "websocket.connect")
    assert acl.allows(ADMINISTRATOR, "write")


def test_within_one_list_a_denial_is_the_stronger_word_for_the_same_role() -> None:
    acl = Acl.default().below(
        _list(
            AclEntry(role="Operator", deny=("write",)),
            AclEntry(role="Operator", allow=("write",)),
        )
    )
    assert not acl.allows(OPERATOR, "write")


def test_custom_entitlements_have_a_default() -> None:
    acl = Acl.default({"monitor": True, "control": False})
    assert acl.allows(EVERYONE, "monitor")
    assert not acl.allows(EVERYONE, "control")
    assert not acl.allows(EVERYONE, "unheard of")
    denied = acl.below(_list(AclEntry(role="Everyone", deny=("monitor",))))
    assert not denied.allows(OPERATOR, "monitor")


def test_what_is_allowed_by_default_stands_in_the_list_above_all_others() -> None:
    acl = Acl.default({"monitor": True})
    # So it is dropped with all of that list, and can be taken from everyone.
    assert not acl.below(_list(inherit=False)).allows(EVERYONE, "monitor")
    denied = acl.below(_list(AclEntry(role="Everyone", deny=("monitor",))))
    assert not denied.allows(OPERATOR, "monitor")
    # A denial for one role leaves what everyone has.
    denied = acl.below(_list(AclEntry(role="Operator", deny=("monitor",))))
    assert denied.allows(OPERATOR, "monitor")
