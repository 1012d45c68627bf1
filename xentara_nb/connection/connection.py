"""One connection to a server: a synchronous interface with a reader thread behind it.

A server pings its clients and drops those that do not answer, and a notebook is idle for minutes
between two cells. So a thread reads all the time: it answers pings, matches answers to requests
by their message id, and passes events on. Callers wait for their answers with one deadline. For a
moment behind an answer it rests, and they may read the next one themselves; see
:mod:`.reading_turn`.
"""

from __future__ import annotations

import _thread
import os
import threading
import time
import weakref
from collections.abc import Callable, Sequence
from typing import Any

import websocket

from xentara_nb.connection.address import ANSWERED_BEFORE, Address
from xentara_nb.connection.batch import Batch, UnreadableAnswerError
from xentara_nb.connection.credentials import Credentials
from xentara_nb.connection.deadline import Deadline
from xentara_nb.connection.handshake import handshake
from xentara_nb.connection.messages import CLOSE_TIMEOUT, MAX_MESSAGE
from xentara_nb.connection.probing import PROBE_TIMEOUT, Prober
from xentara_nb.connection.process_end import is_ending, running
from xentara_nb.connection.reading_turn import REST, ReadingTurn
from xentara_nb.connection.result_size import ResultSize
from xentara_nb.connection.stream import SendError, Stream
from xentara_nb.connection.tls import (
    GRACE,
    OpeningSocket,
    Trust,
    fingerprint_of,
    open_stream,
)
from xentara_nb.errors import (
    ConnectionLostError,
    DeadlineError,
    NotXentaraError,
    ProtocolError,
    ServerError,
    XentaraError,
)
from xentara_nb.latch import Latch
from xentara_nb.locking import Lock, locked
from xentara_nb.protocol.cbor import QUICK, stoppable
from xentara_nb.protocol.codec import encode_requests, first_answered
from xentara_nb.protocol.commands import Browse, ClientHello, Command, DataChange, GetStage
from xentara_nb.protocol.identifiers import PROTOCOL_VERSION, EventType
from xentara_nb.protocol.packets import Event, Failure, iterate_answers
from xentara_nb.protocol.secret import SecretBytes
from xentara_nb.protocol.text import safe

MAX_UNASKED = 16 * 1024 * 1024
"""The largest message that comes without having been asked for, events that is, in bytes."""

MAX_ANSWER = 1024 * 1024
"""How much larger each request makes the messages that are taken, in bytes; browse apart."""

_POLL = 0.01  # seconds
_SHORT = 0.0001  # seconds, in which another thread begins to run
_CATCH_UP = 1.0  # seconds


class Connection:
    """A connection, from :meth:`open` to :meth:`close`; safe from several threads.

    Its thread opens it, reads it and gives its socket back: only the main thread is interrupted,
    and no socket is ever in its hands.

    ``on_events`` is called with every message, and returns whether it took it, being one of events;
    ``on_event`` with every event of the others, and ``on_end`` with the reason when the connection
    ends, in that thread. They must not wait for answers: it is that thread which reads them. When
    ``owner`` is no more, there is no one who could close the connection, and it ends by itself.
    ``watched`` says whether someone waits for what the server sends by itself: then it is pinged
    when it has sent nothing for long; see :mod:`.probing`. ``answered_before`` says that the server
    did let this client in some time ago.
    """

    def __init__(
        self,
        address: Address,
        *,
        on_event: Callable[[DataChange], None] | None = None,
        on_events: Callable[[bytes], bool] | None = None,
        on_end: Callable[[XentaraError], None] | None = None,
        probe_timeout: float = PROBE_TIMEOUT,
        owner: weakref.ref[Any] | None = None,
        watched: Callable[[], bool] = lambda: False,
        answered_before: bool = False,
    ) -> None:
        self.address = address
        self.protocol_version = PROTOCOL_VERSION
        self.on_event = on_event
        self.on_events = on_events
        self.on_end = on_end
        self._probe_timeout = probe_timeout
        self._owner = owner
        self._watched = watched
        self._answered_before = answered_before
        self._opening = OpeningSocket()
        self._stream: Stream | None = None
        # The garbage collector may end the connection in the very thread that holds it.
        self._lock = Lock()
        self._turn = ReadingTurn()
        self._pending: dict[int, Batch] = {}  # by the first message id of each
        self._next_id = 1  # 0 is what a server answers when it cannot read the id
        self._browsed = False
        self._ended: XentaraError | None = None
        self._closing = False
        self._round_trip = 0.0
        self._prober: Prober | None = None
        self._process = os.getpid()
        self._opened = Latch()
        self._open_error: BaseException | None = None
        self._gone = Latch()
        self._thread: threading.Thread | None = None

    def open(self, credentials: Credentials, trust: Trust, deadline: Deadline) -> None:
        """Connect, log in and do the client hello, once; raises a ConnectError or DeadlineError.

        Also a ConnectionLostError, in threads that end with the process when it ends.
        """
        if is_ending():
            raise ConnectionLostError("the process ends")
        try:
            self._thread = threading.Thread(
                target=self._run,
                args=(credentials, trust, deadline),
                name=f"xentara {self.address.netloc}",
                daemon=True,
            )
            # An interrupt in the middle of Thread.start() would leave a thread that hangs.
            _thread.start_new_thread(self._start, ())
            opened = self._opened.wait(deadline.remaining + GRACE)
            if self._open_error is not None:
                raise self._open_error from None
            if not opened:
                raise deadline.error(f"{self.address.netloc} was not reached")
        except BaseException:
            self._closing = True
            self._end(ConnectionLostError("it was not opened"))
            self._gone.wait(GRACE)
            raise

    @property
    def ended(self) -> XentaraError | None:
        """Why the connection has ended; None while it is open."""
        if self._process != os.getpid():
            return ConnectionLostError("this connection belongs to the process that opened it")
        return self._ended

    @property
    def fingerprint(self) -> str | None:
        """The SHA-256 of the server's certificate; None without TLS."""
        certificate = None if self._stream is None else self._stream.certificate()
        return fingerprint_of(certificate) if certificate else None

    @property
    def silence(self) -> float:
        """For how long nothing has come, in seconds; this grows when the connection has ended."""
        if self._stream is None:
            return 0.0
        return self._stream.silence

    @property
    def round_trip(self) -> float:
        """The shortest time in which any message was answered, in seconds."""
        return self._round_trip

    @property
    def pending(self) -> int:
        """How many requests still wait for their answers."""
        with self._lock:
            return sum(batch.missing for batch in self._pending.values())

    def begin(self, commands: Sequence[Command[Any]], deadline: Deadline) -> Batch:
        """Send some commands in one message, without waiting for their answers.

        Raises a ProtocolError if a command cannot be sent, a ConnectionLostError if the connection
        has ended, and a DeadlineError if the server did not take them in time; unless nothing went
        out, that ends the connection.
        """
        self._leave_reading()
        size = len(commands)
        with self._lock:
            # Without any call, in which a signal handler could come and take the same ids.
            first_id = self._next_id
            self._next_id = first_id + size
        batch = Batch(commands, first_id)
        if batch.begins_with(Browse):
            self._browsed = True
        # It may hold the password of a sub-session.
        message = SecretBytes(encode_requests(batch.commands, batch.first_id))
        try:
            with self._lock:
                if (ended := self.ended) is not None:
                    raise ConnectionLostError(str(ended))
                if self._pending and self._turn.resting:
                    self._turn.call_back()
                self._pending[batch.first_id] = batch
            self._socket.send_message(message, deadline)
        except SendError as error:
            self.forget(batch)
            self._end(self._lost(f"sending failed: {error}"))
            if error.timed_out:
                raise deadline.error(self._not_taken(batch), sent=error.sent) from None
            raise ConnectionLostError(
                f"{self._not_taken(batch)}: {error}", sent=error.sent
            ) from None
        except TimeoutError:
            self.forget(batch)
            raise deadline.error(
                f"{self._not_taken(batch)}, for other threads were sending"
            ) from None
        except BaseException:
            self.forget(batch)
            raise
        return batch

    def finish(self, batch: Batch, deadline: Deadline, *, direct: bool = False) -> Sequence[Any]:
        """Wait for the answers of a batch; a :class:`ServerError` stands for each that failed.

        With ``direct`` this may read them without the connection's thread, as is right for those
        of commands that change nothing.

        Raises a DeadlineError if they are not there in time, a ConnectionLostError if the
        connection ended before, an UnreadableAnswerError if one is not what the manual says.
        """
        try:
            self._turn.wanted = direct
            if self._turn.resting and not (
                batch.complete or (direct and self._read_directly(batch, deadline))
            ):
                self._turn.call_back()
            if not batch.wait(deadline.remaining):
                what = f"{self.address.netloc} did not answer {batch.names}"
                if batch.unattributed_error is not None:
                    what += f" (it complained about something: {batch.unattributed_error.text})"
                if self._prober is not None:
                    self._prober.suspect()
                raise deadline.error(what, sent=True)
        finally:
            self.forget(batch)
        self._round_trip = min(self._round_trip, batch.age)
        if isinstance(batch.failure, ProtocolError):
            raise UnreadableAnswerError(str(batch.failure))
        if batch.failure is not None:
            raise ConnectionLostError(str(batch.failure), sent=True)
        return batch.results()

    def _leave_reading(self) -> None:
        """Let the thread read if this is a signal handler, and has interrupted one who would."""
        if not self._turn.give_up():
            raise DeadlineError(
                f"{self.address.netloc} was not asked: a signal handler has interrupted this "
                "thread while it was reading, which must end first"
            )

    def _read_directly(self, batch: Batch, deadline: Deadline) -> bool:
        """Read the answers of a batch in this very thread; return whether nothing else is to do."""
        hold = None
        try:
            hold = None if deadline.remaining < REST else self._turn.take()
            # The thread may have taken the answer in the moment before.
            if hold is None or batch.complete or self._socket.buffered:
                return False
            if not self._socket.wait(REST):
                return False
            hold.taking = True
            message = None if hold.revoked else self._socket.next_message()
            if message is None or first_answered(message) != batch.first_id:
                return False
            if not batch.take_all(message) and not batch.take_one(message):
                return False
            self._socket.drop_message()
        finally:
            # Without any call of Python code, in which an interrupt could come before it is done.
            if hold is not None:
                hold.taking = False
            try:
                self._turn.release()
            except RuntimeError:  # it is another thread's
                pass
            self._turn.drop()
        # What others have asked meanwhile is not read by them.
        return len(self._pending) == 1 and not self._socket.buffered

    def execute(self, commands: Sequence[Command[Any]], deadline: Deadline) -> Sequence[Any]:
        """Send some commands in one message, and wait for their results."""
        return self.finish(self.begin(commands, deadline), deadline) if commands else []

    def forget(self, batch: Batch) -> None:
        """Stop waiting for the answers of a batch; those that come late are ignored."""
        with self._lock:
            self._pending.pop(batch.first_id, None)

    @locked("_lock")
    def end_if_idle(self, reason: str) -> None:
        """End the connection, unless someone waits for an answer."""
        if not self._pending:
            self._end(self._lost(reason))

    def close(self, *, graceful: bool = True) -> None:
        """End the connection; if gracefully, with a close frame and a moment for its answer.

        Otherwise it does not wait: the thread gives the socket back as soon as it can.
        """
        if self._process != os.getpid():
            if self._stream is not None:
                self._stream.close()
            return
        waits = threading.current_thread() is not self._thread and self._thread is not None
        try:
            self._closing = True
            # A signal handler may have interrupted this thread while it reads: no other can then.
            waits = self._turn.give_up() and waits
            self._turn.call_back()
            if self._ended is None and graceful and self._opened.is_set:
                self._socket.send_close(websocket.STATUS_NORMAL, b"client closes")
                if waits:
                    self._gone.wait(CLOSE_TIMEOUT)
        finally:
            self._end(ConnectionLostError("the client has closed the connection"))
        if waits and graceful:
            self._gone.wait(CLOSE_TIMEOUT)

    def wait_ended(self, seconds: float) -> bool:
        """Wait until the connection has ended and its thread is done; return whether it is."""
        return self._process != os.getpid() or self._gone.wait(seconds)

    def catch_up(self) -> None:
        """See what has come while the thread rested: the server may have closed the connection."""
        if self._stream is None or not self._stream.behind:
            return
        self._leave_reading()
        # Not for ever: a server may send without end.
        end = Deadline(_CATCH_UP)
        while self.ended is None and not end.passed and self._something_came(self._stream):
            self._turn.call_back()
            time.sleep(_SHORT)

    def _something_came(self, stream: Stream) -> bool:
        """Whether the thread may not have taken yet all that came while it rested."""
        # If it still rests when the socket was looked at, it has not taken anything out of it.
        nothing = not stream.wait(0) and not self._socket.buffered and self._turn.resting
        return stream.behind and not nothing

    def wait_for_probe(self, deadline: Deadline) -> None:
        """Wait, if the connection is under suspicion, until it is clear whether it is alive."""
        if self._prober is not None:
            while self._prober.undecided and self._ended is None and not deadline.passed:
                self._prober.judge()
                time.sleep(_POLL)

    def _ask_for_stage(self) -> Batch:
        """Return a request for the stage, whose answer is waited for; it is not sent yet."""
        with self._lock:
            batch = Batch([GetStage()], self._next_id)
            self._next_id += 1
            self._pending[batch.first_id] = batch
        return batch

    def _end(self, error: XentaraError) -> None:
        """End the connection for a reason, the first one counts; its thread does the rest."""
        if self._closing:
            error = ConnectionLostError("the client has closed the connection")
        with self._lock:
            if self._ended is None:
                self._ended = error
        if self._stream is not None:
            self._stream.abort()
        self._opening.abort()
        self._turn.call_back()

    # The thread.

    def _start(self) -> None:
        assert self._thread is not None
        try:
            self._thread.start()
        except BaseException as error:
            self._open_error = error
            self._opened.set()
            self._gone.set()

    def _run(self, credentials: Credentials, trust: Trust, deadline: Deadline) -> None:
        """Open the connection, and read until its end."""
        running.add(self)
        self._turn.begin()
        try:
            try:
                stream = self._open(credentials, trust, deadline)
            except BaseException as error:
                self._open_error = error
                self._end(ConnectionLostError("it was not opened"))
                return
            finally:
                self._opened.set()
            stream.established(self._look_after)
            self._end(self._read(lambda: False) or ConnectionLostError("it was not read"))
        finally:
            self._finish()

    def _open(self, credentials: Credentials, trust: Trust, deadline: Deadline) -> Stream:
        before = self._answered_before
        self._stream = stream = open_stream(
            self.address, trust, deadline, self._opening, answered_before=before
        )
        self._socket = handshake(
            stream, self.address, credentials, deadline, answered_before=before
        )
        self._socket.largest = self._largest_message
        self._prober = Prober(
            stream,
            self._socket,
            self._probe_timeout,
            ask=self._ask_for_stage,
            forget=self.forget,
            end=lambda reason: self._end(self._lost(reason)),
        )
        netloc = self.address.netloc
        batch = self.begin([ClientHello()], deadline)
        error = self._read(lambda: batch.complete)
        if error is not None and deadline.passed:
            raise deadline.error(f"{netloc} did not answer client_hello")
        if error is None:
            self._round_trip = batch.age
            try:
                (answer,) = batch.results()
            except ProtocolError as problem:
                error = problem
        if isinstance(error, ConnectionLostError) and not before:
            raise NotXentaraError(
                f"{error}, before it had answered client_hello: it is starting or ending, or is no "
                "Xentara server"
            )
        if error is not None:
            raise NotXentaraError(
                f"{netloc} did not answer client_hello ({error}): {ANSWERED_BEFORE}"
                if before
                else f"{netloc} has a WebSocket, but is no Xentara server: {error}"
            )
        if isinstance(answer, ServerError):
            raise NotXentaraError(
                f"{netloc} does not take protocol version {PROTOCOL_VERSION}: {answer.text}"
            )
        if answer != PROTOCOL_VERSION:
            raise NotXentaraError(
                f"{netloc} chose protocol version {answer}, which was not offered: this version of "
                f"xentara_nb speaks version {PROTOCOL_VERSION}"
            )
        self.protocol_version = answer
        return stream

    def _finish(self) -> None:
        """Tell all that the connection has ended, and give its socket back."""
        error = self._ended or self._lost("it was not read any more")
        with self._lock:
            self._ended = error
            batches = list(self._pending.values())
            self._pending.clear()
        try:
            if self.on_end is not None and self._open_error is None:
                self.on_end(error)
        finally:
            for batch in batches:
                batch.fail(error)
            if self._stream is not None:
                self._stream.close()
            self._gone.set()
            running.discard(self)

    def _look_after(self) -> None:
        """See whether there is still something to read for; called also while nothing comes."""
        self._socket.send_pongs()
        if self._prober is not None:
            self._prober.judge()
            # Who waits for an answer has a deadline of their own, and a server may be slow to
            # answer: only what the server sends by itself is missed by no one else.
            self._prober.probe_if_quiet(lambda: not self._pending and self._watched())
        if self._owner is not None and self._owner() is None:
            self._end(ConnectionLostError("the client is no more"))
        if self._closing:  # and the server takes its time to answer, or closing was interrupted
            self._end(ConnectionLostError("the client has closed the connection"))
        if self._ended is not None:
            raise self._ended

    def _read(self, done: Callable[[], bool]) -> XentaraError | None:
        """Read until something is done, or the end; return why it ended."""
        try:
            while not done():
                if self._ended is not None and self._stream is not None:
                    # What has come before is still taken: it may be the answer to a write.
                    self._stream.abort()
                opcode, data = self._socket.recv_data()
                if opcode == websocket.ABNF.OPCODE_BINARY:
                    self._take(data)
                    if self._turn.wanted and not self._needed() and not self._socket.buffered:
                        self._rest()
                elif opcode == websocket.ABNF.OPCODE_CLOSE:
                    return ConnectionLostError(_close_text(self.address, data))
                else:
                    raise ProtocolError("a text message")
        except (ProtocolError, websocket.WebSocketProtocolException) as problem:
            return ProtocolError(
                f"{self.address.netloc} sent what no Xentara server sends: {problem}"
            )
        # Any end of this thread must end the connection, or callers would wait in vain.
        except Exception as problem:
            return self._ended or self._lost(_reason(problem))
        return None

    def _rest(self) -> None:
        if self._stream is not None:
            self._stream.behind = True
        self._turn.rest(self._needed)

    def _needed(self) -> bool:
        """Whether something may come that no one would read but the thread, or all is to end."""
        return bool(self._pending) or self._closing or self._ended is not None or self._watched()

    def _largest_message(self) -> int:
        """Return the size of the largest message that can be the answer to what was asked.

        Answers may come after their deadline, so all requests of the connection count.
        """
        return MAX_MESSAGE if self._browsed else MAX_UNASKED + MAX_ANSWER * self._next_id

    def _lost(self, reason: str) -> ConnectionLostError:
        return ConnectionLostError(f"the connection to {self.address.netloc} was lost: {reason}")

    def _not_taken(self, batch: Batch) -> str:
        return f"{self.address.netloc} did not take {batch.names}"

    def _take(self, data: bytes) -> None:
        if len(data) <= QUICK:  # it takes no time, and may be the answer to a write
            self._take_answers(data)
        else:
            with stoppable(self._closed):
                self._take_answers(data)

    def _closed(self) -> bool:
        return self._closing and self._ended is not None

    def _take_answers(self, data: bytes) -> None:
        if self.on_events is not None and self.on_events(data):
            return
        if self._take_all(data):
            return
        results: dict[int, Any] = {}
        error: ServerError | None = None
        batch: Batch | None = None  # most answers of a message are those of one
        # Each is parsed at once: what it was decoded into takes far more memory. None counts
        # before all of the message is known to be well-formed.
        size = ResultSize(len(data))
        for answer in iterate_answers(data, long_items=True):
            if isinstance(answer, Event):
                self._take_event(answer)
                continue
            if batch is None or not batch.awaits(answer.message_id):
                batch = self._batch_of(answer.message_id)
            if batch is None:
                if isinstance(answer, Failure):
                    error = answer.error
            elif answer.message_id not in results:
                results[answer.message_id] = result = batch.parse(answer)
                size.add(result)
        batch = None
        for message_id, result in results.items():
            if batch is None or not batch.awaits(message_id):
                batch = self._batch_of(message_id)
            if batch is not None:
                batch.take(message_id, result)
                if batch.complete:
                    self.forget(batch)
        if error is not None:
            with self._lock:
                waiting = list(self._pending.values())
            for batch in waiting:
                batch.unattributed_error = error

    @locked("_lock")
    def _batch_of(self, message_id: int) -> Batch | None:
        """Return the batch that waits for an answer, if there is one."""
        for batch in self._pending.values():
            if batch.awaits(message_id):
                return batch
        return None

    def _take_all(self, data: bytes) -> bool:
        """Give a message to the batch that it answers, if that can take it as a whole."""
        first = first_answered(data)
        if first is None:
            return False
        with self._lock:
            batch = self._pending.get(first)
        if batch is None or not batch.take_all(data):
            return False
        self.forget(batch)
        return True

    def _take_event(self, event: Event) -> None:
        # Types that this version does not know are ignored: a newer server may send them.
        if self.on_event is not None and event.event_type == EventType.DATA_CHANGE:
            self.on_event(DataChange.from_event(event))


def _reason(error: BaseException) -> str:
    """Return in one line what happened."""
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return " ".join(str(error).split())[:200] or type(error).__name__


def _close_text(address: Address, data: bytes) -> str:
    code = int.from_bytes(data[:2], "big") if len(data) >= 2 else 1005
    reason = safe(data[2:].decode("utf-8", "replace"))
    return f"{address.netloc} closed the connection (code {code}{': ' if reason else ''}{reason})"
