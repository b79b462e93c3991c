"""The settings: code before environment before file before default.

`options` is the table of every setting and the variables that set it; docs/settings.md shows it.
"""

from odibi_core.settings.config import ObservabilityConfig, get_config, set_config
from odibi_core.settings.environment import (
    color_choice,
    environment_value,
    environment_with,
    inherited_context,
)
from odibi_core.settings.options import OPTIONS, PREFIX, Option
from odibi_core.settings.sections import SECTIONS, Durability, Log, Settings, Snapshot, SnapshotLevel, Store
from odibi_core.settings.strict import read_settings
from odibi_core.settings.values import masked, text_of

__all__ = [
    "OPTIONS",
    "PREFIX",
    "SECTIONS",
    "Durability",
    "Log",
    "ObservabilityConfig",
    "Option",
    "Settings",
    "Snapshot",
    "SnapshotLevel",
    "Store",
    "color_choice",
    "environment_value",
    "environment_with",
    "get_config",
    "inherited_context",
    "masked",
    "read_settings",
    "set_config",
    "text_of",
]
