"""Languages of the pages: German, in which they are written, and English by a gettext catalog; numbers and dates."""

from __future__ import annotations

import io
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from zoneinfo import ZoneInfo

from babel import Locale, dates, numbers
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.support import NullTranslations, Translations

CATALOGS = Path(__file__).parent / "locale"
ZONE = ZoneInfo("Europe/Berlin")
_UNITS = ("Byte", "kB", "MB", "GB", "TB")


@dataclass(frozen=True)
class Language:
    """One language: its code, where its pages are, and how it writes."""

    code: str
    prefix: str
    locale: Locale

    @cached_property
    def translations(self) -> NullTranslations:
        """German is what templates are written in; what a catalog lacks stays German."""
        path = CATALOGS / f"{self.code}.po"
        if not path.is_file():
            return NullTranslations()
        compiled = io.BytesIO()
        with path.open("rb") as file:
            write_mo(compiled, read_po(file, locale=self.code))
        compiled.seek(0)
        return Translations(compiled)

    def number(self, value: float | None, digits: int = 1) -> str:
        """With at most so many decimal digits; a dash for nothing."""
        if value is None:
            return "–"
        return numbers.format_decimal(round(value, digits), locale=self.locale, decimal_quantization=False)

    def share(self, value: float | None) -> str:
        """A share, 0 to 1, in percent."""
        return "–" if value is None else numbers.format_percent(value, locale=self.locale)

    def size(self, value: float | None) -> str:
        """Bytes in the unit that fits."""
        if value is None:
            return "–"
        step = 0
        while value >= 1000 and step < len(_UNITS) - 1:
            value, step = value / 1000, step + 1
        return f"{self.number(value)} {_UNITS[step]}"

    def date(self, value: str | datetime | None) -> str:
        """A day, e.g. 1. November 2026."""
        return "–" if value is None else dates.format_date(_local(value), "long", locale=self.locale)

    def moment(self, value: str | datetime | None, form: str = "medium") -> str:
        """A point in time in local time, with its zone."""
        if value is None:
            return "–"
        local = _local(value)
        return f"{dates.format_datetime(local, form, locale=self.locale)} {local.tzname()}"

    def day(self, value: str | datetime | None) -> str:
        """A day in UTC, in short, e.g. 01.11.2026: for what begins and ends at midnight UTC."""
        if value is None:
            return "–"
        moment = datetime.fromisoformat(value) if isinstance(value, str) else value
        return dates.format_date(moment.astimezone(UTC), "medium", locale=self.locale)

    def utc_slot(self, value: str, step: str) -> str:
        """The beginning of an hour, a day or a month in UTC, e.g. 26.11., 13:00."""
        form = {"hour": {"de": "d.M., HH:mm", "en": "d MMM, HH:mm"}, "day": {"de": "EEE, d.M.", "en": "EEE d MMM"}}
        shape = form.get(step, {}).get(self.code, "MMMM y")
        return dates.format_datetime(datetime.fromisoformat(value).astimezone(UTC), shape, locale=self.locale)

    def slot(self, value: str | datetime) -> str:
        """A time within a week, e.g. Mo., 26.10., 03:00."""
        form = {"de": "EEE, d.M., HH:mm", "en": "EEE d MMM, HH:mm"}[self.code]
        return dates.format_datetime(_local(value), form, locale=self.locale)


DE = Language("de", "", Locale("de", "DE"))
EN = Language("en", "/en", Locale("en", "GB"))
LANGUAGES: Mapping[str, Language] = {language.code: language for language in (DE, EN)}


def language_of(path: str) -> Language:
    """The language of the page at this path."""
    return EN if path == EN.prefix or path.startswith(f"{EN.prefix}/") else DE


def _local(value: str | datetime) -> datetime:
    moment = datetime.fromisoformat(value) if isinstance(value, str) else value
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    try:
        return moment.astimezone(ZONE)
    except OverflowError:  # 9999-12-31T23:59:59Z, which stands for no end
        return moment
