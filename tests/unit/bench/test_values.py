"""The same values in different forms agree; other values do not."""

from __future__ import annotations

import pytest

from tests.bench.read.values import Disagreement, check_agreement

ONE = {"datastream": {"id": "a:datastream:zs-1", "name": "Z", "observations": {"nodes": [
    {"phenomenonTime": "2026-01-01T00:15:00+00:00", "result": 3, "quality": "RAW"},
    {"phenomenonTime": "2026-01-01T00:00:00+00:00", "result": None, "quality": "MISSING"},
]}}}  # fmt: skip
OTHER = {"id": 1, "name": "Z", "observations": [
    {"t": "2026-01-01T01:15:00.000+01:00", "result": 3.0, "quality": "RAW"},
    {"t": "2026-01-01T00:00:00Z", "result": None, "quality": "MISSING"},
]}  # fmt: skip


def test_forms_do_not_matter():
    check_agreement("Q", {"one": ONE, "other": OTHER})


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda d: d["observations"][0].update(result=4), "one and other differ: [1][0][1]"),
        (lambda d: d["observations"][0].update(t="2026-01-01T00:15:00+01:00"), "[1][0][0]"),
        (lambda d: d["observations"][1].update(result=0), "[1][1][1]"),
        (lambda d: d["observations"].pop(), "[1] has 2 and 1 parts"),
        (lambda d: d["observations"].reverse(), "[1][0]"),
        (lambda d: d.update(name="z"), "[0] is 'Z' and 'z'"),
    ],
)
def test_values_do(change, told):
    other = {**OTHER, "observations": [dict(row) for row in OTHER["observations"]]}
    change(other)
    with pytest.raises(Disagreement) as caught:
        check_agreement("Q", {"one": ONE, "other": other})
    assert told in str(caught.value)
