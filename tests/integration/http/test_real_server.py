"""The endpoint behind the real HTTP server: framing, bounds, slow clients and clients that go."""

from __future__ import annotations

import contextlib
import socket
import time
from http.client import HTTPResponse
from types import SimpleNamespace

import orjson
import pytest

from tests.conftest import TEMPLATE
from tests.federation.cities import LIMITS, Federation

REQUEST_S = 4.0
QUERY = orjson.dumps({"query": "{ cities { id } }"})
URL = "/graphql?query=%7Bcities%7Bid%7D%7D"
LARGE = orjson.dumps({"query": "{ __schema { types { name description fields { name description } } } }"})


@pytest.fixture(scope="module")
def town(postgres_url, tmp_path_factory):
    """One city, served by `verbund serve`."""
    assert f"request_ms = {REQUEST_S * 1000:.0f}" in LIMITS
    federation = Federation(tmp_path_factory.mktemp("server"))
    town = federation.add("giessen", postgres_url, TEMPLATE)
    federation.sign()
    federation.start()
    yield town
    federation.stop()


@pytest.fixture
def connection(town):
    with socket.create_connection(("127.0.0.1", town.settings.port), timeout=REQUEST_S * 3) as connection:
        yield connection


def raw(line: str, body: bytes = b"", **headers: str) -> bytes:
    head = {"Host": "giessen", "Content-Type": "application/json", "Content-Length": str(len(body))}
    head |= {name.replace("_", "-"): value for name, value in headers.items()}
    return (
        f"{line} HTTP/1.1\r\n{''.join(f'{n}: {v}' + chr(13) + chr(10) for n, v in head.items() if v)}\r\n".encode()
        + body
    )


def answer(connection, method: str = "POST") -> HTTPResponse:
    """Reads not a byte too many: what a wrong length leaves over is then the next answer's trouble."""
    exact = SimpleNamespace(makefile=lambda mode: connection.makefile(mode, buffering=1))
    response = HTTPResponse(exact, method=method)
    response.begin()
    return response


def ask(connection, line: str, body: bytes = b"", **headers: str) -> tuple[HTTPResponse, bytes]:
    connection.sendall(raw(line, body, **headers))
    response = answer(connection, line.partition(" ")[0])
    return response, response.read()


def test_one_connection_serves_every_kind_of_answer(connection):
    """Had one of them a wrong length, the next could not be read."""
    first, body = ask(connection, f"GET {URL}")
    assert (first.status, orjson.loads(body)["data"]) == (200, {"cities": [{"id": "giessen"}]})
    tag = first.headers["ETag"]
    head, nothing = ask(connection, f"HEAD {URL}")
    assert (head.status, head.headers["ETag"], nothing) == (200, tag, b"")
    assert int(head.headers["Content-Length"]) == len(body)
    unchanged, nothing = ask(connection, f"GET {URL}", If_None_Match=tag)
    assert (unchanged.status, unchanged.headers["ETag"], nothing) == (304, tag, b"")
    assert unchanged.headers["Content-Length"] is None
    options, nothing = ask(connection, "OPTIONS /graphql")
    assert (options.status, nothing, options.headers["Content-Length"]) == (204, b"", None)
    refused, body = ask(connection, "PUT /graphql")
    assert (refused.status, "errors" in orjson.loads(body)) == (405, True)
    posted, body = ask(connection, "POST /graphql", QUERY)
    assert (posted.status, "data" in orjson.loads(body)) == (200, True)


def test_a_body_in_chunks(connection):
    chunks = b"".join(b"%x\r\n%b\r\n" % (1, QUERY[i : i + 1]) for i in range(len(QUERY))) + b"0\r\n\r\n"
    connection.sendall(raw("POST /graphql", Content_Length="", Transfer_Encoding="chunked") + chunks)
    response = answer(connection)
    assert (response.status, "data" in orjson.loads(response.read())) == (200, True)


@pytest.mark.parametrize("tells_length", [False, True])
def test_a_body_beyond_the_bound(connection, tells_length):
    headers = (
        {"Content_Length": "999999999"} if tells_length else {"Content_Length": "", "Transfer_Encoding": "chunked"}
    )
    connection.sendall(raw("POST /graphql", **headers))
    if not tells_length:
        with contextlib.suppress(ConnectionError):  # the answer may come, and the connection end, before all is sent
            for _ in range(4):
                connection.sendall(b"%x\r\n%b\r\n" % (50_000, b" " * 50_000))
    response = answer(connection)
    assert response.status == 413
    assert "131072" in orjson.loads(response.read())["errors"][0]["message"]


def test_a_body_that_never_ends_holds_the_request_no_longer_than_its_time(connection):
    connection.sendall(raw("POST /graphql", b"{", Content_Length="50"))
    started = time.monotonic()
    response = answer(connection)
    assert response.status == 408
    assert orjson.loads(response.read())["errors"][0]["extensions"]["code"] == "TIMEOUT"
    assert REQUEST_S * 0.9 < time.monotonic() - started < REQUEST_S * 2
    assert connection.recv(1) == b""  # what would still come could not be told from a new request


def test_clients_that_go_are_no_news(town):
    for sent in (
        raw("POST /graphql", b"{", Content_Length="50"),
        raw("POST /graphql", QUERY),
        raw("POST /graphql", LARGE),
        raw("POST /graphql", LARGE, Accept_Encoding="zstd"),
    ):
        with socket.create_connection(("127.0.0.1", town.settings.port)) as leaving:
            leaving.sendall(sent)
    with socket.create_connection(("127.0.0.1", town.settings.port), timeout=10) as connection:
        response, _ = ask(connection, "POST /graphql", QUERY)
    assert response.status == 200
    time.sleep(0.5)
    log = town.process.log_file.read_text()
    assert "Traceback" not in log
    assert "ERROR" not in log
