from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from node.ingest.counts.mapping import Mapping

MUENSTER = Path(__file__).parents[3] / "integration" / "ingest" / "muenster.toml"


@pytest.fixture
def mapping_file() -> Path:
    """The mapping of the Münster counters."""
    return MUENSTER


@pytest.fixture
def make_mapping() -> Callable[..., Mapping]:
    """A small valid mapping; keyword arguments replace fields of its tables."""

    def make(**tables: dict[str, Any]) -> Mapping:
        values: dict[str, Any] = {
            "time": {"column": "Zeit", "interval": "PT15M"},
            "channel": {
                "header": r"(?P<id>\d+) \((?P<name>.*)\)",
                "totals": "first",
                "status_suffix": "-status",
                "vehicle_class": "BICYCLE",
            },
            "station": {"source": "total"},
            "status": {"0": "RAW", "4": "SUSPECT", "kaputt": "MISSING"},
            "dataset": {"key": "rad", "title": "Rad"},
            "observed_property": {"key": "anzahl", "name": "Anzahl", "definition": "https://example.org/count"},
            "sensor": {"key": "schleife", "name": "Schleife"},
        }
        for table, fields in tables.items():
            values[table] = fields if table == "status" else values.get(table, {}) | fields
        return msgspec.convert(values, Mapping)

    return make
