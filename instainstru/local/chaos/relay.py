"""Brings connections from one address to another: `python -m instainstru.local.chaos.relay ADDRESS=ADDRESS …`.

The servers listen on loopback alone. A machine with a network of its own reaches them through this, on the address of
our end of its cable. No Django here.
"""

from __future__ import annotations

import asyncio
import contextlib
import sys

CHUNK = 65_536  # bytes
READY = "relay is listening"


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(ConnectionError):
        while part := await reader.read(CHUNK):
            writer.write(part)
            await writer.drain()
    writer.close()


async def _bring(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, target: str) -> None:
    host, _, port = target.rpartition(":")
    try:
        beyond, answer = await asyncio.open_connection(host, int(port))
    except OSError:
        writer.close()  # nobody listens there now
        return
    await asyncio.gather(_pump(reader, answer), _pump(beyond, writer))


async def _relay(pairs: list[str]) -> None:
    servers = []
    for pair in pairs:
        listen, _, target = pair.partition("=")
        host, _, port = listen.rpartition(":")
        servers.append(
            await asyncio.start_server(lambda r, w, to=target: _bring(r, w, to), host, int(port))  # type: ignore[misc]
        )
    print(READY, flush=True)
    await asyncio.gather(*(server.serve_forever() for server in servers))


if __name__ == "__main__":
    asyncio.run(_relay(sys.argv[1:]))
