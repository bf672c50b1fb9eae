"""The page of one dataset: what it is, whose, who may read it, what it looks like now."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from node.web.pages import Page, Visit
from node.web.portal import Portal, not_found
from node.web.stored import Answer, Asker
from schema.ids import GlobalId

WEEK = timedelta(days=7)
Counts = Callable[[], Awaitable[list[tuple[Any, ...]]]]
COUNT = "CountObservation"


class DatasetPage:
    """The view."""

    def __init__(self, asker: Asker, portal: Portal, city: str, counts: Counts) -> None:
        self._asker = asker
        self._portal = portal
        self._city = city
        self._counts = counts

    async def view(self, visit: Visit) -> Page:
        """The dataset, and a week of its observations if it has any."""
        city = visit.parts["city"]
        members = self._portal.members()
        if city not in members:
            return not_found()
        global_id = str(GlobalId(city, "dataset", visit.parts["key"]))
        answer = await self._asker.ask("dataset", visit.caller, id=global_id)
        if "CITY_UNAVAILABLE" in answer.codes:
            return Page("city_away.html", {"found": answer}, context={"members": members, "city": city}, status=503)
        dataset = answer.data.get("dataset")
        if dataset is None:
            return not_found()
        streams = dataset["datastreams"]["nodes"]
        answers = {"found": answer}
        week = await self._week(visit, city, global_id, streams)
        if week is not None:
            answers["week"] = week
        uses = months(await self._counts(), global_id) if city == self._city else None
        return Page(
            "dataset.html",
            answers,
            facts={"uses": uses},
            context={
                "dataset": dataset,
                "members": members,
                "streams": streams,
                "places": places(streams),
                "charts": charts(week.data if week else {}, streams),
                "latest": max((one["latest"]["phenomenonTime"] for one in streams if one["latest"]), default=None),
            },
        )

    async def _week(
        self, visit: Visit, city: str, global_id: str, streams: Sequence[Mapping[str, Any]]
    ) -> Answer | None:
        ends = [datetime.fromisoformat(one["phenomenonEnd"]) for one in streams if one["phenomenonEnd"]]
        if not ends:
            return None
        end = _next_slot(max(ends))
        during = {"start": (end - WEEK).isoformat(), "end": end.isoformat()}
        return await self._asker.ask("week", visit.caller, city=city, dataset=global_id, during=during)


def months(counts: Sequence[tuple[Any, ...]], dataset: str) -> list[dict[str, Any]]:
    """Who used a dataset, by month, newest first: whole months, cities, no persons. `city` None: without a token."""
    found = [
        {"month": month, "city": city, "requests": requests, "rows": rows}
        for month, of, city, requests, rows in counts
        if of == dataset
    ]
    return sorted(found, key=lambda one: one["month"], reverse=True)


def places(streams: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The things of the datastreams that have a location, each with its datastreams."""
    found: dict[str, dict[str, Any]] = {}
    for stream in streams:
        thing = stream["thing"]
        if thing["location"] is not None:
            found.setdefault(thing["id"], {**thing, "streams": []})["streams"].append(stream)
    return list(found.values())


def charts(week: Mapping[str, Any], streams: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Per observed property and unit: start, value now, value a year before; counts add up, all else is a mean."""
    groups = (week.get("aggregate") or {}).get("groups", [])
    counted = {one["observedProperty"]["name"] for one in streams if one["observationType"].rpartition("_")[2] == COUNT}
    return [_chart(group, "sum" if group["observedProperty"]["name"] in counted else "avg") for group in groups]


def _chart(group: Mapping[str, Any], statistic: str) -> dict[str, Any]:
    buckets = group["buckets"]
    expected = [bucket["expected"] for bucket in buckets]
    known = all(one is not None for one in expected)
    return {
        "name": group["observedProperty"]["name"],
        "unit": group["unit"],
        "statistic": statistic,
        "rows": [
            {"start": b["start"], "now": b[statistic], "before": (b["previous"] or {}).get(statistic)} for b in buckets
        ],
        "expected": sum(expected) if known else None,
        "missing": sum(bucket["missing"] for bucket in buckets) if known else None,
    }


def _next_slot(moment: datetime) -> datetime:
    """The full hour at or after the moment: where the week ends."""
    whole = moment.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
    return whole if whole == moment else whole + timedelta(hours=1)
