"""What an owner is asked for the observations that have arrived, and how its batch is read and told. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import msgspec
import orjson

from federation.errors import PeerIncompatible
from federation.parts import json_object
from federation.question import ALIAS, owners_report, plain
from federation.report import CityReport, report_json
from schema.errors import BadInput
from schema.positions import decode_positions, encode_positions
from schema.selection import TYPENAME, Field
from schema.weights import BATCH

ROOT = "newObservations"
_Rows: msgspec.json.Decoder[list[msgspec.Raw]] = msgspec.json.Decoder(list[msgspec.Raw])


@dataclass(frozen=True, slots=True)
class CityBatch:
    """What has arrived at one city up to a position. `nodes`: JSON arrays by response key."""

    nodes: Mapping[str, bytes]
    rows: int
    position: int
    missed: bool = False


@dataclass(frozen=True, slots=True)
class BatchPlan:
    """The question for one owner: what has arrived of these datastreams after a position (None: the start)."""

    root: Field
    city: str
    datastreams: Sequence[str]
    after: int | None
    wait_ms: int

    def owner_field(self) -> Field:
        """The root field for the owner."""
        arguments = {"datastreams": list(self.datastreams), "waitMs": self.wait_ms}
        if self.after is not None:
            arguments["after"] = encode_positions({self.city: self.after})
        nodes = tuple(
            replace(child, key=f"n{number}") for number, child in enumerate(self.root.children_named("nodes"))
        )
        children = (
            *nodes,
            plain("cursor", "cursor", "String"),
            plain("missed", "missed", "Boolean"),
            # without rows of its own an answer must still be countable
            *(() if nodes else (_COUNTED,)),
            owners_report(),
        )
        types = {"datastreams": "[ID!]!", "after": "String", "waitMs": "Int!"}
        shape = None if self.root.shape is None else (ALIAS, ROOT, self.root.shape, self.after is None)
        return Field(ROOT, ALIAS, "ObservationBatch", arguments, types, children, shape)

    def read(self, members: Mapping[str, bytes | msgspec.Raw]) -> CityBatch:
        """The batch in an answer that fits the schema. Raises PeerIncompatible."""
        try:
            positions = decode_positions(msgspec.json.decode(members["cursor"], type=str))
        except (BadInput, msgspec.DecodeError) as error:
            raise PeerIncompatible("its cursor is none") from error
        position = positions.get(self.city)
        if position is None or len(positions) > 1 or position < (self.after or 0):
            raise PeerIncompatible("its cursor is not its own, or goes back")
        keys = [child.key for child in self.root.children_named("nodes")]
        nodes = {key: bytes(members[f"n{number}"]) for number, key in enumerate(keys)}
        sizes = {len(_Rows.decode(value)) for value in (nodes or {"": bytes(members[_COUNTED.key])}).values()}
        if len(sizes) != 1 or max(sizes) > BATCH:
            raise PeerIncompatible("it sent more observations than a batch has")
        return CityBatch(nodes, sizes.pop(), position, bytes(members["missed"]) == b"true")


_COUNTED = plain("nodes", "n", "Observation", (plain(TYPENAME, "t", "Observation"),))


def batch_json(root: Field, batch: CityBatch, cursor: str, reports: Sequence[CityReport]) -> bytes:
    """The JSON object of a batch with the selected children."""
    members: dict[str, bytes] = {}
    for child in root.children:
        if child.name == "nodes":
            members[child.key] = batch.nodes.get(child.key, b"[]")
        elif child.name == "federation":
            members[child.key] = report_json(child, reports)
        else:
            told = {"cursor": cursor, "missed": batch.missed, TYPENAME: root.type_name}
            members[child.key] = orjson.dumps(told[child.name])
    return json_object(members)
