"""The node's command line with an access log that writes nothing: for comparison, and nowhere else."""

from __future__ import annotations

import sys


def main() -> None:
    """As `verbund`, with workers that are made by `application`."""
    from uvicorn import Config

    import node.serving

    class Unlogged(Config):
        def __init__(self, _app: str, **more: object) -> None:
            super().__init__("tests.bench.log.unlogged:application", **more)  # type: ignore[arg-type]

    node.serving.Config = Unlogged  # type: ignore[misc]
    from node.cli.main import main as verbund

    verbund()


def application() -> object:
    """The application, its log cut off."""
    from node.audit.log import AccessLog
    from node.worker import application

    async def append(*_: object) -> list[str]:
        return []

    AccessLog.append = append  # type: ignore[method-assign]
    return application()


if __name__ == "__main__":
    sys.exit(main())
