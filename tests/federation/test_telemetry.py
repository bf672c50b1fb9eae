"""Two cities with a collector: one trace over the border, figures by both roads, lines without addresses."""

from __future__ import annotations

import asyncio
import threading
import time
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import orjson
import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from node.settings import FILE_NAME, load_settings
from tests.conftest import TEMPLATE
from tests.federation.cities import Federation, free_port
from tests.federation.follower import follow

TWO_ASKED = '{ datasets(first: 2, cities: ["giessen"]) { nodes { id } federation { complete } } }'


@pytest.fixture(scope="module")
def collector():
    """Keeps the spans that it is sent, by city."""
    received: list[tuple[str, object]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"]))
            if self.path == "/v1/traces":
                for of_resource in ExportTraceServiceRequest.FromString(body).resource_spans:
                    names = {pair.key: pair.value.string_value for pair in of_resource.resource.attributes}
                    for scope in of_resource.scope_spans:
                        received.extend((names["service.namespace"], span) for span in scope.spans)
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    server.received = received
    yield server
    server.shutdown()
    server.server_close()


@pytest.fixture(scope="module")
def towns(postgres_url, tmp_path_factory, collector):
    formed = Federation(tmp_path_factory.mktemp("traced"))
    for city in ("giessen", "offenbach"):
        town = formed.add(city, postgres_url, TEMPLATE)
        file = town.settings.home / FILE_NAME
        more = f'otlp_endpoint = "http://127.0.0.1:{collector.server_port}"\ntrace_share = 1.0\nlog_format = "json"\n'
        file.write_text(file.read_text().replace("\n[limits]", f"{more}metrics_port = {free_port()}\n\n[limits]"))
        town.settings = load_settings(town.settings.home, environment={})
        town.process.settings = town.settings
    formed.sign()
    formed.start()
    yield formed
    formed.stop()


NEEDED = {
    "verbund_request_seconds_count", "verbund_cost_total", 'verbund_peer_answers_total{peer="giessen",state="OK"}',
    'verbund_peer_breaker_open{peer="giessen"}', 'verbund_member_silent_seconds{peer="giessen"}',
    "verbund_membership_ends_seconds", "verbund_log_size", "verbund_log_lag_seconds", "verbund_log_waiting",
    "verbund_quarantine", 'verbund_members{status="ACTIVE"}',
}  # fmt: skip


async def test_figures_tell_of_requests_peers_members_the_log_and_imports(towns):
    home = towns["offenbach"]
    await home.ask("{ things(first: 1) { nodes { id } } }")
    ends = time.monotonic() + 60
    while missing := NEEDED - figures(home).keys():  # they are written every two seconds, and looked up every 15
        assert time.monotonic() < ends, missing
        await asyncio.sleep(0.5)
    found = figures(home)
    assert found['verbund_members{status="ACTIVE"}'] == 2
    assert found['verbund_peer_breaker_open{peer="giessen"}'] == 0
    assert found["verbund_membership_ends_seconds"] > 3_600
    assert found['verbund_member_silent_seconds{peer="giessen"}'] < 300


async def test_subscriptions_are_told_as_long_as_they_run(towns):
    home = towns["offenbach"]

    async def told(count: int) -> None:
        async with asyncio.timeout(60):
            while figures(home).get("verbund_subscriptions") != count:  # noqa: ASYNC110 - written every two seconds
                await asyncio.sleep(0.2)

    datastreams = [f"{city}:datastream:rad-ein" for city in ("giessen", "offenbach")]
    async with follow(home, datastreams) as one, follow(home, datastreams[:1]) as two:
        await one.batch()
        await two.batch()
        await told(2)
        assert figures(towns["giessen"])["verbund_subscriptions"] == 0, "nodes ask, they don't subscribe"
    await told(0)


def figures(town) -> dict[str, float]:
    with urllib.request.urlopen(f"http://127.0.0.1:{town.settings.metrics_port}/metrics") as answer:
        lines = [line for line in answer.read().decode().splitlines() if not line.startswith("#")]
    return {name: float(value) for name, value in (line.rsplit(" ", 1) for line in lines)}


async def test_a_question_over_the_border_is_one_trace(towns, collector):
    home, owner = towns["offenbach"], towns["giessen"]
    trace = (await home.ask(TWO_ASKED)).trace
    secrets = await secrets_used(home)
    for town in (home, owner):
        town.process.stop()  # what is left is exported at the end, and the lines are complete
    spans = {(city, span.name): span for city, span in collector.received if span.trace_id.hex() == trace}
    told = "\n".join(str(span) for _, span in collector.received)
    told += "\n".join(town.process.log_file.read_text(encoding="utf-8") for town in (home, owner))
    assert len(told) > 2_000
    assert not [secret for secret in secrets if secret in told], "a token, a proof or a key is in traces or logs"
    assert {name for city, name in spans if city == "offenbach"} >= {"graphql", "peer", "log"}
    assert {name for city, name in spans if city == "giessen"} >= {
        "graphql",
        "auth",
        "policy",
        "compile",
        "database",
        "log",
    }
    root, peer, beyond = spans["offenbach", "graphql"], spans["offenbach", "peer"], spans["giessen", "graphql"]
    assert peer.parent_span_id == root.span_id
    assert beyond.parent_span_id == peer.span_id
    assert {span.parent_span_id for (city, name), span in spans.items() if city == "giessen" and name != "graphql"} == {
        beyond.span_id
    }
    lines = [line for line in home.process.log_file.read_bytes().splitlines() if not line.startswith(b"UNSAFE")]
    for line in lines:
        assert orjson.loads(line)["severity_text"], line


async def secrets_used(town) -> list[str]:
    """What must be nowhere: of tokens and proofs that were used, refused ones too, and of the keys behind them."""
    access = await town.token()
    headers = access.headers("POST", town.settings.graphql_url)
    assert (await town.ask(TWO_ASKED, access)).status == 200
    await town.post(b"{}", headers=headers)
    await town.post(b"{}", headers=headers | {"DPoP": "made up"})
    keys = [line for path in town.settings.keys_home.glob("*.pem") for line in path.read_text().splitlines()[1:-1]]
    return [*(part for text in headers.values() for part in text.split(".")[1:]), *keys]
