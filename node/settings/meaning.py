"""What a setting says of itself, for the reference (docs/settings.md) and the chart's schema of values."""

from __future__ import annotations

from msgspec import Meta


class Secret:
    """Text that shows itself to nobody who does not ask for it."""

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        """The text itself."""
        return self._value

    def __repr__(self) -> str:
        return "Secret(…)"


def told(
    meaning: str,
    *,
    unit: str | None = None,
    default: str | None = None,
    more: str | None = None,
    secret: bool = False,
    ge: float | None = None,
    le: float | None = None,
) -> Meta:
    """The meaning of a setting, with bounds of a number.

    `default` says it in words where the value would not; `more` is a place in docs/; `secret`: the value is, or may
    hold, something that nobody else should read.
    """
    extra = {"unit": unit, "default": default, "more": more, "secret": secret}
    return Meta(description=meaning, extra=extra, ge=ge, le=le)


def count(
    meaning: str, *, unit: str | None = None, ge: int = 1, le: int | None = None, more: str | None = None
) -> Meta:
    """As `told`, of a whole number that is at least one."""
    return told(meaning, unit=unit, more=more, ge=ge, le=le)
