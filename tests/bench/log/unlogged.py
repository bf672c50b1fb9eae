"""The node's command line with an access log that costs nothing: for comparison, and nowhere else."""

from __future__ import annotations

import functools


def main() -> None:
    """As `verbund`, with workers that are made by `application`."""
    import node.serving

    make = node.serving.Config
    node.serving.Config = lambda _app, **more: make("tests.bench.log.unlogged:application", **more)  # type: ignore[misc,assignment]
    from node.cli.main import main as verbund

    verbund()


def application() -> object:
    """The application; no record is made, none is written, none is sequenced."""
    import node.gate.city_gate as gate
    from node import worker
    from node.audit.log import AccessLog

    async def append(*_: object, **__: object) -> list[str]:
        return []

    AccessLog.append = append  # type: ignore[method-assign]
    gate.Recorder = Unrecorded  # type: ignore[misc,assignment]
    return worker.application()


class Unrecorded:
    """Takes the place of `node.gate.records.Recorder`: whatever it is told, it keeps nothing."""

    def __init__(self, _city: str, request: object, _field: object) -> None:
        self.request = request
        self.records: list[object] = []

    async def answered(self, _value: bytes | None) -> None:
        """Nothing."""

    def __getattr__(self, _name: str) -> functools.partial[None]:
        return functools.partial(_nothing)


def _nothing(*_: object, **__: object) -> None:
    """Nothing."""


if __name__ == "__main__":
    main()
