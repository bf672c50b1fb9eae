"""Who may work at the node's desks, as the city's identity provider tells."""

from __future__ import annotations

from typing import Annotated

import msgspec

from node.settings.meaning import told


class Desk(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which claims of the identity provider let people work at the desks."""

    roles_claim: Annotated[
        str, told("The claim of the ID token with somebody's roles: a word, or a list of words.")
    ] = "roles"
    auditor_role: Annotated[str, told("The word that makes an auditor.")] = "verbund-auditor"
    steward_role: Annotated[str, told("The word that makes a steward.")] = "verbund-steward"
    person_claim: Annotated[
        str,
        told(
            "The claim by which somebody stands in records and assessments; of `sub` it is a pseudonym. Another one"
            " must be unique at the provider and out of people's own hands: four eyes rest on it."
        ),
    ] = "sub"
    scope: Annotated[str, told("What the provider is asked for, e.g. `openid profile`.")] = "openid"
