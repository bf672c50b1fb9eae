"""A worker process: the application, or the exit code that tells the supervisor that trying again is of no use."""

from __future__ import annotations

import logging
import sys
from os import EX_CONFIG
from typing import TYPE_CHECKING

from node.auth.keys import KeyFileError
from node.http.trusted import TrustedDocumentError
from node.settings import SettingsError, home_directory, load_settings
from node.telemetry.logs import set_up_logs
from policy.errors import PolicyError

if TYPE_CHECKING:
    from litestar.types import ASGIApp

MISTAKES = (SettingsError, KeyFileError, PolicyError, TrustedDocumentError)
"""What somebody has to correct before a node can be served. Their texts say what, and are free of secrets."""

log = logging.getLogger("verbund.worker")


def application() -> ASGIApp:
    """What uvicorn serves in each worker."""
    from node.app import create_app

    try:
        settings = load_settings(home_directory())
        set_up_logs(settings.log_level, settings.log_format)
        return create_app(settings, supervised=True)
    except MISTAKES as error:
        log.error("%s", error)  # noqa: TRY400 - there is nothing to find in a traceback
        sys.exit(EX_CONFIG)
