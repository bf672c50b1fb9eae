"""The commands about applications, tokens and membership, as an administrator types them."""

from __future__ import annotations

import asyncio
import json
import stat
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from federation.jose import public_jwks
from federation.membership import Member
from federation.roster import describe_member
from node.auth.applications import list_applications
from node.auth.keys import create_signing_key, load_signing_key, public_pem
from node.auth.token_check import InvalidToken
from node.cli.main import cli
from node.store.engine import make_engine
from tests.integration.auth.nodes import Node, running_node
from tests.unit.node.auth.world import membership_of


class Desk:
    """A node's home and a shell in it."""

    def __init__(self, home: Path, database_url: str) -> None:
        self.home = home
        self.database_url = database_url
        create_signing_key(home / "keys" / "signing.pem")
        (home / "verbund.toml").write_text(
            f'city = "wetzlar"\nname = "Wetzlar"\nags = "06532023"\nissuer = "https://daten.wetzlar.example"\n'
            f"database_url = {json.dumps(database_url)}\n",
            encoding="utf-8",
        )

    def run(self, *arguments: object) -> Result:
        return CliRunner().invoke(cli, ["--home", str(self.home), *map(str, arguments)])

    def ok(self, *arguments: object) -> str:
        result = self.run(*arguments)
        assert result.exit_code == 0, (result.output, result.exception)
        return result.stdout

    def fails(self, text: str, *arguments: object) -> None:
        result = self.run(*arguments)
        assert result.exit_code != 0
        assert text in result.output + str(result.exception)
        assert "Traceback" not in result.output

    def add(self, *arguments: object, application: str = "app-1") -> str:
        return self.ok("client", "add", application, "--name", "App", "--purpose", "statistics", *arguments)


@pytest.fixture
def desk(tmp_path: Path, database_url: str) -> Desk:
    return Desk(tmp_path, database_url)


@pytest.fixture
async def node(database_url: str) -> AsyncIterator[Node]:
    async with running_node("wetzlar", database_url) as it:
        it.members.append(membership_of(it.city))
        yield it


def applications(desk: Desk) -> list[tuple[str, str]]:
    engine = make_engine(desk.database_url)
    try:
        return [(one.id, one.status) for one in list_applications(engine)]
    finally:
        engine.dispose()


class TestClient:
    def test_a_new_key_is_for_its_owner_only(self, desk: Desk) -> None:
        key_file = desk.home / "app" / "key.pem"
        assert "hand it over safely" in desk.add("--key-out", key_file)
        assert stat.S_IMODE(key_file.stat().st_mode) == 0o600
        load_signing_key(key_file)
        assert applications(desk) == [("app-1", "ACTIVE")]

    @pytest.mark.parametrize("form", ["pem", "jwks"])
    def test_the_makers_own_public_key(self, desk: Desk, form: str) -> None:
        key = create_signing_key(desk.home / "own.pem")
        public = desk.home / "public"
        public.write_text(public_pem(key) if form == "pem" else json.dumps(public_jwks(key)))
        desk.add("--public-key", public)
        engine = make_engine(desk.database_url)
        assert list_applications(engine)[0].jwks == public_jwks(key)
        engine.dispose()

    def test_a_private_key_is_not_registered(self, desk: Desk) -> None:
        create_signing_key(desk.home / "own.pem")
        arguments = ("client", "add", "app-1", "--name", "A", "--purpose", "statistics", "--public-key")
        desk.fails("private key", *arguments, desk.home / "own.pem")
        jwks = desk.home / "private.json"
        jwks.write_text(json.dumps({"keys": [load_signing_key(desk.home / "own.pem").as_dict(private=True)]}))
        desk.fails("private parts", *arguments, jwks)
        assert applications(desk) == []

    @pytest.mark.parametrize(
        ("arguments", "text"),
        [
            (["anonymous", "--purpose", "statistics"], "reserved"),
            (["App 1", "--purpose", "statistics"], "small letters"),
            (["https://x.example", "--purpose", "statistics"], "small letters"),
            (["app-1", "--purpose", "fun"], "'fun' is unknown; choose from traffic-planning"),
            (["app-1", "--purpose", "statistics", "--purpose", "statistics"], "once only"),
            (["app-1", "--purpose", "statistics", "--scope", "admin"], "choose from data:read"),
            (["app-1", "--purpose", "statistics", "--name", " "], "name"),
        ],
    )
    def test_mistakes_are_named_and_leave_nothing_behind(self, desk: Desk, arguments: list[str], text: str) -> None:
        key_file = desk.home / "key.pem"
        desk.fails(text, "client", "add", "--name", "A", *arguments, "--key-out", key_file)
        assert not key_file.exists()
        assert applications(desk) == []

    def test_an_id_is_given_once(self, desk: Desk) -> None:
        desk.add("--key-out", desk.home / "one.pem")
        arguments = ("client", "add", "app-1", "--name", "B", "--purpose", "research", "--key-out")
        desk.fails("registered already", *arguments, desk.home / "two.pem")
        assert not (desk.home / "two.pem").exists()

    def test_one_way_to_the_key_and_not_two(self, desk: Desk) -> None:
        desk.fails("either", "client", "add", "app-1", "--name", "A", "--purpose", "statistics")

    def test_an_existing_file_is_not_overwritten(self, desk: Desk) -> None:
        taken = desk.home / "taken"
        taken.write_text("precious")
        desk.fails(
            "not overwritten", "client", "add", "a-1", "--name", "A", "--purpose", "research", "--key-out", taken
        )
        assert taken.read_text() == "precious"

    def test_suspend_activate_list(self, desk: Desk) -> None:
        desk.add("--key-out", desk.home / "one.pem")
        desk.ok("client", "suspend", "app-1")
        assert applications(desk) == [("app-1", "SUSPENDED")]
        assert "SUSPENDED" in desk.ok("client", "list")
        desk.ok("client", "activate", "app-1")
        assert applications(desk) == [("app-1", "ACTIVE")]
        desk.fails("no application 'app-2'", "client", "suspend", "app-2")


class TestToken:
    async def token(self, desk: Desk, node: Node, *arguments: object, key: str = "key.pem") -> Result:
        fixed = ("token", "--node", node.city.issuer, "--client-id", "app-1", "--key", desk.home / key)
        return await asyncio.to_thread(desk.run, *fixed, *arguments)

    async def test_nothing_but_the_headers_of_one_request_is_printed(self, desk: Desk, node: Node) -> None:
        desk.add("--scope", "data:read", "--scope", "audit:read", "--key-out", desk.home / "key.pem")
        result = await self.token(desk, node, "--purpose", "statistics", "--scope", "data:read")
        headers = dict(line.split(": ", 1) for line in result.stdout.splitlines())
        assert set(headers) == {"Authorization", "DPoP"}
        caller = await node.caller(headers)
        assert (caller.application, caller.purpose, caller.scopes) == ("app-1", "statistics", frozenset({"data:read"}))
        with pytest.raises(InvalidToken, match="used before"):
            await node.caller(headers)

    async def test_the_nodes_explanation_is_passed_on(self, desk: Desk, node: Node) -> None:
        desk.add("--key-out", desk.home / "key.pem")
        result = await self.token(desk, node, "--purpose", "research")
        assert result.exit_code == 1
        assert "purpose research is not registered for this application; it has: statistics" in result.stderr
        assert result.stdout == ""

    async def test_a_key_that_is_not_registered(self, desk: Desk, node: Node) -> None:
        desk.add("--key-out", desk.home / "key.pem")
        create_signing_key(desk.home / "other.pem")
        result = await self.token(desk, node, key="other.pem")
        assert result.exit_code == 1
        assert "invalid_client" in result.stderr

    def test_a_node_that_is_away_or_none(self, desk: Desk) -> None:
        create_signing_key(desk.home / "key.pem")
        fixed = ("token", "--client-id", "app-1", "--key", desk.home / "key.pem", "--node")
        desk.fails("connected", *fixed, "http://127.0.0.1:9")
        desk.fails("is not the URL of a node", *fixed, "http://127.0.0.1:9/")


class TestMembership:
    def test_from_the_anchors_key_to_the_list_of_a_node(self, desk: Desk, tmp_path: Path) -> None:
        office = tmp_path / "office"
        desk.ok("anchor", "init", office)
        assert stat.S_IMODE((office / "anchor.pem").stat().st_mode) == 0o600
        assert "PRIVATE" not in (office / "anchor.json").read_text()
        other = Member("fulda", "Fulda", None, "https://daten.fulda.example", json.loads(_jwks(office)))
        (office / "members.toml").write_text(desk.ok("member", "describe") + describe_member(other), encoding="utf-8")
        signing = ("anchor", "sign", "--key", office / "anchor.pem", "--members", office / "members.toml", "--out")
        desk.fails("members.jwt can't be read", "member", "list")
        assert "2 members" in desk.ok(*signing, desk.home / "members.jwt", "--days", 7)
        (desk.home / "anchor.json").write_text(_jwks(office))
        listed = desk.ok("member", "list")
        for text in ("wetzlar", "06532023", "fulda", "ACTIVE"):
            assert text in listed

    def test_a_list_with_a_mistake_is_not_signed(self, desk: Desk, tmp_path: Path) -> None:
        desk.ok("anchor", "init", tmp_path / "office")
        roster = tmp_path / "members.toml"
        own = desk.ok("member", "describe")
        roster.write_text(own + own)
        key = tmp_path / "office" / "anchor.pem"
        desk.fails("twice", "anchor", "sign", "--key", key, "--members", roster, "--out", tmp_path / "out.jwt")
        assert not (tmp_path / "out.jwt").exists()

    def test_the_anchors_key_is_not_overwritten(self, desk: Desk, tmp_path: Path) -> None:
        desk.ok("anchor", "init", tmp_path / "office")
        desk.fails("not overwritten", "anchor", "init", tmp_path / "office")


def _jwks(office: Path) -> str:
    return (office / "anchor.json").read_text()
