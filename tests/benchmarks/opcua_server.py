"""An OPC UA server: ``python -m tests.benchmarks.opcua_server VARIABLES`` prints its port."""

from __future__ import annotations

import asyncio
import logging
import socket
import sys


async def main(count: int) -> None:
    # Not at the top: the benchmarks that need no OPC UA run without asyncua.
    from asyncua import Server, ua

    logging.disable()
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    server = Server()
    await server.init()
    server.set_endpoint(f"opc.tcp://127.0.0.1:{port}")
    server.set_security_policy([ua.SecurityPolicyType.NoSecurity])
    await server.register_namespace("benchmark")
    for number in range(1, count + 1):
        await server.nodes.objects.add_variable(ua.NodeId(number, 2), f"Point {number}", number / 8)
    async with server:
        print(port, flush=True)
        await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1])))
