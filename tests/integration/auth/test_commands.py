"""The commands about applications, tokens and membership, as an administrator types them."""

from __future__ import annotations

import asyncio
import hashlib
import json
import re
import stat
import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import psycopg
import pytest
from click.testing import CliRunner, Result
from joserfc.jwk import ECKey

from federation.jose import public_jwks
from federation.trust.anchor import read_anchor, read_members
from federation.trust.node_configuration import Presented, sign_configuration
from node.auth.applications import list_applications
from node.auth.key_directory import read_key_ring
from node.auth.key_ring import KeyUse
from node.auth.keys import create_signing_key, load_signing_key, public_pem
from node.auth.token_check import InvalidToken
from node.cli.main import cli
from node.store.engine import make_engine
from tests.integration.auth.nodes import Node, running_node
from tests.unit.node.auth.world import membership_of

ANKER = "https://anker.example"


class Desk:
    """A node's home and a shell in it."""

    def __init__(self, home: Path, database_url: str) -> None:
        self.home = home
        self.database_url = database_url
        for use in ("signing", "federation"):
            create_signing_key(home / "keys" / f"{use}.pem")
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


def keys_of(desk: Desk) -> list[str]:
    engine = make_engine(desk.database_url)
    try:
        return [key["kid"] for key in list_applications(engine)[0].jwks["keys"]]
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
            (["desk", "--purpose", "statistics"], "reserved for people at the node's own desks"),
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

    def test_rotate(self, desk: Desk) -> None:
        desk.add("--key-out", desk.home / "one.pem")
        assert "a further key" in desk.ok("client", "rotate", "app-1", "--key-out", desk.home / "two.pem")
        assert len(keys_of(desk)) == 2
        public = desk.home / "two.pub"
        public.write_text(public_pem(load_signing_key(desk.home / "two.pem")))
        desk.fails("same kid", "client", "rotate", "app-1", "--public-key", public)
        assert "no other" in desk.ok("client", "rotate", "app-1", "--public-key", public, "--drop-old")
        assert keys_of(desk) == [load_signing_key(desk.home / "two.pem").kid]
        desk.fails("no application 'app-2'", "client", "rotate", "app-2", "--key-out", desk.home / "three.pem")
        assert not (desk.home / "three.pem").exists()
        desk.fails("either", "client", "rotate", "app-1")

    def test_refuse_an_application_of_another_city(self, desk: Desk) -> None:
        desk.ok("client", "refuse", "offenbach/verkehrsportal")
        desk.ok("client", "refuse", "offenbach/verkehrsportal")
        assert "offenbach/verkehrsportal" in desk.ok("client", "refused")
        desk.ok("client", "allow", "offenbach/verkehrsportal")
        assert "offenbach" not in desk.ok("client", "refused")
        desk.fails("is not refused", "client", "allow", "offenbach/verkehrsportal")
        for name in ("offenbach", "Offenbach/x", "/x", "offenbach/", "offenbach/a/b"):
            desk.fails("is not CITY/APPLICATION", "client", "refuse", name)

    def test_who_is_let_in_or_not_is_recorded(self, desk: Desk) -> None:
        desk.add("--key-out", desk.home / "one.pem", "--scope", "audit:read")
        desk.fails("registered already", "client", "add", "app-1", "--name", "B", "--purpose", "research", "--key-out",
                   desk.home / "two.pem")  # fmt: skip
        desk.ok("client", "rotate", "app-1", "--key-out", desk.home / "three.pem", "--drop-old")
        desk.ok("client", "suspend", "app-1")
        desk.ok("client", "activate", "app-1")
        desk.ok("client", "refuse", "offenbach/verkehrsportal")
        desk.ok("client", "allow", "offenbach/verkehrsportal")
        listed = desk.ok("audit", "list", "kind:operator", "--format", "jsonl").splitlines()
        verbs = [json.loads(line)["action"].removeprefix("operator:client:") for line in reversed(listed)]
        assert verbs == ["add", "rotate", "suspend", "activate", "refuse", "allow"]
        with psycopg.connect(desk.database_url) as connection:
            texts = {text for (text,) in connection.execute("select document from operation")}
        assert "client add app-1 for statistics with audit:read" in texts
        assert "client rotate app-1 and drop the old keys" in texts

    def test_where_people_come_back_to(self, desk: Desk) -> None:
        desk.add("--key-out", desk.home / "one.pem", "--redirect-uri", "https://portal.example/back")
        desk.fails(
            "redirect URI", "client", "add", "app-2", "--name", "A", "--purpose", "research", "--redirect-uri",
            "http://portal.example/", "--key-out", desk.home / "two.pem",
        )  # fmt: skip


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
    """An anchor's office, and a node beside it, by commands alone."""

    @pytest.fixture
    def office(self, desk: Desk, tmp_path: Path) -> Path:
        desk.ok("anchor", "init", tmp_path / "office", "--url", ANKER, "--name", "Anker", "--unsafe-no-passphrase")
        return tmp_path / "office"

    @pytest.fixture
    def description(self, desk: Desk, tmp_path: Path) -> Path:
        file = tmp_path / "wetzlar.jwt"
        file.write_text(desk.run("member", "describe").stdout)
        return file

    def fingerprint(self, desk: Desk) -> str:
        return desk.run("member", "describe").stderr.partition(": ")[2].strip()

    def publish(self, desk: Desk, office: Path, *more: object) -> dict[str, str]:
        """What the anchor says of each member, by id."""
        desk.ok("anchor", "publish", office, "--out", office / "site", *more)
        jwks = json.loads((office / "anchor.json").read_text())["jwks"]
        now = datetime.now(UTC)
        token = (office / "site" / ".well-known" / "openid-federation").read_bytes()
        anchor = read_anchor(token, ANKER, jwks, now)
        (document,) = [
            content
            for file in (office / "site" / "federation" / "members").iterdir()
            if hashlib.sha256(content := file.read_bytes()).hexdigest() == anchor.digest
        ]
        return {one.id: one.status for one in read_members(document, anchor, now)}

    def test_a_city_is_approved_by_its_fingerprint_suspended_and_removed(self, desk, office, description):
        assert "PRIVATE" not in (office / "anchor.json").read_text()
        approve = ("member", "approve", "--anchor", office, description)
        desk.fails("compare the fingerprint", *approve)
        desk.fails("made by whom you have spoken with", *approve, "--fingerprint", "0" * 32)
        assert self.publish(desk, office) == {}
        desk.ok(*approve, "--fingerprint", self.fingerprint(desk).upper())
        assert self.publish(desk, office) == {"wetzlar": "ACTIVE"}
        assert json.loads((office / "site" / "federation" / "list").read_bytes()) == ["https://daten.wetzlar.example"]
        assert len(list((office / "site" / "federation" / "fetch").iterdir())) == 1
        desk.ok("member", "suspend", "--anchor", office, "wetzlar", "--reason", "Schlüssel verloren")
        assert "Schlüssel verloren" in desk.ok("member", "list", "--anchor", office)
        assert self.publish(desk, office) == {"wetzlar": "SUSPENDED"}
        assert json.loads((office / "site" / "federation" / "list").read_bytes()) == []
        assert list((office / "site" / "federation" / "fetch").iterdir()) == []
        desk.ok("member", "activate", "--anchor", office, "wetzlar")
        assert self.publish(desk, office) == {"wetzlar": "ACTIVE"}
        desk.ok("member", "remove", "--anchor", office, "wetzlar")
        assert self.publish(desk, office) == {}
        desk.fails("not in the register", "member", "suspend", "--anchor", office, "wetzlar", "--reason", "x")

    def test_a_node_asks_for_its_new_key_itself(self, desk, office, description, tmp_path):
        desk.ok("member", "approve", "--anchor", office, description, "--fingerprint", self.fingerprint(desk))
        desk.ok("key", "rotate", "--use", "federation")
        description.write_text(desk.run("member", "describe").stdout)
        desk.ok("member", "approve", "--anchor", office, description)
        (entry,) = json.loads((office / "members.json").read_text())["members"]
        assert len(entry["jwks"]["keys"]) == 2

    def test_a_stranger_can_not_take_a_members_place_with_a_key_of_the_same_name(self, desk, office, description):
        desk.ok("member", "approve", "--anchor", office, description, "--fingerprint", self.fingerprint(desk))
        (entry,) = json.loads((office / "members.json").read_text())["members"]
        kid = entry["jwks"]["keys"][0]["kid"]
        forged = ECKey.import_key(ECKey.generate_key("P-256").as_dict(private=True), {"kid": kid})
        description.write_text(
            sign_configuration(
                issuer=entry["issuer"],
                presented=Presented("wetzlar", "Wetzlar"),
                federation_key=forged,
                federation_jwks=public_jwks(forged),
                jwks=public_jwks(forged),
                server_metadata={"issuer": entry["issuer"], "token_endpoint": entry["issuer"] + "/oauth/token"},
                anchors=[],
                now=datetime.now(UTC),
            )
        )
        desk.fails("compare the fingerprint", "member", "approve", "--anchor", office, description)

    def test_an_end_of_membership(self, desk, office, description):
        approve = ("member", "approve", "--anchor", office, description, "--fingerprint", self.fingerprint(desk))
        desk.fails("--until must be after", *approve, "--until", "2026-01-01")
        desk.ok(*approve, "--until", "2999-01-01")
        assert "2999-01-01" in desk.ok("member", "list", "--anchor", office)

    def test_joining_puts_the_anchor_in_place(self, desk, office):
        assert "fingerprint" in desk.ok("member", "join", "--offline", office / "anchor.json")
        (file,) = (desk.home / "anchors").iterdir()
        assert json.loads(file.read_text())["anchor"] == ANKER
        desk.fails("nothing has been heard", "member", "list")
        desk.fails("can't be asked", "member", "join", office / "anchor.json")
        (office / "anchor.json").write_text("{}")
        desk.fails("is not an anchor's file", "member", "join", "--offline", office / "anchor.json")

    def test_an_anchor_is_not_overwritten(self, desk, office):
        again = ("anchor", "init", office, "--url", ANKER, "--name", "Anker", "--unsafe-no-passphrase")
        desk.fails("holds an anchor already", *again)

    def test_the_anchors_key_is_encrypted_with_a_passphrase(self, desk, tmp_path):
        passphrase = tmp_path / "passphrase"
        passphrase.write_text("lang genug für eine Passphrase")
        passphrase.chmod(0o600)
        office = tmp_path / "office"
        words = ("--url", ANKER, "--name", "Anker", "--passphrase-file", passphrase)
        desk.ok("anchor", "init", office, *words)
        (key,) = (office / "keys").iterdir()
        assert b"ENCRYPTED" in key.read_bytes()
        assert stat.S_IMODE(key.stat().st_mode) == 0o600
        assert self.publish(desk, office, "--passphrase-file", passphrase) == {}

    def test_a_new_anchor_key_is_announced_and_a_stolen_one_revoked(self, desk, office):
        desk.ok("anchor", "rotate", office, "--days", 7)
        assert self.publish(desk, office) == {}
        first, second = json.loads((office / "anchor.json").read_text())["jwks"]["keys"]
        assert "every member must get" in desk.ok("anchor", "revoke", office, first["kid"])
        kids = [key["kid"] for key in json.loads((office / "anchor.json").read_text())["jwks"]["keys"]]
        assert first["kid"] not in kids
        assert second["kid"] in kids
        assert self.publish(desk, office) == {}


class TestKeys:
    @pytest.fixture(autouse=True)
    def without_workers(self, monkeypatch):
        monkeypatch.setattr("node.cli.key.SUCCEEDS_AFTER_S", 0)

    def test_the_keys_are_listed_rotated_and_revoked(self, desk):
        kid = load_signing_key(desk.home / "keys" / "signing.pem").kid
        assert kid[:8] in desk.ok("key", "list")
        desk.ok("key", "rotate")
        assert "NEXT" in desk.ok("key", "list")
        for unknown in ("xxx", "-xx", "--x", "-xhx"):
            desk.fails("no key has such an id", "key", "revoke", unknown)
        assert "takes its place" in desk.ok("key", "revoke", kid[:12])
        assert kid[:8] not in desk.ok("key", "list")
        (revoked,) = (desk.home / "keys" / "revoked").iterdir()
        assert re.fullmatch(r"signing-revoked-\d{8}T\d{6}Z\.pem", revoked.name)
        assert load_signing_key(revoked).kid == kid

    @pytest.mark.parametrize("use", ["signing", "federation"])
    def test_a_stolen_key_is_followed_by_a_new_one_not_by_the_one_before_it(self, desk, use):
        old = load_signing_key(desk.home / "keys" / f"{use}.pem").kid
        stolen = desk.ok("key", "rotate", "--use", use, "--after", "0").split()[0]
        told = desk.ok("key", "revoke", stolen)
        new = told.split()[0]
        ring = read_key_ring(desk.home / "keys", None)
        assert new not in (old, stolen)
        assert ring.current(KeyUse(use), time.time()).kid == new
        assert f"{old} is still accepted" in told
        desk.ok("key", "revoke", old)  # signs no more: none has to take its place
        assert [held.kid for held in read_key_ring(desk.home / "keys", None).of(KeyUse(use))] == [new]

    def test_keys_in_the_clear_are_encrypted(self, desk, tmp_path):
        desk.fails("there is no passphrase", "key", "encrypt")
        desk.ok("key", "revoke", load_signing_key(desk.home / "keys" / "signing.pem").kid)
        passphrase = tmp_path / "passphrase"
        passphrase.write_text("lang genug für eine Passphrase")
        passphrase.chmod(0o600)
        settings = desk.home / "verbund.toml"
        settings.write_text(settings.read_text() + f'\nkey_passphrase_file = "{passphrase}"\n')
        desk.fails("verbund key encrypt", "key", "list")
        told = desk.ok("key", "encrypt")
        for encrypted in ("federation.pem", "log.pem", "witness.pem", "revoked/signing-revoked-"):
            assert encrypted in told
        assert told.count(": encrypted") == 5
        assert desk.ok("key", "list").count("ACTIVE") == 2
        assert all(b"ENCRYPTED" in path.read_bytes() for path in (desk.home / "keys").rglob("*.pem"))
        assert desk.ok("key", "encrypt").count("was encrypted already") == 5
