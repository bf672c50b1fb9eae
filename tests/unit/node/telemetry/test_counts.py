"""Counts: added up over workers, the same in Prometheus' text and in OpenTelemetry's model."""

from __future__ import annotations

import asyncio
import logging
import os
import re
import sys
import urllib.error
import urllib.request
from contextlib import contextmanager
from pathlib import Path

import msgspec
import orjson
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.exporter.otlp.proto.common.metrics_encoder import encode_metrics

from node.telemetry.context import TRACE_ID
from node.telemetry.counts import METRICS, SECONDS, Counts, together
from node.telemetry.exposition import exposition
from node.telemetry.logs import OURS, JsonLines, TextLines, set_up_logs
from node.telemetry.otlp import metrics_data
from node.telemetry.scrape import counts_directory, keep_written, serve_metrics

ROOT = Path(__file__).parents[4]
durations = st.lists(st.floats(0, 20, allow_nan=False), max_size=30)


def counted(took: list[float], refused: int = 0, is_open: float = 0.0) -> Counts:
    counts = Counts()
    for seconds in took:
        counts.took("verbund_request_seconds", seconds)
        counts.add("verbund_requests_total", "200")
    if refused:
        counts.add("verbund_requests_total", "503", amount=refused)
    counts.watch(lambda: [("verbund_peer_breaker_open", ("fulda",), is_open)])
    return counts


@given(durations, durations)
def test_two_workers_are_one_that_did_the_work_of_both(one, other):
    joined = together([counted(one).read(), counted(other).read()])
    (alone,) = [together([counted(one + other).read()])]
    assert [(s.name, s.labels, s.buckets) for s in joined] == [(s.name, s.labels, s.buckets) for s in alone]
    assert [s.value for s in joined] == pytest.approx([s.value for s in alone])


def test_a_gauge_is_not_added_up():
    (series,) = [s for s in together([counted([], is_open=1.0).read(), counted([]).read()]) if "breaker" in s.name]
    assert series.value == 1.0


def test_a_gauge_of_which_each_worker_has_a_part_is_added_up():
    workers = []
    for running in (2.0, 3.0):
        counts = Counts()
        counts.watch(lambda running=running: [("verbund_subscriptions", (), running)])
        workers.append(counts.read())
    assert [series.value for series in together(workers)] == [5.0]
    (metric,) = metrics_data(workers[0], {}, 0, 1).resource_metrics[0].scope_metrics[0].metrics
    assert (metric.name, metric.data.data_points[0].value) == ("verbund_subscriptions", 2.0)


@given(durations)
def test_a_bucket_holds_what_took_no_longer_than_its_edge(took):
    text = exposition(counted(took).read())
    for edge in SECONDS:
        found = re.search(rf'verbund_request_seconds_bucket{{le="{edge:g}"}} (\d+)', text)
        assert (int(found[1]) if found else 0) == sum(seconds <= edge for seconds in took)


def test_labels_can_hold_anything():
    counts = Counts()
    counts.add("verbund_peer_answers_total", 'a"b\\c\nd', "OK", amount=2_000_001)
    line = exposition(counts.read()).splitlines()[-1]
    assert line == 'verbund_peer_answers_total{peer="a\\"b\\\\c\\nd",state="OK"} 2000001'


def test_otlp_says_the_same():
    sent = encode_metrics(metrics_data(counted([0.002, 0.3], refused=3).read(), {"service.name": "verbund"}, 1, 2))
    metrics = {metric.name: metric for metric in sent.resource_metrics[0].scope_metrics[0].metrics}
    points = metrics["verbund_requests_total"].sum.data_points
    assert {point.attributes[0].value.string_value: point.as_double for point in points} == {"200": 2, "503": 3}
    (histogram,) = metrics["verbund_request_seconds"].histogram.data_points
    assert (histogram.count, list(histogram.explicit_bounds)) == (2, list(SECONDS))
    assert not histogram.HasField("max")


def test_the_supervisor_serves_what_living_and_dead_workers_counted(tmp_path):
    directory = tmp_path / "run" / "1"
    dead = tmp_path / "run" / "2147483647"
    dead.mkdir(parents=True)
    with serve_metrics("127.0.0.1", 0, directory) as port:
        assert not dead.exists(), "what a killed supervisor left behind is removed"
        for worker, counts in ((os.getpid(), counted([1])), (2_147_483_646, counted([1, 1], is_open=1.0))):
            (directory / f"{worker}.json").write_bytes(msgspec.json.encode(counts.read()))
        (directory / "7.json").write_bytes(b"torn")
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics") as answer:
            text = answer.read().decode()
        assert 'verbund_requests_total{status="200"} 3' in text
        assert 'verbund_peer_breaker_open{peer="fulda"} 0' in text, "the dead know nothing of today"
        with pytest.raises(urllib.error.HTTPError, match="404"):
            urllib.request.urlopen(f"http://127.0.0.1:{port}/")
    assert not directory.exists()


def test_what_a_supervisor_with_the_same_process_id_has_left_is_no_hindrance(tmp_path):
    """In a container every supervisor is process 1, and what it was killed beside is still there."""
    directory = counts_directory(tmp_path, os.getpid())
    directory.mkdir(parents=True)
    (directory / "7.json").write_text('[{"name": "verbund_requests_total", "labels": ["200"], "value": 5}]')
    with serve_metrics("127.0.0.1", 0, directory):
        assert not list(directory.iterdir())


def test_figures_are_served_on_ipv6_and_without_a_name_server(tmp_path, monkeypatch):
    monkeypatch.setattr("socket.getfqdn", lambda *_: pytest.fail("a name was looked up"))
    with (
        serve_metrics("::1", 0, tmp_path / "run" / "1") as port,
        urllib.request.urlopen(f"http://[::1]:{port}/metrics") as answer,
    ):
        assert answer.status == 200


async def test_figures_go_on_when_a_full_disk_has_room_again(tmp_path, monkeypatch, caplog):
    def told() -> list[str]:
        """Of this, whatever others in this process have to say."""
        return [text for record in caplog.records if "figures" in (text := record.getMessage())]

    monkeypatch.setattr("node.telemetry.scrape.WRITE_EVERY_S", 0.001)
    file = tmp_path / "1.new"
    file.mkdir()  # can't be written to, as root neither
    writing = asyncio.create_task(keep_written(counted([1]), tmp_path, 1))
    async with asyncio.timeout(20):
        while not told():  # noqa: ASYNC110 - there is no event for it
            await asyncio.sleep(0.001)
        await asyncio.sleep(0.02)
        file.rmdir()
        while not (tmp_path / "1.json").exists():  # noqa: ASYNC110
            await asyncio.sleep(0.001)
    assert told() == [f"figures can't be written to {tmp_path}: Is a directory"]
    writing.cancel()


async def test_a_worker_that_outlives_its_supervisor_writes_nowhere(tmp_path):
    directory = tmp_path / "run" / "1"
    writing = asyncio.create_task(keep_written(counted([1]), directory, 1))
    await asyncio.sleep(0)
    writing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await writing
    assert not directory.exists()


def test_log_lines_carry_the_trace_and_no_text_of_exceptions():
    token = TRACE_ID.set("0af7651916cd43dd8448eb211c80319c")
    try:
        try:
            int("erika@example.org")
        except ValueError:
            record = logging.getLogger("verbund.x").makeRecord(
                "verbund.x", logging.ERROR, "f.py", 1, "/graphql %s", ("failed",), sys.exc_info()
            )
        line = orjson.loads(JsonLines().format(record))
        text = TextLines().format(record)
    finally:
        TRACE_ID.reset(token)
    assert line["trace_id"] == "0af7651916cd43dd8448eb211c80319c"
    assert (line["body"], line["severity_text"], line["exception_type"]) == ("/graphql failed", "ERROR", "ValueError")
    assert "test_counts.py" in line["exception_places"][0]
    assert "[trace 0af7651916cd43dd8448eb211c80319c]" in text
    assert "erika" not in text + orjson.dumps(line).decode()


FOREIGN = "said\nERROR verbund.audit: all is lost \x1b[31m \udcff"


def told(message: str) -> logging.LogRecord:
    return logging.LogRecord("verbund.x", logging.INFO, "f.py", 1, "%s", (message,), None)


def test_what_is_foreign_in_a_message_passes_for_no_line_of_its_own():
    first, second = TextLines().format(told(FOREIGN)).split("\n")
    assert first == "INFO verbund.x: said"
    assert second == r"  ERROR verbund.audit: all is lost \x1b[31m \udcff"
    assert "\n" not in JsonLines().format(told(FOREIGN))
    assert r"\udcff" in orjson.loads(JsonLines().format(told(FOREIGN)))["body"]


@pytest.mark.parametrize("level", ["debug", "info", "error"])
def test_details_are_told_by_the_node_itself_and_by_no_library(level):
    """uvicorn tells a client's address at `info`, and at `debug` its token."""
    names = "", "verbund.x", "node.store.x", "uvicorn.error", "urllib3.connectionpool"
    with kept_loggers():
        set_up_logs(level, "text")
        levels = [logging.getLogger(name).getEffectiveLevel() for name in names]
    least, ours = max(logging.WARNING, logging.getLevelName(level.upper())), logging.getLevelName(level.upper())
    assert levels == [least, ours, ours, least, least]


@contextmanager
def kept_loggers():
    loggers = [logging.getLogger(name) for name in (None, *OURS)]
    before = [(logger.level, logger.handlers[:]) for logger in loggers]
    yield
    for logger, (level, handlers) in zip(loggers, before, strict=True):
        logger.setLevel(level)
        logger.handlers[:] = handlers


@pytest.mark.parametrize("file", ["dashboard.json", "alerts.yaml"])
def test_dashboard_and_alerts_speak_of_figures_that_there_are(file):
    text = (ROOT / "helm" / "monitoring" / file).read_text(encoding="utf-8")
    named = {re.sub(r"_(bucket|sum|count)$", "", name) for name in re.findall(r"verbund_[a-z_]+", text)}
    assert named
    assert named <= METRICS.keys()


def test_alerts_speak_of_labels_that_there_are_and_of_places_in_the_guide():
    guide = (ROOT / "docs" / "incidents.md").read_text(encoding="utf-8")
    headings = re.findall(r"^## (.+)$", guide, re.MULTILINE)
    places = {re.sub(r"[^a-z0-9 -]", "", heading.lower()).replace(" ", "-") for heading in headings}
    for group in yaml.safe_load((ROOT / "helm" / "monitoring" / "alerts.yaml").read_text(encoding="utf-8"))["groups"]:
        for rule in group["rules"]:
            names = re.findall(r"(verbund_[a-z_]+)", rule["expr"])
            known = {"le"} | {label for name in names if name in METRICS for label in METRICS[name].labels}
            used = set(re.findall(r"[{,]\s*(\w+)\s*[=!]", rule["expr"]))
            used |= set(re.findall(r"\$labels\.(\w+)", rule["annotations"]["summary"]))
            used |= {label for by in re.findall(r"by \(([^)]*)\)", rule["expr"]) for label in by.split(", ")}
            assert used <= known, rule["alert"]
            page, _, place = rule["annotations"]["runbook"].partition("#")
            assert (page, place in places) == ("docs/incidents.md", True), rule["annotations"]["runbook"]


@pytest.mark.parametrize("name", sorted(set(METRICS) - {"verbund_rows_total"}))
def test_every_figure_is_shown_or_watched(name):
    folder = ROOT / "helm" / "monitoring"
    assert any(name in (folder / file).read_text(encoding="utf-8") for file in ("dashboard.json", "alerts.yaml"))


def test_every_figure_is_documented():
    page = (ROOT / "docs" / "telemetry.md").read_text(encoding="utf-8")
    for name, metric in METRICS.items():
        assert f"| `{name}` | {metric.kind} | {metric.help}" in page, name
