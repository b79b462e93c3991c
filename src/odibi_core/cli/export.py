"""`odibi export`: a run in the form of another system's standard."""

from __future__ import annotations

from odibi_core.cli import help
from odibi_core.cli.export_openlineage import openlineage
from odibi_core.cli.export_otlp import otlp

export = help.group("export", "Write a run in the form of another system.")

for _command in (openlineage, otlp):
    export.command(cls=help.Command)(_command)
