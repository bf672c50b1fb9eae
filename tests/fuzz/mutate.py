"""Good input with mistakes in it, of the kinds that parsers stumble over."""

from __future__ import annotations

import random

TOKENS = (
    b"", b"\0", b"\xff", b"\xed\xa0\x80", b"\r\n", b"\n\n", b"{}", b"[]", b"null", b"true", b"-1", b"1e999", b"0x1", b"NaN",
    b"99999999999999999999999999", b'"', b"\\u0000", b"\\ud800", b"%00", b"%ff", b"..", b"=", b"&", b";", b",", b":", b"#",
    b"[" * 2_000, b'{"a":' * 500, b"A" * 5_000, "ß𝒳\u202e".encode(), b"'", b"--", b"$", b"{{", b"/../",
)  # fmt: skip


def mutated(good: bytes, chance: random.Random) -> bytes:
    """One to four mistakes: bytes changed, taken out, doubled, swapped, put in."""
    data = bytearray(good)
    for _ in range(chance.randint(1, 4)):
        at = chance.randrange(len(data) + 1)
        end = min(len(data), at + chance.choice((1, 1, 2, 4, 16, 64)))
        match chance.randrange(6):
            case 0:
                data[at:end] = chance.choice(TOKENS)
            case 1:
                data[at:at] = chance.choice(TOKENS)
            case 2:
                del data[at:end]
            case 3:
                data[at:end] = data[at:end] * 2
            case 4 if at < len(data):
                data[at] ^= 1 << chance.randrange(8)
            case _:
                data = data[:at]
    return bytes(data)
