"""The documentation speaks of what there is, and of all of it."""

from __future__ import annotations

import re
from itertools import pairwise
from pathlib import Path

import click
import pytest
from graphql import build_schema, parse, validate

from node.cli.main import COMMANDS, cli
from node.http import problem
from node.settings.reference import reference
from policy.model import Tier
from policy.vocabulary import PURPOSES
from schema import errors

ROOT = Path(__file__).parents[2]
SCHEMA = build_schema((ROOT / "schema" / "schema.graphql").read_text(encoding="utf-8"))
PAGES = [ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").rglob("*.md"))]


def rows(page: str) -> set[str]:
    """The first cells of a page's tables, without their code marks."""
    text = (ROOT / "docs" / page).read_text(encoding="utf-8")
    return {
        name for cell in re.findall(r"^\| ([^|]+) \|", text, re.MULTILINE) for name in re.findall(r"`([^`]+)`", cell)
    }


def test_the_reference_of_settings_is_made_from_the_code():
    assert reference() == (ROOT / "docs" / "settings.md").read_text(encoding="utf-8"), "run `make settings`"


def test_every_error_code_is_explained():
    codes = {kind.code for kind in vars(errors).values() if isinstance(kind, type) and hasattr(kind, "code")}
    codes |= {code for code, _ in problem._CODES.values()} | {problem.INTERNAL, "SYNTAX", "INVALID", "TIMEOUT"}
    assert codes <= rows("errors.md")


def test_every_tier_and_purpose_is_explained():
    assert {*Tier, *PURPOSES} <= rows("policy.md")


def commands(name: str, command: click.Command) -> list[str]:
    if not isinstance(command, click.Group):
        return [name]
    return [leaf for child, sub in command.commands.items() for leaf in commands(f"{name} {child}", sub)]


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_every_command_is_explained(name):
    command = cli.get_command(click.Context(cli), name)
    assert command is not None
    assert set(commands(f"verbund {name}", command)) <= rows("cli.md")


SECURITY = {  # pages, and the part of them whose tables name tests
    "security-tests.md": "# What is promised",
    "threat-model.md": "## What stops what",
    "membership.md": "## What stops what",
}


@pytest.mark.parametrize("page", SECURITY)
def test_the_security_tests_are_there_and_no_row_is_without_one(page):
    text = (ROOT / "docs" / page).read_text(encoding="utf-8").partition(SECURITY[page])[2]
    text = text if page == "security-tests.md" else text.partition("\n## ")[0]
    named = set(re.findall(r"`(test_\w+)`", text))
    known = {
        name
        for file in (ROOT / "tests").rglob("test_*.py")
        for name in re.findall(r"def (test_\w+)", file.read_text(encoding="utf-8"))
    }
    assert named - known == set()
    lines = text.splitlines()
    rows_of_tables = [line for line, after in pairwise(lines) if line.startswith("| ") and "| --- |" not in after]
    without = [line for line in rows_of_tables if "`test_" not in line and "| --- |" not in line]
    assert rows_of_tables
    assert without == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_queries_fit_the_schema(page):
    text = page.read_text(encoding="utf-8")
    blocks = re.findall(r"^```graphql\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    queries = re.findall(r"`(\{ \w[^`]* \})`", text)
    sent = re.findall(r"""['"]query['"]?[:=] ?\s*["']?((?:subscription )?\{ .* \})['"]""", text)
    for query in [*blocks, *queries, *(one.replace('\\"', '"') for one in sent)]:
        if "{ … }" not in query:
            assert validate(SCHEMA, parse(query)) == [], query


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page):
    for target in re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", page.read_text(encoding="utf-8")):
        if "://" not in target:
            assert (page.parent / target).exists(), f"{page.name} → {target}"


def test_every_decision_has_the_same_parts():
    for page in (ROOT / "docs" / "adr").glob("*.md"):
        text = page.read_text(encoding="utf-8")
        for part in ("**Context.**", "**Decision.**", "**Consequences.**"):
            assert part in text, f"{page.name} lacks {part}"
