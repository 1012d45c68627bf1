"""The WebSocket server, in a thread of its own: it runs the plant and serves the connections."""

from __future__ import annotations

import _thread
import asyncio
import atexit
import itertools
import logging
import math
import queue
import ssl
import threading
import time
import weakref
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from typing import Any, TypeAlias, cast

from websockets.asyncio.server import Server as WebSocketServer
from websockets.asyncio.server import serve
from websockets.exceptions import ConnectionClosed
from websockets.frames import CloseCode
from websockets.http11 import Request, Response

from xentara_nb.latch import STEP, Latch, take
from xentara_nb.protocol.errors import XentaraError
from xentara_nb.protocol.identifiers import Stage
from xentara_nb.simulator.config.configuration import HttpServer
from xentara_nb.simulator.plant.plant import Plant
from xentara_nb.simulator.security.access import Principal
from xentara_nb.simulator.server.dispatcher import Dispatcher
from xentara_nb.simulator.server.handshake import (
    CONNECTION_LOG,
    WebSocketConnection,
    process_request,
    process_response,
    select_subprotocol,
)
from xentara_nb.simulator.server.listener import Connections, Listener, listeners
from xentara_nb.simulator.server.session import Service, Session
from xentara_nb.simulator.server.subscriptions import Subscriptions
from xentara_nb.simulator.server.transport import Transport

_log = logging.getLogger(__name__)

_OPEN_TIMEOUT = 10.0
_CLOSE_TIMEOUT = 1.0
_STOP_TIMEOUT = 2.0
_CALL_TIMEOUT = 30.0
_POLL = 0.25  # until a stop is seen of which an interrupt has left no more than the wish
_LONGEST_WAIT = 3600.0
_LAST_ROUNDS = 10
_MAX_QUEUE = (1, 0)  # frames of a client that wait while one of its messages is answered
_BACKLOG = 1024  # connections that the system keeps until they are accepted
_REST = 0.001
_LONGEST_SLEEP = 60.0  # until a token is over; the clock may be set meanwhile

_Address: TypeAlias = tuple[str, int]


class SimulatorError(XentaraError):
    """The simulator cannot be started, or does not run."""


_running: weakref.WeakSet[ServerThread] = weakref.WeakSet()
"""The servers that were started."""


@atexit.register
def _stop_all() -> None:
    """End the servers that still run while Python still runs all of its threads."""
    servers = list(_running)
    for server in servers:
        server.begin_to_stop()
    for server in servers:
        server.stop()


class ServerThread:
    """A running server, on a port, or on any free one for port 0.

    The options are those of ``websockets`` about pings and the size of messages; ``ping_timeout``
    is also how long a client may read nothing at all. Where ``stopping`` is set, it ends by itself.
    """

    def __init__(
        self,
        service: Service,
        settings: HttpServer,
        context: ssl.SSLContext,
        host: str,
        port: int,
        options: Mapping[str, Any],
    ) -> None:
        self._service = service
        self._settings = settings
        self._context = context
        self._host = host
        self._port = port
        self._options = options
        self._connections = Connections(service.limits.pending_connections)
        self._numbers = itertools.count(1)
        self.stopping = False
        self._loop: asyncio.AbstractEventLoop | None = None
        self._woken = asyncio.Event()
        self._serves = False
        self._started: queue.SimpleQueue[_Address | BaseException] = queue.SimpleQueue()
        self._gone = Latch()
        self._thread = threading.Thread(target=self._main, name="simulator", daemon=True)

    def start(self) -> tuple[str, int]:
        """Start serving and return the address; raises SimulatorError if it is taken.

        Interrupted, it has stopped, or does so by itself.
        """
        try:
            _running.add(self)
            # An interrupt in the middle of Thread.start() would leave a thread that hangs.
            _thread.start_new_thread(self._start, ())
            started = take(self._started)
            if isinstance(started, BaseException):
                raise started
        except OSError as error:
            self._gone.wait(_STOP_TIMEOUT)
            raise SimulatorError(
                f"cannot listen on {self._host}, port {self._port}: {error.strerror or error}. "
                "Choose another port, or port 0 for any free one."
            ) from None
        except BaseException:
            self.stopping = True
            raise
        return started

    def stop(self) -> None:
        """Close all connections and end the thread; takes a few seconds at the most.

        Interrupted, the thread ends by itself.
        """
        try:
            self.begin_to_stop()
            self._gone.wait(3 * _STOP_TIMEOUT)
        finally:
            self.stopping = True

    def begin_to_stop(self) -> None:
        """Close all connections and end the thread, without waiting for that."""
        self.stopping = True
        if self._loop is not None:
            with suppress(RuntimeError):  # the loop may have ended by itself
                self._loop.call_soon_threadsafe(self._woken.set)

    def wait(self, timeout: float | None = None) -> bool:
        """Wait until the server has ended by itself; False if it still runs after the time-out."""
        while timeout is None and not self._gone.wait(STEP):
            pass
        return self._gone.wait(timeout or 0.0)

    def call(self, function: Callable[[], Any]) -> Any:
        """Run a function between two steps of the server, and return what it returns."""
        loop = self._loop
        if loop is None or threading.current_thread() is self._thread:
            return function()
        # No Future: an interrupt here, while its lock is taken, would stop the server for ever.
        results: queue.SimpleQueue[tuple[Any, BaseException | None]] = queue.SimpleQueue()

        def run() -> None:
            try:
                results.put((function(), None))
            except BaseException as error:
                results.put((None, error))

        try:
            loop.call_soon_threadsafe(run)
        except RuntimeError:
            # The server has ended meanwhile, so nothing else runs.
            return function()
        try:
            result, error = take(results, time.monotonic() + _CALL_TIMEOUT)
        except queue.Empty:
            raise TimeoutError(f"the server was busy for {_CALL_TIMEOUT:.0f} s") from None
        if error is not None:
            try:
                raise error
            finally:
                del error  # its traceback has this frame
        return result

    def _start(self) -> None:
        try:
            self._thread.start()
        except BaseException as error:
            self._started.put(error)
            self._gone.set()

    def _main(self) -> None:
        try:
            asyncio.run(self._run())
        except BaseException as error:
            if self._serves:
                _log.exception("the server has failed")
            else:
                self._started.put(error)
        finally:
            self._gone.set()

    async def _run(self) -> None:
        self._loop = asyncio.get_running_loop()
        # What is slow and comes from a client: large messages, tokens, certificates.
        workers = ThreadPoolExecutor(2, thread_name_prefix="simulator-worker")
        self._loop.set_default_executor(workers)
        servers: list[WebSocketServer] = []
        try:
            for listener in listeners(self._connections, self._host, self._port):
                servers.append(await self._listen(listener))
            host, port = next(iter(servers[0].sockets)).getsockname()[:2]
            pipelines = asyncio.create_task(_run_pipelines(self._service.plant))
            self._serves = True
            self._started.put((host, port))
            while not self.stopping:
                await _wait(self._woken, _POLL)
            pipelines.cancel()
        finally:
            await self._close(servers)
            workers.shutdown(wait=False, cancel_futures=True)

    async def _listen(self, listener: Listener) -> WebSocketServer:
        return await serve(
            cast(Any, self._serve_client),
            sock=listener,
            ssl=self._context,
            create_connection=cast(Any, partial(WebSocketConnection, faults=self._service.faults)),
            process_request=cast(Any, self._process_request),
            process_response=process_response,
            select_subprotocol=select_subprotocol,
            server_header="Xentara-simulator",
            # Compressing costs more time than it saves on a local network.
            compression=None,
            open_timeout=_OPEN_TIMEOUT,
            close_timeout=_CLOSE_TIMEOUT,
            # A client that sends more than is answered waits for its answers.
            max_queue=_MAX_QUEUE,
            backlog=_BACKLOG,
            logger=CONNECTION_LOG,
            **self._options,
        )

    async def _process_request(
        self, connection: WebSocketConnection, request: Request
    ) -> Response | None:
        sock = connection.transport.get_extra_info("socket")
        if sock is not None:  # else the client has gone meanwhile, and no answer is sent
            self._connections.activate(sock.fileno())
        return await process_request(
            self._service, self._settings.authentication, connection, request
        )

    async def _serve_client(self, connection: WebSocketConnection) -> None:
        """Answer one client's messages until its connection ends, and send it its events."""
        user = connection.principal.name
        self._service.connections[user] += 1
        try:
            await self._converse(connection)
        finally:
            self._service.connections[user] -= 1

    async def _converse(self, connection: WebSocketConnection) -> None:
        service = self._service
        session = Session(service, connection.principal, next(self._numbers))
        dispatcher = Dispatcher(session)
        transport = Transport(connection, service.faults, self._options["ping_timeout"])
        tasks = [asyncio.create_task(_send_events(transport, session.subscriptions))]
        if connection.principal.expires < math.inf:
            tasks.append(asyncio.create_task(_end_with_token(connection, connection.principal)))
        try:
            while True:
                data = await _receive(connection, service.limits.fragments)
                if not transport.receive(len(data)):
                    break
                answer = await dispatcher.answer(data)
                if answer is not None:
                    await transport.send(answer)
                session.subscriptions.activate_new()
                if service.plant.stage is Stage.SHUTDOWN:
                    self.begin_to_stop()
        except ConnectionAbortedError:
            transport.abort()
        except ConnectionClosed:
            _log.debug("a connection of %s has ended", connection.principal.name)
        finally:
            for task in tasks:
                task.cancel()
            session.subscriptions.clear()
            transport.close()

    async def _close(self, servers: Sequence[WebSocketServer]) -> None:
        """End the servers in a bounded time, even if clients do not end their connections."""
        for server in servers:
            server.close()
        if not await _all_closed(servers):
            _log.debug("some connections do not end by themselves")
        self._connections.end_all()
        if not await _all_closed(servers):
            _log.warning("some connections did not end in time")
        # The transports notify their protocols of the end in the loop's next rounds.
        for _ in range(_LAST_ROUNDS):
            await asyncio.sleep(0)


async def _all_closed(servers: Sequence[WebSocketServer]) -> bool:
    """Wait for the end of servers that have been closed; False if it takes too long."""
    try:
        async with asyncio.timeout(_STOP_TIMEOUT):
            for server in servers:
                await server.wait_closed()
    except TimeoutError:
        return False
    return True


async def _end_with_token(connection: WebSocketConnection, principal: Principal) -> None:
    """End a connection when the token that it was made with is over."""
    while not principal.has_expired():
        await asyncio.sleep(min(principal.expires - time.time(), _LONGEST_SLEEP))
    await connection.close(CloseCode.POLICY_VIOLATION, "the token has expired")


async def _receive(connection: WebSocketConnection, max_fragments: int) -> bytes:
    """Return the next message; raises ConnectionClosed."""
    fragments: list[bytes] = []
    async for fragment in connection.recv_streaming(decode=False):
        fragments.append(fragment)
        if len(fragments) > max_fragments:
            # An empty fragment counts for nothing in the size of a message, but takes memory.
            reason = f"a message has at most {max_fragments} fragments"
            await connection.close(CloseCode.MESSAGE_TOO_BIG, reason)
    return b"".join(fragments)


async def _run_pipelines(plant: Plant) -> None:
    """Run the plant's pipelines when they are due."""
    execution = plant.execution
    woken = asyncio.Event()
    execution.wake = woken.set
    while True:
        woken.clear()
        due = execution.next_due()
        wait = None if due is None else (due - plant.clock().nanoseconds) / 1e9
        if wait is None or wait > 0:
            await _wait(woken, wait)
        try:
            for _ in execution.run(plant.clock):
                await asyncio.sleep(0)
        except Exception:
            _log.exception("a task of the plant failed")
        # Pipelines that trigger each other in a circle must leave time for everything else.
        await asyncio.sleep(_REST)


async def _send_events(transport: Transport, subscriptions: Subscriptions) -> None:
    """Send a client its events until the connection ends."""
    woken = asyncio.Event()
    subscriptions.wake = woken.set
    try:
        while True:
            message, wait = subscriptions.take()
            if message is not None:
                # While a slow reader is waited for, changes are merged and nothing piles up.
                await transport.send(message)
                await asyncio.sleep(0)
                continue
            woken.clear()
            await _wait(woken, wait)
    except ConnectionClosed:
        _log.debug("the connection that events were sent to has ended")


async def _wait(woken: asyncio.Event, seconds: float | None) -> None:
    """Wait until an event is set, or some seconds are over."""
    with suppress(TimeoutError):
        async with asyncio.timeout(None if seconds is None else min(seconds, _LONGEST_WAIT)):
            await woken.wait()
