"""What a city tells on its pages."""

from __future__ import annotations

from typing import Annotated

import msgspec

from node.settings.meaning import told


class Portal(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a city tells on its pages. What is missing is marked there as still to be filled."""

    operator: Annotated[str | None, told("Who provides the pages, e.g. Magistrat der Universitätsstadt Gießen.")] = None
    address: Annotated[str | None, told("Postal address.")] = None
    represented_by: Annotated[str | None, told("Name and office.")] = None
    email: Annotated[str | None, told("How to reach the provider by e-mail.")] = None
    telephone: Annotated[str | None, told("How to reach the provider by telephone.")] = None
    data_protection: Annotated[str | None, told("Name and contact of the data protection officer.")] = None
    accessibility_contact: Annotated[str | None, told("To whom barriers are reported.")] = None
    accessibility_checked: Annotated[str | None, told("When and how accessibility was checked last.")] = None
    accessibility_gaps: Annotated[str | None, told("What is not accessible yet, and why.")] = None
    easy_language: Annotated[str | None, told("https address of explanations in easy language.")] = None
    sign_language: Annotated[str | None, told("https address of explanations in sign language.")] = None
    tiles: Annotated[
        str | None,
        told(
            "https address of a server of map tiles, with `{z}`, `{x}`, `{y}`. Without it maps load nothing: visitors'"
            " addresses stay here."
        ),
    ] = None
    tiles_attribution: Annotated[str | None, told("Whom the tiles are from; required with `tiles`.")] = None
