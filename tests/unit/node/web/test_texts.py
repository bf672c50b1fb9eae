"""Every text of the pages has an English form, and both languages write numbers and dates as they should."""

from __future__ import annotations

import re
from datetime import UTC, datetime

import pytest

from node.web.catalog import read_catalog, texts
from node.web.i18n import DE, EN, language_of


def strings(message) -> list[str]:
    return [message.string] if isinstance(message.string, str) else list(message.string)


def test_the_catalog_has_all_texts_and_no_others():
    wanted = {message.id for message in texts() if message.id}
    translated = {message.id for message in read_catalog("en") if message.id and all(strings(message))}
    assert wanted - translated == set(), "run `make texts` and translate these"
    assert translated - wanted == set(), "run `make texts`: these are shown nowhere"
    assert len(wanted) > 200


def test_a_translation_keeps_the_places_of_values():
    for message in read_catalog("en"):
        forms = [message.id] if isinstance(message.id, str) else message.id
        for form, text in zip(forms, strings(message), strict=True):
            if message.id:
                assert set(re.findall(r"%\(\w+\)\w", text)) == set(re.findall(r"%\(\w+\)\w", form)), form


def test_german_is_what_templates_say_and_english_comes_from_the_catalog():
    assert DE.translations.gettext("Datensätze") == "Datensätze"
    assert EN.translations.gettext("Datensätze") == "Datasets"
    assert EN.translations.ngettext("%(n)s Datensatz", "%(n)s Datensätze", 2) == "%(n)s datasets"


@pytest.mark.parametrize(
    ("language", "number", "share", "size", "date", "moment"),
    [
        (DE, "1.234,5", "97 %", "1,5 MB", "1. November 2026", "01.11.2026, 00:45:00 CET"),
        (EN, "1,234.5", "97%", "1.5 MB", "1 November 2026", "1 Nov 2026, 00:45:00 CET"),
    ],
)
def test_each_language_writes_as_its_readers_do(language, number, share, size, date, moment):
    when = datetime(2026, 10, 31, 23, 45, tzinfo=UTC)
    assert language.number(1234.5) == number
    assert language.share(0.97).replace("\xa0", " ") == share
    assert language.size(1_500_000) == size
    assert language.date(when) == date
    assert language.moment(when.isoformat()) == moment
    assert language.number(None) == language.date(None) == language.size(None) == "–"


@pytest.mark.parametrize(("path", "code"), [("/", "de"), ("/en", "en"), ("/en/cities", "en"), ("/energie", "de")])
def test_the_path_says_the_language(path, code):
    assert language_of(path).code == code
