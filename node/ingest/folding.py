"""Folding of text into sort keys and local ids. Pure; the same input gives the same output on every machine."""

from __future__ import annotations

import hashlib
import re
import unicodedata

KEY_LENGTH = 80
_HASH_LENGTH = 10
# German dictionaries sort an umlaut like its base letter (DIN 5007-1).
_LIGATURES = str.maketrans(
    {"ß": "ss", "æ": "ae", "œ": "oe", "ø": "o", "đ": "d", "ł": "l", "ð": "d", "þ": "th", "ı": "i"}
)
_SPELT_OUT = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue"})
_CANONICAL_KEY = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")
_NOT_KEY = re.compile(r"[^a-z0-9]+")


def sort_key(text: str) -> str:
    """`text` folded for sorting: no case, no accents, `ß` as `ss`, white space collapsed.

    The database compares it byte by byte, so every city sorts in the same order, whatever its locale.
    """
    decomposed = unicodedata.normalize("NFKD", text.casefold().translate(_LIGATURES))
    bare = "".join(letter for letter in decomposed if not unicodedata.combining(letter))
    return " ".join(bare.casefold().split())


def local_id(identity: str) -> str:
    """The local part of a global id: `[a-z0-9-]`, at most 80 characters, the same for the same `identity`.

    An identity that already is such a key stays as it is (a UUID, `zaehlstelle-7`). Of anything else the readable end
    is kept and a digest of the whole is added, so two identities that read alike still have different keys.
    """
    identity = identity.strip()
    if len(identity) <= KEY_LENGTH and _CANONICAL_KEY.fullmatch(identity):
        return identity
    digest = hashlib.sha256(identity.encode("utf-8", "surrogatepass")).hexdigest()[:_HASH_LENGTH]
    readable = _slug(_last_segment(identity))[: KEY_LENGTH - _HASH_LENGTH - 1].strip("-")
    return f"{readable}-{digest}" if readable else f"id-{digest}"


def _slug(text: str) -> str:
    return _NOT_KEY.sub("-", sort_key(text.casefold().translate(_SPELT_OUT))).strip("-")


def _last_segment(identity: str) -> str:
    """The last part of an IRI's path; other text unchanged."""
    if "://" not in identity:
        return identity
    return re.split(r"[/#?]", identity.rstrip("/#?"))[-1]
