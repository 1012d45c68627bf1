"""The cell that does what a write form is set to do."""

from __future__ import annotations

from xentara_nb.errors import WriteRefusedError
from xentara_nb.protocol.identifiers import Attribute
from xentara_nb.widgets.common.code import cell, literal
from xentara_nb.writes.plan import WritePlan


def write_code(plan: WritePlan, client: str, session: str) -> str:
    """Return a cell that does a plan of one write, given what it calls client and sub-session.

    Without a sub-session that is an empty text.

    Raises
    ------
    WriteRefusedError
        If the value does not fit.
    """
    planned = plan.planned[0]
    if planned.new is None:
        raise WriteRefusedError(planned.reason)
    target = planned.target
    assert target.info is not None
    arguments = [literal(target.element_uuid), literal(planned.new_value)]
    if target.info.attribute_id != Attribute.VALUE:
        arguments.append(literal(target.info.attribute_id))
    if session:
        arguments.append(f"session={session}")
    about = f"{target.primary_key}, {target.attribute_name}"
    return cell("result", f"{client}.write({', '.join(arguments)})", about)
