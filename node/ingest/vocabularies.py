"""The EU code lists that DCAT-AP uses, and the clear variants that catalogs write instead of the codes.

Every function takes what was read (an IRI or a text) and returns the code, or None if it is not clear.
"""

from __future__ import annotations

import re

AUTHORITY = re.compile(r"https?://publications\.europa\.eu/resource/authority/([a-z-]+)/([A-Za-z0-9_]+)/?")
_GERMAN_AVAILABILITY = re.compile(
    r"https?://(?:www\.)?dcat-ap\.de/def/plannedAvailability/(temporary|experimental|available|stable)/?"
)
_MEDIA_TYPE = re.compile(
    r"(?:https?://(?:www\.)?iana\.org/assignments/media-types/)?([a-z]+/[a-z0-9][a-z0-9!#$&^_.+-]{0,126})",
    re.IGNORECASE,
)


def _codes(text: str) -> frozenset[str]:
    return frozenset(text.split())


THEMES = _codes("AGRI ECON EDUC ENER ENVI GOVE HEAL INTR JUST REGI SOCI TECH TRAN")
FREQUENCIES = _codes(
    "1MIN 5MIN 10MIN 15MIN 30MIN HOURLY BIHOURLY TRIHOURLY 12HRS DAILY DAILY_2 CONT UPDATE_CONT WEEKLY WEEKLY_2"
    " WEEKLY_3 BIWEEKLY MONTHLY MONTHLY_2 MONTHLY_3 BIMONTHLY QUARTERLY ANNUAL ANNUAL_2 ANNUAL_3 BIENNIAL TRIENNIAL"
    " QUADRENNIAL QUINQUENNIAL DECENNIAL BIDECENNIAL TRIDECENNIAL IRREG NEVER AS_NEEDED NOT_PLANNED UNKNOWN OTHER"
    " OP_DATPRO"
)
ACCESS_RIGHTS = _codes("PUBLIC RESTRICTED NON_PUBLIC")
AVAILABILITIES = _codes("TEMPORARY EXPERIMENTAL AVAILABLE STABLE")

_FREQUENCY_NAMES = {
    "TÄGLICH": "DAILY",
    "WÖCHENTLICH": "WEEKLY",
    "MONATLICH": "MONTHLY",
    "VIERTELJÄHRLICH": "QUARTERLY",
    "JÄHRLICH": "ANNUAL",
    "YEARLY": "ANNUAL",
    "STÜNDLICH": "HOURLY",
    "CONTINUOUS": "UPDATE_CONT",
    "UNREGELMÄSSIG": "IRREG",
    "IRREGULAR": "IRREG",
    "P1D": "DAILY",
    "P1W": "WEEKLY",
    "P7D": "WEEKLY",
    "P1M": "MONTHLY",
    "P3M": "QUARTERLY",
    "P1Y": "ANNUAL",
    "PT1H": "HOURLY",
    "PT15M": "15MIN",
}
_FREQUENCY_IRI = re.compile(r"https?://purl\.org/cld/freq/([a-z]+)", re.IGNORECASE)
_ACCESS_NAMES = {
    "OPEN": "PUBLIC",
    "ÖFFENTLICH": "PUBLIC",
    "NONPUBLIC": "NON_PUBLIC",
    "NICHT_ÖFFENTLICH": "NON_PUBLIC",
    "EINGESCHRÄNKT": "RESTRICTED",
}
_LANGUAGES = {
    "de": "DEU", "deu": "DEU", "ger": "DEU", "deutsch": "DEU", "german": "DEU",
    "en": "ENG", "eng": "ENG", "englisch": "ENG", "english": "ENG",
    "fr": "FRA", "fra": "FRA", "fre": "FRA", "tr": "TUR", "tur": "TUR", "pl": "POL", "pol": "POL",
    "nl": "NLD", "nld": "NLD", "dut": "NLD", "da": "DAN", "dan": "DAN", "cs": "CES", "ces": "CES", "cze": "CES",
    "it": "ITA", "ita": "ITA", "es": "SPA", "spa": "SPA", "ru": "RUS", "rus": "RUS", "uk": "UKR", "ukr": "UKR",
    "hsb": "HSB", "dsb": "DSB", "nds": "NDS", "frr": "FRR",
}  # fmt: skip

_FILE_TYPES = _codes(
    "CSV TSV XLS XLSX ODS JSON JSON_LD GEOJSON XML GML KML KMZ SHP GPKG GDB RDF_XML RDF_TURTLE RDF_N_TRIPLES RDF HTML"
    " PDF PDFA1A PDFA1B TXT DOC DOCX ODT PPT PPTX ZIP GZIP TAR RSS ATOM WFS_SRVC WMS_SRVC WFS WMS WCS WMTS TIFF JPEG"
    " PNG SVG PARQUET GTFS DXF DWG LAS LAZ ICS REST SPARQLQ TAR_GZ GEOTIFF CITYGML PBF MBOX SQL YAML NETCDF"
)
_FILE_TYPE_NAMES = {
    "EXCEL": "XLSX",
    "MICROSOFT_EXCEL": "XLSX",
    "SHAPE": "SHP",
    "SHAPEFILE": "SHP",
    "ESRI_SHAPEFILE": "SHP",
    "GEO_JSON": "GEOJSON",
    "GEOPACKAGE": "GPKG",
    "JSONLD": "JSON_LD",
    "TURTLE": "RDF_TURTLE",
    "TTL": "RDF_TURTLE",
    "TEXT": "TXT",
    "JPG": "JPEG",
    "TIF": "TIFF",
    "WEBSITE": "HTML",
    "TEXT_CSV": "CSV",
    "TEXT_HTML": "HTML",
    "TEXT_PLAIN": "TXT",
    "APPLICATION_JSON": "JSON",
    "APPLICATION_PDF": "PDF",
    "APPLICATION_ZIP": "ZIP",
    "APPLICATION_XML": "XML",
    "APPLICATION_LD_JSON": "JSON_LD",
    "APPLICATION_GEO_JSON": "GEOJSON",
    "APPLICATION_VND_GEO_JSON": "GEOJSON",
}
_CODE = re.compile(r"[A-Z0-9_]{1,40}")


def theme(text: str) -> str | None:
    """Data theme, e.g. `TRAN`."""
    return _of_list(text, "data-theme", THEMES)


def frequency(text: str) -> str | None:
    """Update frequency, e.g. `DAILY`; Dublin Core frequencies and ISO 8601 durations are understood too."""
    dublin_core = _FREQUENCY_IRI.fullmatch(text.strip())
    text = dublin_core.group(1) if dublin_core else text
    return _of_list(text, "frequency", FREQUENCIES) or _FREQUENCY_NAMES.get(_as_code(text))


def access_right(text: str) -> str | None:
    """PUBLIC, RESTRICTED or NON_PUBLIC, also from plain words such as `public`."""
    return _of_list(text, "access-right", ACCESS_RIGHTS) or _ACCESS_NAMES.get(_as_code(text))


def availability(text: str) -> str | None:
    """Planned availability, e.g. `STABLE`, also from the German list that the EU's replaced."""
    if german := _GERMAN_AVAILABILITY.fullmatch(text.strip()):
        return german.group(1).upper()
    return _of_list(text, "planned-availability", AVAILABILITIES)


def language(text: str) -> str | None:
    """Language, e.g. `DEU`; ISO 639 codes and tags such as `de-DE` are understood too."""
    found = AUTHORITY.fullmatch(text.strip())
    if found:
        code = found.group(2).upper()
        return code if found.group(1) == "language" and re.fullmatch(r"[A-Z]{3}", code) else None
    return _LANGUAGES.get(re.split(r"[-_]", text.strip().lower())[0])


def file_type(text: str) -> str | None:
    """File type, e.g. `CSV`. Any code under the EU list's own IRI counts, since that list grows."""
    found = AUTHORITY.fullmatch(text.strip())
    if found:
        code = found.group(2).upper()
        return code if found.group(1) == "file-type" else None
    name = _as_code(re.sub(r"https?://(?:www\.)?iana\.org/assignments/media-types/", "", text.strip()).lstrip("."))
    if name in _FILE_TYPES:
        return name
    return _FILE_TYPE_NAMES.get(name)


def media_type(text: str) -> str | None:
    """Media type, e.g. `text/csv`, with or without the IANA address before it."""
    found = _MEDIA_TYPE.fullmatch(text.strip())
    return found.group(1).lower() if found else None


def _of_list(text: str, name: str, codes: frozenset[str]) -> str | None:
    found = AUTHORITY.fullmatch(text.strip())
    if found and found.group(1) != name:
        return None
    code = found.group(2).upper() if found else _as_code(text)
    return code if _CODE.fullmatch(code) and code in codes else None


def _as_code(text: str) -> str:
    return re.sub(r"[^A-ZÄÖÜ0-9]+", "_", text.strip().upper().replace("ß", "SS")).strip("_")
