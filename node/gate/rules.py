"""The rules that are in force: read from the city's folder, and again when a file there changes.

A set is taken as a whole or not at all: if a file is not valid, or an expectation is not met, the set before stays in
force and the reason is logged. At the start there is none before, so the node does not start.
"""

from __future__ import annotations

import logging
import time
from pathlib import Path

from policy.errors import PolicyError
from policy.expectations import NAME, failures, read_expectations
from policy.rules import RuleSet

LOOK_AGAIN_S = 1.0
SUFFIX = ".cedar"
MAX_BYTES = 1_000_000

log = logging.getLogger("verbund.policy")
_State = tuple[tuple[str, int, int], ...]


class CityRules:
    """The federation's rules with those of a city's folder.

    Raises:
        PolicyError: at the start, a file is not valid; with name, line and reason.
    """

    def __init__(self, directory: Path, city: str) -> None:
        self._directory = directory
        self._city = city
        self._state = _state(directory)
        self._rules = load_rules(directory, city)
        self._look_at = time.monotonic() + LOOK_AGAIN_S

    def current(self) -> RuleSet:
        """The rules in force; another object when they have changed."""
        if time.monotonic() >= self._look_at:
            self._look()
        return self._rules

    def _look(self) -> None:
        state = _state(self._directory)
        if state != self._state:
            try:
                self._rules = self._reloaded(state)
                log.info("policy %s is in force", self._rules.version)
            except PolicyError as error:
                log.error("policy %s stays in force: %s", self._rules.version, error)  # noqa: TRY400 - not our fault
            self._state = state
        self._look_at = time.monotonic() + LOOK_AGAIN_S

    def _reloaded(self, state: _State | None) -> RuleSet:
        if state is None:  # while it is put in place anew, say, the city's prohibitions must not be left out
            raise PolicyError(f"{self._directory} is gone; an empty one says that the city has no rules")
        return load_rules(self._directory, self._city)


def load_rules(directory: Path, city: str) -> RuleSet:
    """The federation's rules with those in the folder, if there are any, and the expectations checked.

    Raises:
        PolicyError: a file is not valid, with name, line and reason; or the expectations that are not met.
    """
    rules = RuleSet.load_files({file.name: _text(file) for file in _files(directory) if file.suffix == SUFFIX})
    table = directory / NAME
    if table.is_file() and (unmet := failures(read_expectations(_text(table)), rules, city)):
        raise PolicyError("\n".join(unmet))
    return rules


def _files(directory: Path) -> list[Path]:
    try:
        return sorted(file for file in directory.iterdir() if file.suffix == SUFFIX or file.name == NAME)
    except FileNotFoundError:
        return []
    except OSError as error:
        raise PolicyError(f"{directory} can't be read: {error.strerror}") from None


def _state(directory: Path) -> _State | None:
    """What tells that a file has changed; of what can't be looked at, nothing. None: there is no folder.

    The time is that of any change: what puts files in place may keep the time at which they were written, and what can
    be read now may have been there before.
    """
    if not directory.exists():
        return None
    try:
        return tuple((file.name, (stat := file.stat()).st_ctime_ns, stat.st_size) for file in _files(directory))
    except (OSError, PolicyError):
        return ()


def _text(file: Path) -> str:
    try:
        if file.stat().st_size > MAX_BYTES:
            raise PolicyError(f"{file} is larger than {MAX_BYTES:,} bytes")
        return file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise PolicyError(f"{file} can't be read as UTF-8 text: {error}") from None
