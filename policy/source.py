"""Where in a policy text: Cedar's reasons come without a line, and its parser has no bound on nesting.

Read before Cedar does, because text nested some hundred levels deep overflows the parser's stack and ends the process.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass

from cedarpy import PolicySet, pst

from policy.errors import PolicyError

MAX_BYTES = 1_000_000
MAX_POLICIES = 1_000
MAX_DEPTH = 40  # brackets within brackets
MAX_OPERATORS = 300  # in one policy: `a && b && c` nests as well, and so does `a["b"]["c"]`
MAX_REASON = 500  # characters: Cedar quotes names and types in full

_TOKEN = re.compile(
    r"""(?P<space>\s+|//[^\r\n]*) | "(?:[^"\\]|\\.)*" | (?P<word>\w+) | ::|&&|\|\||[=!<>]= | [!-/:-~]""",
    re.VERBOSE | re.DOTALL,
)
_LINE_END = re.compile(r"\r\n?|\n")  # as in Cedar, where a lone \r ends a comment, too
_NOT_CEDAR = frozenset("\"#$&'^`|~\\")
_PLAIN = frozenset(["::", ":", ",", ";", "@", *"()]{}"])  # not `[`, which may be an index
_OPERATOR_WORDS = frozenset({"if", "has", "like", "in", "is"})
_QUOTED = re.compile(r"`([^`]+)`|: (\w+)$")
_INCOMPLETE = "unexpected end of input"


@dataclass(frozen=True, slots=True)
class _Token:
    text: str
    start: int
    end: int
    is_word: bool


class Source:
    """The text of a file, cut into its policies. `name` is the file's, as errors name it.

    Raises:
        PolicyError: the text is too large, nests too deeply, or has a character that Cedar does not know.
    """

    def __init__(self, name: str, text: str) -> None:
        self.name = name
        self.text = text
        try:
            size = len(text.encode())
        except UnicodeEncodeError as error:
            raise self.error(self._line(error.start), "is not valid Unicode") from None
        if size > MAX_BYTES:
            raise PolicyError(f"{name}: is larger than {MAX_BYTES:,} bytes")
        self._policies = list(self._cut())
        if len(self._policies) > MAX_POLICIES:
            raise self.error(self.line_of(MAX_POLICIES), f"holds more than {MAX_POLICIES:,} policies")
        for number, tokens in enumerate(self._policies):
            self._check_nesting(number, tokens)

    def error(self, line: int | None, reason: str) -> PolicyError:
        """The error to raise, with file, line and reason."""
        if len(reason) > MAX_REASON:
            reason = f"{reason[:MAX_REASON]}…"
        return PolicyError(f"{self.name}: {reason}" if line is None else f"{self.name}:{line}: {reason}")

    def line_of(self, policy: int, reason: str = "") -> int | None:
        """The line of a policy, counted from 0; if the reason quotes a word of it, the line of that word."""
        if not 0 <= policy < len(self._policies):
            return None
        tokens = self._policies[policy]
        for match in _QUOTED.finditer(reason):
            word = match[1] or match[2]
            for token in tokens:
                if token.text in (word, f'"{word}"'):
                    return self._line(token.start)
        return self._line(tokens[0].start)

    def parse(self) -> tuple[PolicySet, pst.PolicySet]:
        """Cedar's own reading of the text, and its tree.

        Raises:
            PolicyError: it does not parse.
        """
        try:
            policies = PolicySet.from_str(self.text)
            return policies, policies.to_pst()
        except ValueError as error:
            raise self._located(_plain(error)) from None

    def _located(self, reason: str) -> PolicyError:
        for number, tokens in enumerate(self._policies):
            first, last = tokens[0].start, tokens[-1].end
            found = _reason(self.text[first:last])
            if found is None:
                continue
            if found == _INCOMPLETE:
                line: int | None = self._line(tokens[-1].start)
                found += "; a policy ends with `;`"
            elif found.startswith("unexpected token"):
                line = self._line_of_unexpected(tokens)
            else:
                line = self.line_of(number, found)
            return self.error(line, f"does not parse: {found}")
        return self.error(None, f"does not parse: {reason}")

    def _line_of_unexpected(self, tokens: list[_Token]) -> int:
        """The token that Cedar names may occur often: meant is the one that ends the shortest text that is refused."""
        first = tokens[0].start

        def is_refused(token: _Token) -> int:
            return int(_reason(self.text[first : token.end]) not in (None, _INCOMPLETE))

        return self._line(tokens[bisect_left(tokens, 1, hi=len(tokens) - 1, key=is_refused)].start)

    def _cut(self) -> Iterator[list[_Token]]:
        tokens: list[_Token] = []
        position = 0
        while position < len(self.text):
            match = _TOKEN.match(self.text, position)
            if match is None or match[0] in _NOT_CEDAR:
                what = "a string that does not end" if self.text[position] == '"' else repr(self.text[position])
                raise self.error(self._line(position), f"does not parse: invalid token, {what}")
            position = match.end()
            if match["space"] is None:
                tokens.append(_Token(match[0], match.start(), match.end(), match["word"] is not None))
                if match[0] == ";":
                    yield tokens
                    tokens = []
        if tokens:
            yield tokens

    def _check_nesting(self, number: int, tokens: list[_Token]) -> None:
        depth = operators = 0
        for token in tokens:
            if token.text in ("(", "[", "{"):
                depth += 1
            elif token.text in (")", "]", "}"):
                depth -= 1
            if token.text in _OPERATOR_WORDS or not (
                token.is_word or token.text in _PLAIN or token.text.startswith('"')
            ):
                operators += 1
            if depth > MAX_DEPTH:
                raise self.error(self._line(token.start), f"brackets nest deeper than {MAX_DEPTH} levels")
        if operators > MAX_OPERATORS:
            raise self.error(
                self.line_of(number),
                f"the policy has more than {MAX_OPERATORS} operators; split it, or ask a set: [...].contains()",
            )

    def _line(self, position: int) -> int:
        return sum(1 for _ in _LINE_END.finditer(self.text, 0, position)) + 1


def _reason(text: str) -> str | None:
    try:
        PolicySet.from_str(text).to_pst()
    except ValueError as error:
        return _plain(error)
    return None


def _plain(error: ValueError) -> str:
    return str(error).removeprefix("cedarpy: ")
