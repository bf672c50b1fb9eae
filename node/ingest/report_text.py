"""A report as lines of text."""

from __future__ import annotations

from collections.abc import Iterator

from node.ingest.report import Report


def report_lines(report: Report) -> Iterator[str]:
    """What an operator wants to know at the end of a run; the reasons of the quarantine by number."""
    unit = "datasets" if report.kind == "dcat" else "observations"
    yield f"run {report.run_id}: {report.source}"
    if report.kind == "counts":
        yield f"  files        {report.files_read:>12,} read, {report.files_unchanged:,} unchanged since an earlier run"
    yield f"  read         {report.read:>12,} {unit}"
    yield f"  written      {report.written:>12,}"
    yield f"  unchanged    {report.unchanged:>12,}"
    yield f"  not imported {report.rejected:>12,}"
    if report.kind == "dcat":
        yield f"  distributions{report.distributions:>12,}"
    if report.ambiguous:
        yield f"  ambiguous    {report.ambiguous:>12,} in the hour that summer time ends, kept as SUSPECT"
    yield f"  quarantined  {report.quarantined.total():>12,} entries"
    for reason, count in sorted(report.quarantined.items()):
        yield f"    {reason:<28}{count:>8,}"
    yield f"  took         {report.seconds:>12.1f} s, {report.rate:,.0f} {unit} per second"
    if report.quarantined:
        yield f"What was quarantined: verbund ingest quarantine list --run {report.run_id}"
