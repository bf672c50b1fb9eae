"""Pages without data: guide, explorer, and the texts that a city fills by its settings."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from node.web.pages import Page, View, Visit

EXAMPLES = Path(__file__).parent / "examples"


def text_view(template: str) -> View:
    """A view of a template alone."""

    async def view(_visit: Visit) -> Page:
        return Page(template, facts={"text": template.removesuffix(".html")})

    return view


def examples() -> Mapping[str, str]:
    """The guide's operations by name, in the guide's order."""
    return {
        path.stem.partition("-")[2]: path.read_text(encoding="utf-8") for path in sorted(EXAMPLES.glob("*.graphql"))
    }


async def guide(_visit: Visit) -> Page:
    """The way to a first query."""
    return Page("docs.html", facts={"examples": examples()})


async def explorer(_visit: Visit) -> Page:
    """GraphiQL; its editor writes styles of its own into the page, so this page allows them."""
    return Page("explorer.html", facts={"query": examples()["federated"]}, inline_styles=True)
