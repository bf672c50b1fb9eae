"""A server that gives one constant answer at once: what remains of a request then is the load client's own cost."""

from __future__ import annotations

import asyncio
import sys
from typing import cast

import uvloop

BODY = b'{"data":' + b"0" * 1015 + b"}"
ANSWER = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%b" % (len(BODY), BODY)


class _Constant(asyncio.Protocol):
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # uvloop's is none by inheritance

    def data_received(self, data: bytes) -> None:  # a request of this benchmark comes in one piece
        self._transport.write(ANSWER)


async def serve(port: int) -> None:
    """Until the process is ended."""
    server = await asyncio.get_running_loop().create_server(_Constant, "127.0.0.1", port)
    await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(serve(int(sys.argv[1])))
