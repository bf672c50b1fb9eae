"""The chart's values know the settings of the code: whoever adds a setting is told here."""

from __future__ import annotations

import json

from tests.helm.chart import SCHEMA, settings_schema


def test_the_schema_of_values_knows_the_settings_of_the_code():
    schema = json.loads(SCHEMA.read_text(encoding="utf-8"))
    assert schema["properties"]["settings"] == settings_schema(), "run `make helm`"
