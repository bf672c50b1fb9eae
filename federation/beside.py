"""Work on bytes of any size, which does not hold up the event loop where they are many."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from hashlib import sha256
from typing import TypeVar

BytesLike = bytes | memoryview
Bytes = TypeVar("Bytes", bound=BytesLike)
Result = TypeVar("Result")

# Bytes: hashed in half a millisecond, compressed in a few. Smaller ones are not worth a thread: on a busy node it waits
# for its turn, up to 5 ms on its way there and as long on the way back.
MANY = 1_000_000


async def beside(work: Callable[[Bytes], Result], content: Bytes) -> Result:
    """The work on the content; on many bytes in a thread, beside the event loop."""
    return work(content) if len(content) < MANY else await asyncio.to_thread(work, content)


async def sha256_of(content: BytesLike) -> bytes:
    """The digest of content of any size."""
    return await beside(_sha256, content)


def _sha256(content: BytesLike) -> bytes:
    return sha256(content).digest()
