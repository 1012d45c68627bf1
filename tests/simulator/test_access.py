"""Roles, entitlements and the inheritance of access control lists."""

from __future__ import annotations

from xentara_nb.simulator.access import Acl, AclEntry, AclSettings, roles

EVERYONE = roles()
OPERATOR = roles("Operator")
ADMINISTRATOR = roles("Administrator")


def _list(*entries: AclEntry, inherit: bool = True) -> AclSettings:
    return AclSettings(entries, inherit)


def test_by_default_everyone_connects_and_reads() -> None:
    acl = Acl.default()
    assert acl.allows(EVERYONE, "read")
    assert acl.allows(EVERYONE, "websocket.connect")
    assert not acl.allows(ADMINISTRATOR, "write")


def test_the_documented_example() -> None:
    # An element that nobody but administrators may write to.
    above = Acl.default().below(_list(AclEntry("Everyone", allow=("write",))))
    element = above.below(
        _list(
            AclEntry("Everyone", deny=("write",)),
            AclEntry("Administrator", allow=("write",)),
        )
    )
    assert above.allows(EVERYONE, "write")
    assert not element.allows(EVERYONE, "write")
    assert not element.allows(OPERATOR, "write")
    assert element.allows(ADMINISTRATOR, "write")
    assert element.allows(OPERATOR, "read")


def test_lists_are_inherited_down_to_children() -> None:
    model = Acl.default().below(_list(AclEntry("Operator", allow=("write",))))
    group = model.below(None)
    assert group is model
    child = group.below(_list(AclEntry("Operator", deny=("write",))))
    grandchild = child.below(_list(AclEntry("Operator", allow=("write",))))
    assert group.allows(OPERATOR, "write")
    assert not child.allows(OPERATOR, "write")
    assert grandchild.allows(OPERATOR, "write")


def test_without_inheritance_everything_above_is_forgotten() -> None:
    acl = Acl.default().below(
        _list(AclEntry("Administrator", allow=("read", "write")), inherit=False)
    )
    assert not acl.allows(EVERYONE, "read")
    assert not acl.allows(EVERYONE, "websocket.connect")
    assert acl.allows(ADMINISTRATOR, "write")


def test_within_one_list_a_denial_is_the_stronger_word_for_the_same_role() -> None:
    acl = Acl.default().below(
        _list(
            AclEntry("Operator", deny=("write",)),
            AclEntry("Operator", allow=("write",)),
        )
    )
    assert not acl.allows(OPERATOR, "write")


def test_custom_entitlements_have_a_default() -> None:
    acl = Acl.default({"monitor": True, "control": False})
    assert acl.allows(EVERYONE, "monitor")
    assert not acl.allows(EVERYONE, "control")
    assert not acl.allows(EVERYONE, "unheard of")
    denied = acl.below(_list(AclEntry("Everyone", deny=("monitor",))))
    assert not denied.allows(OPERATOR, "monitor")
