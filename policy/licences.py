"""Licences as DCAT-AP.de knows them, and the many ways in which catalogs name them."""

from __future__ import annotations

import re
from dataclasses import dataclass

BASE = "http://dcat-ap.de/def/licenses/"


@dataclass(frozen=True, slots=True)
class Licence:
    """A licence of the DCAT-AP.de code list. `path` is the end of its IRI, e.g. `dl-by-de/2.0`."""

    path: str
    title: str

    @property
    def uri(self) -> str:
        """The canonical IRI."""
        return BASE + self.path

    @property
    def key(self) -> str:
        """The local id, e.g. `dl-by-de-2-0`."""
        return re.sub(r"[/.]", "-", self.path).lower()


_LICENCES = (
    Licence("apache", "Apache License"),
    Licence("bsd", "BSD-Lizenz"),
    Licence("cc-by", "Creative Commons Namensnennung"),
    Licence("cc-by/4.0", "Creative Commons Namensnennung 4.0 International (CC BY 4.0)"),
    Licence("cc-by-de/3.0", "Creative Commons Namensnennung 3.0 Deutschland (CC BY 3.0 DE)"),
    Licence("cc-by-nc", "Creative Commons Namensnennung, nicht kommerziell"),
    Licence("cc-by-nc/4.0", "Creative Commons Namensnennung, nicht kommerziell 4.0 International (CC BY-NC 4.0)"),
    Licence("cc-by-nc-de/3.0", "Creative Commons Namensnennung, nicht kommerziell 3.0 Deutschland (CC BY-NC 3.0 DE)"),
    Licence("cc-by-nd", "Creative Commons Namensnennung, keine Bearbeitung"),
    Licence("cc-by-nd/3.0", "Creative Commons Namensnennung, keine Bearbeitung 3.0 (CC BY-ND 3.0)"),
    Licence("cc-by-nd/4.0", "Creative Commons Namensnennung, keine Bearbeitung 4.0 International (CC BY-ND 4.0)"),
    Licence("cc-by-sa", "Creative Commons Namensnennung, gleiche Bedingungen"),
    Licence("cc-by-sa/4.0", "Creative Commons Namensnennung, gleiche Bedingungen 4.0 International (CC BY-SA 4.0)"),
    Licence("cc-by-sa-de/3.0", "Creative Commons Namensnennung, gleiche Bedingungen 3.0 Deutschland (CC BY-SA 3.0 DE)"),
    Licence("cc-zero", "Creative Commons Zero (CC0 1.0)"),
    Licence("ccpdm/1.0", "Public Domain Mark 1.0"),
    Licence("dl-by-de/1.0", "Datenlizenz Deutschland – Namensnennung – Version 1.0"),
    Licence("dl-by-de/2.0", "Datenlizenz Deutschland – Namensnennung – Version 2.0"),
    Licence("dl-by-nc-de/1.0", "Datenlizenz Deutschland – Namensnennung, nicht kommerziell – Version 1.0"),
    Licence("dl-zero-de/2.0", "Datenlizenz Deutschland – Zero – Version 2.0"),
    Licence("geonutz/20130319", "Nutzungsbestimmungen für Geodaten des Bundes"),
    Licence("geoNutz/20131001", "Nutzungsbestimmungen für Geodaten des Landes Berlin"),
    Licence("gfdl", "GNU Free Documentation License"),
    Licence("gpl/3.0", "GNU General Public License 3.0"),
    Licence("mozilla", "Mozilla Public License 2.0"),
    Licence("odbl", "Open Database License (ODbL)"),
    Licence("odby", "Open Data Commons Attribution License (ODC-By)"),
    Licence("odcpddl", "Open Data Commons Public Domain Dedication and Licence (PDDL)"),
    Licence("officialWork", "Amtliches Werk, lizenzfrei nach § 5 Abs. 1 UrhG"),
    Licence("other-closed", "Andere geschlossene Lizenz"),
    Licence("other-commercial", "Andere kommerzielle Lizenz"),
    Licence("other-freeware", "Andere Freeware-Lizenz"),
    Licence("other-open", "Andere offene Lizenz"),
    Licence("other-opensource", "Andere Open-Source-Lizenz"),
)
LICENCES = {licence.path.lower(): licence for licence in _LICENCES}

# Addresses without scheme and `www.`, in small letters, without a slash or `.html`, `deed.de`, `legalcode` at the end.
_ADDRESSES = {
    "creativecommons.org/licenses/by/4.0": "cc-by/4.0",
    "creativecommons.org/licenses/by-sa/4.0": "cc-by-sa/4.0",
    "creativecommons.org/licenses/by-nc/4.0": "cc-by-nc/4.0",
    "creativecommons.org/licenses/by-nd/4.0": "cc-by-nd/4.0",
    "creativecommons.org/licenses/by-nd/3.0": "cc-by-nd/3.0",
    "creativecommons.org/licenses/by/3.0/de": "cc-by-de/3.0",
    "creativecommons.org/licenses/by-sa/3.0/de": "cc-by-sa-de/3.0",
    "creativecommons.org/licenses/by-nc/3.0/de": "cc-by-nc-de/3.0",
    "creativecommons.org/publicdomain/zero/1.0": "cc-zero",
    "creativecommons.org/publicdomain/mark/1.0": "ccpdm/1.0",
    "govdata.de/dl-de/by-1-0": "dl-by-de/1.0",
    "govdata.de/dl-de/by-2-0": "dl-by-de/2.0",
    "govdata.de/dl-de/by-nc-1-0": "dl-by-nc-de/1.0",
    "govdata.de/dl-de/zero-2-0": "dl-zero-de/2.0",
    "opendatacommons.org/licenses/odbl": "odbl",
    "opendatacommons.org/licenses/odbl/1-0": "odbl",
    "opendatacommons.org/licenses/odbl/1.0": "odbl",
    "opendatacommons.org/licenses/by": "odby",
    "opendatacommons.org/licenses/by/1-0": "odby",
    "opendatacommons.org/licenses/by/1.0": "odby",
    "opendatacommons.org/licenses/pddl": "odcpddl",
    "opendatacommons.org/licenses/pddl/1-0": "odcpddl",
    "opendatacommons.org/licenses/pddl/1.0": "odcpddl",
    "opendefinition.org/licenses/cc-by": "cc-by",
    "opendefinition.org/licenses/cc-by-sa": "cc-by-sa",
    "opendefinition.org/licenses/cc-zero": "cc-zero",
    "opendefinition.org/licenses/odc-odbl": "odbl",
    "opendefinition.org/licenses/odc-by": "odby",
    "opendefinition.org/licenses/odc-pddl": "odcpddl",
    "opendefinition.org/licenses/gfdl": "gfdl",
    "gnu.org/licenses/gpl-3.0": "gpl/3.0",
    "apache.org/licenses/license-2.0": "apache",
    "mozilla.org/mpl/2.0": "mozilla",
}

# EU code list and the usual short names, in small letters, with every run of other characters as one hyphen.
_NAMES = {
    "cc0": "cc-zero",
    "cc-0": "cc-zero",
    "cc0-1-0": "cc-zero",
    "cc-by-4-0": "cc-by/4.0",
    "cc-by-sa-4-0": "cc-by-sa/4.0",
    "cc-by-nc-4-0": "cc-by-nc/4.0",
    "cc-by-nd-4-0": "cc-by-nd/4.0",
    "cc-by-3-0-de": "cc-by-de/3.0",
    "cc-by-sa-3-0-de": "cc-by-sa-de/3.0",
    "dl-de-by-1-0": "dl-by-de/1.0",
    "dl-de-by-2-0": "dl-by-de/2.0",
    "dl-de-zero-2-0": "dl-zero-de/2.0",
    "datenlizenz-deutschland-namensnennung-2-0": "dl-by-de/2.0",
    "datenlizenz-deutschland-namensnennung-version-2-0": "dl-by-de/2.0",
    "datenlizenz-deutschland-zero-2-0": "dl-zero-de/2.0",
    "datenlizenz-deutschland-zero-version-2-0": "dl-zero-de/2.0",
    "odbl-1-0": "odbl",
    "odc-odbl": "odbl",
    "odc-by": "odby",
    "odc-pddl": "odcpddl",
}
_EU = "publications.europa.eu/resource/authority/licence/"
_GERMAN = "dcat-ap.de/def/licenses/"
_ENDINGS = re.compile(r"(?:/(?:deed(?:\.[a-z]{2})?|legalcode(?:\.[a-z]{2})?|summary)|\.html|\.txt|/)+$")
_BY_HYPHENS = {re.sub(r"[^a-z0-9]+", "-", path): path for path in LICENCES}


def find_licence(text: str) -> Licence | None:
    """The licence that an IRI, address or short name means for certain; None if it is not clear.

    A name without its version (`CC BY`) is found only where the code list has such an entry.
    """
    address = re.sub(r"^https?://(?:www\.)?", "", text.strip().lower())
    address = _ENDINGS.sub("", address)
    if address.startswith(_GERMAN):
        return LICENCES.get(address.removeprefix(_GERMAN))
    if address in _ADDRESSES:
        return LICENCES[_ADDRESSES[address]]
    name = re.sub(r"[^a-z0-9]+", "-", address.removeprefix(_EU).replace("_", "-")).strip("-")
    path = _NAMES.get(name) or _BY_HYPHENS.get(name)
    return LICENCES[path] if path else None
