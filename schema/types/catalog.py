"""The catalog: datasets and what belongs to them, in the terms of DCAT-AP.de 3.0."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import strawberry

from schema.types.enums import DatastreamOrder, Tier
from schema.types.inputs import DatastreamFilter
from schema.types.paging import LOCAL_KEYS, NULL_IF_NEWER, SORT_KEYS, TOTAL, FederationReport, PageInfo
from schema.types.scalars import DateTime

if TYPE_CHECKING:
    from schema.types.sensors import DatastreamConnection


@strawberry.type(description="Publisher of a dataset (dcterms:publisher).")
class Publisher:
    """A foaf:Agent."""

    name: str
    kind: str | None = strawberry.field(description="IRI of the ADMS publisher type.")
    homepage: str | None


@strawberry.type(description="Whom to ask about a dataset (dcat:contactPoint).")
class Contact:
    """A vcard:Kind."""

    name: str | None
    email: str | None
    telephone: str | None
    url: str | None


@strawberry.type(description="Licence of a distribution (dcterms:license).")
class Licence:
    """An entry of the DCAT-AP.de licence list."""

    code: str = strawberry.field(description="E.g. dl-by-de-2-0.")
    uri: str = strawberry.field(description="Canonical IRI.")
    title: str


@strawberry.type(description="A form in which a dataset can be had (dcat:Distribution).")
class Distribution:
    """Format codes are those of the EU file-type table."""

    title: str | None
    description: str | None
    access_url: str = strawberry.field(name="accessURL")
    download_url: str | None = strawberry.field(name="downloadURL")
    format: str | None = strawberry.field(description="EU file type, e.g. CSV.")
    media_type: str | None = strawberry.field(description="IANA media type, e.g. text/csv.")
    byte_size: float | None = strawberry.field(description="Bytes.")
    licence: Licence | None
    licence_attribution: str | None = strawberry.field(description="Text to be named with the data.")
    availability: str | None = strawberry.field(description="EU planned availability, e.g. STABLE.")
    issued: DateTime | None
    modified: DateTime | None


@strawberry.type(description="A box in WGS 84 degrees.")
class BoundingBox:
    """As in dcat:bbox."""

    west: float
    south: float
    east: float
    north: float


@strawberry.type(description="Temporal extent; open where null.")
class TemporalExtent:
    """As in dcterms:temporal."""

    start: DateTime | None
    end: DateTime | None


@strawberry.type(
    description="How a dataset may be used, as the assessment in force says. To get more than everybody has, ask the"
    " contact point for an agreement between your city and the owner."
)
class DatasetUse:
    """What becomes of it is up to the rules; see `explain`."""

    purposes: list[strawberry.ID] | None = strawberry.field(
        description="The purposes for which other cities may have it by an agreement. Null: all but those of AI."
    )
    ai_training: bool = strawberry.field(
        description="Whether the purpose ai-training is allowed: to train machine learning models."
    )
    ai_assistance: bool = strawberry.field(
        description="Whether the purpose ai-assistance is allowed: to let AI assistants answer from it."
    )
    licence: str | None = strawberry.field(description="Of the data, in whichever form; e.g. dl-by-de/2.0.")
    obligations: list[str] = strawberry.field(
        description="What is done to the data before any other city gets it, e.g. minimum-count=5."
    )
    without_agreement: list[str] = strawberry.field(
        description="What is done besides for whoever has no agreement, e.g. time=PT1H."
    )


@strawberry.type(
    description="A dataset of a city's catalog (dcat:Dataset). Visible: OPEN to anyone; SHARED to applications under an"
    " agreement, for its purposes; INTERNAL to the owner's own applications. What is not visible is not found."
)
class Dataset:
    """The unit of classification and of decisions."""

    id: strawberry.ID = strawberry.field(description="Global id, e.g. giessen:dataset:radverkehr.")
    city: str = strawberry.field(description="City id of the owner.")
    identifier: str | None = strawberry.field(description="dcterms:identifier as published.")
    title: str
    description: str
    tier: Tier | None = strawberry.field(description=NULL_IF_NEWER)
    publisher: Publisher | None
    contact_point: Contact | None
    landing_page: str | None
    themes: list[str] = strawberry.field(description="EU data themes, e.g. TRAN.")
    keywords: list[str]
    languages: list[str] = strawberry.field(description="EU language codes, e.g. DEU.")
    issued: DateTime | None
    modified: DateTime | None
    accrual_periodicity: str | None = strawberry.field(description="EU frequency code, e.g. DAILY.")
    temporal: TemporalExtent | None
    spatial: list[str] = strawberry.field(description="IRIs of places.")
    bbox: BoundingBox | None
    legal_basis: str | None = strawberry.field(description="Why the city holds the data: an ELI or text.")
    hvd_category: str | None = strawberry.field(description="IRI, if this is a high-value dataset.")
    distributions: list[Distribution]
    use: DatasetUse | None = strawberry.field(
        description="Purposes, AI, licence, obligations. Null only if its city's node is older and does not tell."
    )

    @strawberry.field(description="Datastreams of this dataset. `first` at most 1000.")
    def datastreams(
        self,
        filter: DatastreamFilter | None = None,  # noqa: A002 - the argument's name in the API
        order_by: DatastreamOrder = DatastreamOrder.NAME_ASC,
        first: int = 20,
        after: str | None = None,
    ) -> Annotated[DatastreamConnection, strawberry.lazy("schema.types.sensors")]:
        """Prepared."""
        raise NotImplementedError


@strawberry.type(description="A dataset and its place in the list.")
class DatasetEdge:
    """Relay edge."""

    cursor: str
    node: Dataset


@strawberry.type(description="A page of datasets.")
class DatasetConnection:
    """Relay connection."""

    edges: list[DatasetEdge]
    nodes: list[Dataset] = strawberry.field(description="The nodes without their cursors.")
    sort_keys: list[str] = strawberry.field(description=SORT_KEYS)
    local_keys: list[str] = strawberry.field(description=LOCAL_KEYS)
    page_info: PageInfo
    total_count: int | None = strawberry.field(description=TOTAL)
    suggestions: list[str] = strawberry.field(
        description="Did you mean: the text of the filter with other spellings, from words of datasets that the caller"
        " may see, best first, at most 5. Empty unless `text` or `textPrefix` has no hit."
    )
    federation: FederationReport | None = strawberry.field(
        description="Who answered. Null in nested lists: they are of one city."
    )
