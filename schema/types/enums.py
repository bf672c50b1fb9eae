"""Enumerations of the API."""

from __future__ import annotations

from enum import Enum

import strawberry


@strawberry.enum(description="How far a dataset may travel. Its owner decides.")
class Tier(Enum):
    """See `policy.model.Tier`."""

    OPEN = strawberry.enum_value("OPEN", description="Anyone. DCAT access right PUBLIC.")
    SHARED = strawberry.enum_value(
        "SHARED", description="Members under an agreement, for a purpose. DCAT access right RESTRICTED."
    )
    INTERNAL = strawberry.enum_value(
        "INTERNAL", description="The owner's own applications only. DCAT access right NON_PUBLIC."
    )
    PROTECTED = strawberry.enum_value(
        "PROTECTED", description="Never leaves as rows, not even within the city. DCAT access right NON_PUBLIC."
    )


@strawberry.enum(description="What a node, as a witness, knows of a city's access log.")
class LogState(Enum):
    """See `node.audit.witness`."""

    CONSISTENT = strawberry.enum_value("CONSISTENT", description="It has only grown since it was first seen.")
    UNKNOWN = strawberry.enum_value("UNKNOWN", description="It was not seen yet.")
    SILENT = strawberry.enum_value("SILENT", description="It was not seen, or not cosigned by a quorum, for hours.")
    TRUNCATED = strawberry.enum_value("TRUNCATED", description="It became shorter: records were removed.")
    FORKED = strawberry.enum_value("FORKED", description="Two trees of one size are signed: there are two histories.")
    REWRITTEN = strawberry.enum_value("REWRITTEN", description="It does not begin as it did: records were changed.")


@strawberry.enum(description="Quality of an observation's result (SensorThings resultQuality).")
class Quality(Enum):
    """As in the table `observation`."""

    RAW = strawberry.enum_value("RAW", description="As the sensor sent it.")
    CHECKED = strawberry.enum_value("CHECKED", description="Checked by the owner.")
    ESTIMATED = strawberry.enum_value("ESTIMATED", description="Estimated or corrected by the owner.")
    SUSPECT = strawberry.enum_value(
        "SUSPECT", description="Doubtful: the sensor reported a fault, or the local time was ambiguous."
    )
    MISSING = strawberry.enum_value("MISSING", description="The sensor gave no value; `result` is null.")


@strawberry.enum(description="Whether an answer with gaps is acceptable.")
class Completeness(Enum):
    """What `require` means."""

    BEST_EFFORT = strawberry.enum_value(
        "BEST_EFFORT", description="Answer with what arrived; `federation` names the cities that are missing, and why."
    )
    ALL = strawberry.enum_value(
        "ALL", description="Every city that was asked must answer; otherwise an error with code INCOMPLETE."
    )
    QUORUM = strawberry.enum_value(
        "QUORUM", description="At least `quorum` cities must answer; otherwise an error with code INCOMPLETE."
    )


@strawberry.enum(description="How a city took part in an answer.")
class CityState(Enum):
    """States of a city in the federation report."""

    OK = strawberry.enum_value("OK", description="Answered in full.")
    PARTIAL = strawberry.enum_value(
        "PARTIAL",
        description="Answered, but not all that was asked for: `reason` tells what it does not know. Rows may be"
        " incomplete.",
    )
    DENIED = strawberry.enum_value("DENIED", description="Refused the request.")
    TIMEOUT = strawberry.enum_value("TIMEOUT", description="Did not answer within its deadline.")
    UNREACHABLE = strawberry.enum_value("UNREACHABLE", description="No connection, or the node is out of service.")
    TOO_COSTLY = strawberry.enum_value(
        "TOO_COSTLY",
        description="Asked for more than it answers at once: ask for less, or for a shorter time.",
    )
    INCOMPATIBLE = strawberry.enum_value("INCOMPATIBLE", description="Answered in a form that can't be used.")
    SKIPPED = strawberry.enum_value("SKIPPED", description="Was not asked, because it can't have a match.")


@strawberry.enum(description="Order of datasets. Umlauts sort as their base letters.")
class DatasetOrder(Enum):
    """Ties are broken by city, then by id."""

    TITLE_ASC = "TITLE_ASC"
    TITLE_DESC = "TITLE_DESC"
    MODIFIED_ASC = strawberry.enum_value("MODIFIED_ASC", description="Oldest first; datasets without a date first.")
    MODIFIED_DESC = strawberry.enum_value("MODIFIED_DESC", description="Newest first; datasets without a date last.")
    ISSUED_ASC = strawberry.enum_value("ISSUED_ASC", description="Oldest first; datasets without a date first.")
    ISSUED_DESC = strawberry.enum_value("ISSUED_DESC", description="Newest first; datasets without a date last.")
    RELEVANCE = strawberry.enum_value(
        "RELEVANCE",
        description="Best match first: hits in the title before keywords before the rest. Needs `text` or `textPrefix`"
        " in the filter.",
    )


@strawberry.enum(description="Order of things.")
class ThingOrder(Enum):
    """Ties are broken by city, then by id."""

    NAME_ASC = "NAME_ASC"
    NAME_DESC = "NAME_DESC"
    DISTANCE = strawberry.enum_value("DISTANCE", description="Nearest first. Needs `near` in the filter.")
    RELEVANCE = strawberry.enum_value(
        "RELEVANCE", description="Best match first. Needs `text` or `textPrefix` in the filter."
    )


@strawberry.enum(description="Order of datastreams.")
class DatastreamOrder(Enum):
    """Ties are broken by city, then by id."""

    NAME_ASC = "NAME_ASC"
    NAME_DESC = "NAME_DESC"
    PHENOMENON_END_ASC = strawberry.enum_value(
        "PHENOMENON_END_ASC", description="Longest silent first; datastreams without observations first."
    )
    PHENOMENON_END_DESC = strawberry.enum_value(
        "PHENOMENON_END_DESC", description="Newest data first; datastreams without observations last."
    )
    DISTANCE = strawberry.enum_value(
        "DISTANCE", description="By where the thing stands, nearest first. Needs `near` in the filter."
    )
    RELEVANCE = strawberry.enum_value(
        "RELEVANCE", description="Best match first. Needs `text` or `textPrefix` in the filter."
    )


@strawberry.enum(description="Order of observations by the start of phenomenonTime.")
class TimeOrder(Enum):
    """Ties are broken by city, then by datastream."""

    TIME_ASC = "TIME_ASC"
    TIME_DESC = "TIME_DESC"


@strawberry.enum(description="What a bucket's observations are put together to.")
class Statistic(Enum):
    """See `AggregateBucket`."""

    COUNT = strawberry.enum_value("COUNT", description="Observations with a result; 0 for a gap.")
    SUM = "SUM"
    AVG = "AVG"
    MIN = "MIN"
    MAX = "MAX"
    STDDEV = strawberry.enum_value("STDDEV", description="Standard deviation of a sample (n - 1).")
    MEDIAN = "MEDIAN"


@strawberry.enum(
    description="What the datastreams of a group have in common, besides city, observed property and unit."
)
class GroupBy(Enum):
    """Columns of `datastream`."""

    CITY = strawberry.enum_value(
        "CITY", description="THING and DATASTREAM divide by city, too; without these three, cities are put together."
    )
    THING = "THING"
    DATASTREAM = "DATASTREAM"
    VEHICLE_CLASS = strawberry.enum_value("VEHICLE_CLASS", description="Those without one are a group, too.")
    DIRECTION = strawberry.enum_value("DIRECTION", description="Those without one are a group, too.")
