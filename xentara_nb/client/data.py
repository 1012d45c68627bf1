"""The part of the client that moves values: read, write, subscribe, unsubscribe."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping
from typing import Any, TypeAlias
from uuid import UUID

import pandas as pd

from xentara_nb.client.core import ClientCore
from xentara_nb.protocol.commands import Subscribe, SubscriptionTarget, Unsubscribe
from xentara_nb.queries import reading as _reading
from xentara_nb.queries.subscriptions import Subscription
from xentara_nb.tables.frames import values_frame
from xentara_nb.tables.provenance import with_provenance
from xentara_nb.tables.references import (
    AttributeLike,
    ElementLike,
    ElementsLike,
    attribute_reference,
    element_references,
)
from xentara_nb.writes.plan import WritePlan, make_plan, write_one
from xentara_nb.writes.read_back import Predicate, Verification
from xentara_nb.writes.requests import (
    WriteRequest,
    request_for,
    row_reference,
    write_requests,
)
from xentara_nb.writes.results import WriteResult
from xentara_nb.writes.sub_session import SessionLike

Orders: TypeAlias = "pd.DataFrame | pd.Series[Any] | Mapping[Any, Any] | Iterable[Any]"
"""What says what to write where; see :meth:`Data.plan_writes`."""


class Data(ClientCore):
    """read, write, subscribe, unsubscribe."""

    def read(
        self,
        elements: ElementsLike,
        attributes: AttributeLike | Iterable[AttributeLike] | None = None,
    ) -> pd.DataFrame:
        """Read values (the manual's read).

        Parameters
        ----------
        elements : element, or list, Series or DataFrame of elements
            What to read. Rows of an inventory name their attribute too.
        attributes : attribute or iterable of attributes, optional
            Which attributes of each element. Left out, those that the rows name, or all that can
            be read.

        Returns
        -------
        pandas.DataFrame
            One row per attribute, in the order asked for: ``primary_key`` (str),
            ``element_uuid`` (object: UUID), ``attribute_name`` (str), ``attribute_id`` (object),
            ``value`` (object; time stamps are pandas.Timestamp in UTC, never is NaT, qualities
            and categories are the manual's words), ``error`` (str, missing where there is none),
            ``time`` (datetime64[ns, UTC], when the answer came).

        Raises
        ------
        UnknownElementError, NotFoundError
            If an element, or an attribute named by its name, does not exist. Everything else that
            fails is in the column ``error`` of its row.
        """
        reading = _reading.read(
            self._link.ask, self._directory, element_references(elements), attributes
        )
        return with_provenance(values_frame(**reading._asdict()), self._provenance())

    def write(
        self,
        element: ElementLike,
        value: object,
        attribute: AttributeLike = "value",
        *,
        session: SessionLike | None = None,
        timeout: float | None = None,
        verify: bool | Predicate = True,
        verify_within: float = 5.0,
        tolerance: float = 0.0,
        number_as_boolean: bool = False,
    ) -> WriteResult:
        """Write one value, at most once, and read it back (the manual's write).

        The guards of :meth:`plan_writes` look at it first, and it stands in the journal before it
        is sent. Where the device follows slowly, this waits for it.

        Parameters
        ----------
        element : element
            What to write to; a row of an inventory names its attribute too.
        value : object
            A Python, numpy or pandas scalar that fits the attribute's data type.
        attribute : attribute, default "value"
            Which attribute.
        session : SubSession or uuid.UUID, optional
            A sub-session, whose rights are needed as well as those of the connection.
        timeout : float, optional
            How long to wait for the answer, in seconds; that of the client when left out.
        verify : bool or callable
            Whether to read the value before and after; or a function that is given the ordered
            and the read value, and returns whether that will do.
        verify_within : float, default 5.0
            How long the device may take to follow, in seconds.
        tolerance : float, default 0.0
            How far a number that is read back may be from the one ordered.
        number_as_boolean : bool, default False
            Whether 0 and 1 will do for a Boolean.

        Returns
        -------
        WriteResult
            What became of it; a value read back that is another one (``DIFFERS``) is no error and
            shows itself.

        Raises
        ------
        WriteRefusedError
            If the client is read only, the attribute cannot be written, the value does not fit,
            the write policy does not allow it, the sub-session has ended, or the journal cannot be
            written. Nothing was sent.
        NotFoundError, UnknownElementError
            If there is no such element or attribute. Nothing was sent.
        WriteOutcomeUnknown
            If the answer was lost. The write may have taken effect and is never sent again:
            ``error.result.resolve()`` reads the value to learn what became of it.
        ServerError
            If the server refused it, in the class of its error code.

        Examples
        --------
        >>> from xentara_nb import simulate
        >>> with simulate() as plant, plant.connect(journal=False) as client:
        ...     result = client.write("Plant.Line 1.Set point", 195)
        >>> result.old_value, result.value, result.read_back, result.outcome
        (210.0, 195.0, 195.0, <Outcome.VERIFIED: 'VERIFIED'>)
        """
        reference = row_reference(element)
        if isinstance(attribute, str) and attribute == "value":  # unless a row names another one
            request = request_for(reference, value)
        else:
            request = WriteRequest(reference, attribute_reference(attribute), value)
        return write_one(
            self._write_context(),
            request,
            session=session,
            timeout=timeout,
            how=Verification(verify, tolerance, verify_within),
            number_as_boolean=number_as_boolean,
        )

    def plan_writes(self, orders: Orders, *, number_as_boolean: bool = False) -> WritePlan:
        """Plan some writes: find, read and check everything, and send nothing.

        Parameters
        ----------
        orders : DataFrame, dict, Series or list of rows
            A DataFrame with the columns ``primary_key`` (or ``element_uuid``), ``value`` and, for
            another attribute than ``value``, ``attribute_name`` or ``attribute_id``; so rows of an
            inventory, or of :meth:`read`, with a column ``value`` will do. Or a dict or Series of
            values by element, or by ``(element, attribute)``.
        number_as_boolean : bool, default False
            Whether 0 and 1 will do for a Boolean.

        Returns
        -------
        WritePlan
            It shows itself as a table of old values, new values as they will be sent, and what
            every guard says; ``plan.apply()`` sends it, once.

        Raises
        ------
        WriteRefusedError
            If ``orders`` is nothing of that kind. What is wrong with single rows stands in the
            plan.
        NotFoundError
            If a row names no element or attribute.
        ConnectionLostError, DeadlineError
            If the present values cannot be read.

        Examples
        --------
        >>> from xentara_nb import simulate
        >>> with simulate() as plant, plant.connect(journal=False) as client:
        ...     plan = client.plan_writes({"Plant.Line 1.Set point": 195, "Plant.Line 1.Run": 1})
        >>> plan.frame[["old_value", "value", "change", "severity"]]
          old_value  value change severity
        0     210.0  195.0  -15.0       ok
        1      True   None   None  refused
        """
        return make_plan(
            self._write_context(), write_requests(orders), number_as_boolean=number_as_boolean
        )

    def subscribe(
        self,
        elements: ElementsLike,
        attributes: AttributeLike | Iterable[AttributeLike] = ("value", "quality"),
        *,
        maximum_update_rate: int | None = None,
        minimum_update_rate: int | None = None,
        desired_subscription_id: UUID | None = None,
    ) -> Subscription:
        """Subscribe to the changes of attributes (the manual's subscribe).

        Parameters
        ----------
        elements : element, or list, Series or DataFrame of elements
            What to watch. Rows of an inventory name their attribute too.
        attributes : attribute or iterable of attributes, default ("value", "quality")
            Which attributes, where the elements do not name them.
        maximum_update_rate : int, optional
            The shortest time between two events, in milliseconds.
        minimum_update_rate : int, optional
            The longest time between two events, in milliseconds.
        desired_subscription_id : uuid.UUID, optional
            The id that the subscription shall have; one that exists is replaced, and ends.

        Returns
        -------
        Subscription
            Gives the events; ends them when its ``with`` block is left.

        Raises
        ------
        UnknownElementError, NotFoundError
            If an element or attribute does not exist.
        """
        targets = _reading.targets(self._directory, element_references(elements), attributes)
        command = Subscribe(
            tuple(SubscriptionTarget(element, ids) for element, ids in targets),
            maximum_update_rate,
            minimum_update_rate,
            desired_subscription_id or uuid.uuid4(),
        )
        assert command.desired_subscription_id is not None
        subscription = Subscription(
            command.desired_subscription_id, command.targets, self.unsubscribe
        )
        # Before it is sent: the first event may be here before the answer is looked at.
        self._router.add(subscription)
        try:
            subscription_id = self._send_once(command, "subscribe")
        except BaseException:
            self._router.discard(subscription)
            raise
        self._router.confirm(subscription, subscription_id)
        return subscription

    def unsubscribe(self, subscription: Subscription | UUID) -> None:
        """End a subscription (the manual's unsubscribe).

        Raises
        ------
        UnknownSubscriptionIdError
            If there is no such subscription on this connection.
        """
        subscription_id = subscription if isinstance(subscription, UUID) else subscription.id
        self._send_once(Unsubscribe(subscription_id), "unsubscribe")
        self._router.remove(subscription_id)
