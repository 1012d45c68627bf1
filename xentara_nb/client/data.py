"""The part of the client that moves values: read, write, subscribe, unsubscribe."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from uuid import UUID

import pandas as pd

from xentara_nb import reading as _reading
from xentara_nb.client.core import ClientCore
from xentara_nb.coercion import coerce
from xentara_nb.directory import find_attribute
from xentara_nb.errors import WriteRefusedError
from xentara_nb.frames import values_frame, with_provenance
from xentara_nb.protocol.commands import Subscribe, SubscriptionTarget, Unsubscribe, Write
from xentara_nb.protocol.identifiers import Access
from xentara_nb.references import (
    AttributeLike,
    ElementLike,
    ElementsLike,
    attribute_reference,
    element_reference,
    element_references,
)
from xentara_nb.subscriptions import Subscription


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
        session: UUID | None = None,
        timeout: float | None = None,
    ) -> None:
        """Write one value, at most once (the manual's write).

        Parameters
        ----------
        element : element
            What to write to; a row of an inventory names its attribute too.
        value : object
            A Python, numpy or pandas scalar that fits the attribute's data type.
        attribute : attribute, default "value"
            Which attribute.
        session : uuid.UUID, optional
            A sub-session, whose rights are needed as well as those of the connection.
        timeout : float, optional
            How long to wait for the answer, in seconds; that of the client when left out.

        Raises
        ------
        WriteRefusedError
            If the client is read only, the attribute cannot be written, or the value does not
            fit. Nothing was sent.
        NotFoundError, UnknownElementError
            If there is no such element or attribute. Nothing was sent.
        WriteOutcomeUnknown
            If the answer was lost. The write may have taken effect and is never sent again: read
            the value to learn what became of it.
        ServerError
            If the server refused it, in the class of its error code.
        """
        reference = element_reference(element)
        self._refuse_if_read_only(f"write to {reference}")
        wanted = attribute_reference(attribute)
        if reference.attribute_id is not None and attribute == "value":
            wanted = reference.attribute_id
        element_uuid, answer = self._directory.element(reference)
        key = answer.primary_key or str(element_uuid)
        info = find_attribute(key, answer.attributes or (), wanted)
        what = f"write to {key} ({info.name})"
        if info.access == Access.READ_ONLY:
            raise WriteRefusedError(
                f"{what}: the attribute is read only; inventory.xentara.writable() shows what "
                "can be written"
            )
        try:
            plain = coerce(value, info.data_type)
        except WriteRefusedError as error:
            raise WriteRefusedError(f"{what}: {error}") from None
        self._send_once(Write(element_uuid, info.attribute_id, plain, session), what, timeout)

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
            The id that the subscription shall have.

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
            self._router.remove(subscription.id)
            raise
        subscription.id = subscription_id
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
