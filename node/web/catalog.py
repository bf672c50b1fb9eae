"""The texts of the pages and their catalogs of translations. `make texts` runs this module."""

from __future__ import annotations

from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po, write_po

from node.web.i18n import CATALOGS, LANGUAGES

ROOT = Path(__file__).parent
METHODS = [("**.html", "jinja2.ext:babel_extract"), ("words.py", "python")]
OPTIONS = {"**.html": {"trim_blocks": "true", "lstrip_blocks": "true", "newstyle_gettext": "true", "silent": "false"}}


def texts() -> Catalog:
    """All texts that pages show."""
    found = Catalog(charset="utf-8")
    for _file, _line, message, _comments, context in extract_from_dir(ROOT, METHODS, OPTIONS):
        found.add(message, context=context)
    return found


def read_catalog(code: str) -> Catalog:
    """The catalog of a language, empty if there is none."""
    path = CATALOGS / f"{code}.po"
    if not path.is_file():
        return Catalog(locale=code)
    with path.open("rb") as file:
        return read_po(file, locale=code)


def main() -> None:
    """Bring all catalogs up to date: new texts untranslated, obsolete ones gone."""
    for code in LANGUAGES:
        if code == "de":
            continue
        catalog = read_catalog(code)
        catalog.update(texts(), no_fuzzy_matching=True)
        catalog.obsolete.clear()
        with (CATALOGS / f"{code}.po").open("wb") as file:
            write_po(file, catalog, omit_header=False, no_location=True, sort_output=True, width=120)


if __name__ == "__main__":
    main()
