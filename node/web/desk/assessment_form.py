"""The form of an assessment: its fields are those of the API's `AssessmentInput`. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import Any

from node.web.desk.obligation_fields import fields_of, read_fields
from node.web.forms import Form
from policy.errors import Wrong

CHOICES: Mapping[str, tuple[str, ...]] = {
    "tier": ("OPEN", "SHARED", "INTERNAL", "PROTECTED"),
    "personalReference": ("NONE", "INDIRECT", "DIRECT"),
    "confidentiality": ("NORMAL", "HIGH", "VERY_HIGH"),
    "integrity": ("NORMAL", "HIGH", "VERY_HIGH"),
    "availability": ("NORMAL", "HIGH", "VERY_HIGH"),
    "consent": ("NOT_NEEDED", "NEEDED", "GIVEN"),
}
TEXTS = (
    "reason", "anonymisation", "legalBasis", "licence", "consentReference", "hvdCategory", "dataOwner", "dataSteward",
    "referenceClass",
)  # fmt: skip
OBLIGATIONS = ("obligations", "openObligations")
LIMITED = "limited"  # whether purposes are limited to those that are ticked


class AssessmentForm:
    """A form that somebody sent. `flaws`: what can be told without asking the API."""

    def __init__(self, dataset: str, form: Form) -> None:
        self._dataset = dataset
        self._form = form

    @cached_property
    def flaws(self) -> dict[str, dict[str, str]]:
        """By field."""
        found = {
            name: _flaw(name, Wrong.EMPTY, "choose one")
            for name, choices in CHOICES.items()
            if self._form.first(name) not in choices
        }
        try:
            self._form.day("reviewDue")
        except ValueError:
            found["reviewDue"] = _flaw("reviewDue", Wrong.FORM, "write a day, e.g. 2027-06-01")
        return found

    @property
    def assessment(self) -> dict[str, Any]:
        """As the API takes it, if there are no flaws."""
        form = self._form
        return {
            "dataset": self._dataset,
            "purposes": form.all("purposes") if form.first(LIMITED) == "yes" else None,
            "reviewDue": form.day("reviewDue"),
            "retention": form.lines("retention"),
            **{name: form.first(name) for name in (*CHOICES, *TEXTS)},
            **{name: read_fields(form, name) for name in OBLIGATIONS},
        }


def filled_from(version: Mapping[str, Any] | None, item: Mapping[str, Any]) -> Form:
    """The form with what an assessment says; without one, with what is usual."""
    if version is None:
        usual = {name: [choices[0]] for name, choices in CHOICES.items()} | {"tier": [], LIMITED: ["no"]}
        return Form(usual | fields_of("openObligations", item["proposedOpenObligations"]))
    values = {name: [version[name]] for name in (*CHOICES, *TEXTS)}
    values[LIMITED] = ["no" if version["purposes"] is None else "yes"]
    values["purposes"] = version["purposes"] or []
    values["reviewDue"] = [(version["reviewDue"] or "")[:10]]
    values["retention"] = ["\n".join(version["retention"])]
    for name in OBLIGATIONS:
        values |= fields_of(name, version[name])
    return Form(values)


def _flaw(name: str, wrong: Wrong, text: str) -> dict[str, str]:
    return {"name": name, "wrong": wrong.value, "message": text}
