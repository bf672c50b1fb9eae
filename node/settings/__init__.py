"""A node's settings: the file `verbund.toml` in its home directory, overridden by `VERBUND_…` variables.

The only reader of the environment. Every setting is checked at start; an error names the setting, the value and the
remedy. There is no default for anything secret, and insecure switches carry `unsafe` in their name.
"""

from node.settings.checks import CITY_ID
from node.settings.desk import Desk
from node.settings.environment import PREFIX, environment_with, hand_over, home_directory, keep_large_blocks
from node.settings.errors import SettingsError
from node.settings.limits import Limits
from node.settings.load import FILE_NAME, load_settings
from node.settings.meaning import Secret
from node.settings.model import Settings
from node.settings.portal import Portal

__all__ = [
    "CITY_ID",
    "FILE_NAME",
    "PREFIX",
    "Desk",
    "Limits",
    "Portal",
    "Secret",
    "Settings",
    "SettingsError",
    "environment_with",
    "hand_over",
    "home_directory",
    "keep_large_blocks",
    "load_settings",
]
