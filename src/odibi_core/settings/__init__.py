"""The settings: code before environment before file before default.

`options` is the table of every setting and the variables that set it; docs/settings.md shows it.
"""

from odibi_core.settings.config import ObservabilityConfig, get_config, set_config
from odibi_core.settings.environment import (
    color_choice,
    environment_value,
    environment_with,
    inherited_context,
    parent_span,
)
from odibi_core.settings.options import OPTIONS, Option, unknown_variables
from odibi_core.settings.sections import SECTIONS, Log, Settings
from odibi_core.settings.strict import read_settings
from odibi_core.settings.values import masked, text_of

__all__ = [
    "OPTIONS",
    "SECTIONS",
    "Log",
    "ObservabilityConfig",
    "Option",
    "Settings",
    "color_choice",
    "environment_value",
    "environment_with",
    "get_config",
    "inherited_context",
    "masked",
    "parent_span",
    "read_settings",
    "set_config",
    "text_of",
    "unknown_variables",
]
