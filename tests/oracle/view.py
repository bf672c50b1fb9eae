"""What one caller sees of a world."""

from __future__ import annotations

from dataclasses import dataclass, field

from policy.model import Caller
from tests.oracle.grants import CATALOG, OBSERVATIONS, may
from tests.oracle.lists import Observed
from tests.oracle.world import Dataset, Datastream, Thing, World


@dataclass
class View:
    """A world through one caller's eyes, and what is noted while a document is answered.

    `mistakes` are what is wrong with arguments, by the response key of the root field; `errors` all that root fields
    raised; `cursors` those that were seen in lists whose `after` is a variable, by its name.
    """

    world: World
    caller: Caller
    mistakes: dict[str, Exception] = field(default_factory=dict)
    errors: list[tuple[tuple[str | int, ...], str]] = field(default_factory=list)
    cursors: dict[str, list[str]] = field(default_factory=dict)

    def sees(self, dataset: Dataset) -> bool:
        return may(self.world, self.caller, CATALOG, dataset)

    def sees_observations(self, dataset: Dataset) -> bool:
        """Observations belong to a dataset: without it there is nothing to show them in."""
        return self.sees(dataset) and may(self.world, self.caller, OBSERVATIONS, dataset)

    def datasets(self) -> list[Dataset]:
        return [dataset for dataset in self.world.datasets if self.sees(dataset)]

    def datastreams(self) -> list[Datastream]:
        return [stream for stream in self.world.datastreams if self.sees(stream.dataset)]

    def things(self) -> list[Thing]:
        return [thing for thing in self.world.things if self.streams_at(thing)]

    def observations(self) -> list[Observed]:
        return [one for stream in self.datastreams() for one in self.observations_of(stream)]

    def streams_of(self, dataset: Dataset) -> list[Datastream]:
        return [stream for stream in self.datastreams() if stream.dataset == dataset]

    def streams_at(self, thing: Thing) -> list[Datastream]:
        return [stream for stream in self.datastreams() if stream.thing == thing]

    def observations_of(self, stream: Datastream) -> list[Observed]:
        return [Observed(stream, one) for one in stream.observations] if self.sees_observations(stream.dataset) else []
