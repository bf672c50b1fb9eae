"""The reasons are stable codes that operators search for: each is documented, and none is documented that is not used."""

import re
import tomllib
from pathlib import Path

import msgspec

from node.ingest.counts.mapping import Mapping
from node.ingest.counts.mapping_check import check_mapping

REPOSITORY = Path(__file__).parents[4]
TEXT = (REPOSITORY / "docs" / "ingest.md").read_text("utf-8")
REASON = (
    r"\b((?:time|value|status|row|header|file|dataset|identifier|licence|theme|frequency|language|access-rights|availability"
    r"|format|media-type|hvd-category|date|temporal|url|distribution|contact|publisher|spatial|geometry|byte-size|literal)"
    r"\.[a-z0-9-]+)"
)


def test_every_reason_is_documented_and_no_other() -> None:
    used = set()
    for file in (REPOSITORY / "node" / "ingest").rglob("*.py"):
        used |= set(re.findall(rf'"{REASON}"', file.read_text("utf-8")))
    # Names of fields look the same as reasons.
    used -= {"publisher.homepage", "distribution.title", "distribution.description", "spatial.geometry"}
    told = {
        reason for line in TEXT.splitlines() if line.startswith("| `") for reason in re.findall(rf"`{REASON}`", line)
    }
    assert used == told


def test_the_mapping_in_the_documentation_is_valid() -> None:
    example = re.search(r"```toml\n(.*?)```", TEXT, re.DOTALL)
    assert example is not None
    toml = example[1].replace('"https://…"', '"https://city.example/"')
    assert list(check_mapping(msgspec.convert(tomllib.loads(toml), Mapping))) == []
