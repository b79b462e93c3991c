"""The settings: code before environment before file before default.

`sections` is the table of all settings, `reading` their reader, `config` the settings of the process. docs/settings.md
shows every variable.
"""

from odibi_core.settings.config import ObservabilityConfig, get_config, read_settings, set_config
from odibi_core.settings.environment import (
    color_choice,
    environment_value,
    environment_with,
    inherited_context,
    parent_span,
)
from odibi_core.settings.options import OPTIONS, Option, unknown_variables
from odibi_core.settings.sections import SECTIONS, Log, Settings
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
