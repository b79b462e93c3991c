"""The sabotage: a script, or the command `odibi`, with the redactor switched off.

`python redactor_off.py SCRIPT ARGUMENTS…`, or `python redactor_off.py odibi ARGUMENTS…`
"""

from __future__ import annotations

import runpy
import sys
from typing import Any


def switch_off() -> None:
    """Replace every rule, for names and for shapes, and the mask of settings."""
    from odibi_core.events import sanitize
    from odibi_core.redaction import redactor as redaction
    from odibi_core.settings import values

    nothing: Any = lambda *_: False  # noqa: E731
    redaction._RULES = ()  # type: ignore[misc]
    answers: dict[str, Any] = {
        **dict.fromkeys(("hides", "hidden", "is_option", "is_card_number", "names_its_value"), nothing),
        **dict.fromkeys(("is_plain_name", "is_silent"), lambda *_: True),
        "forms_of": lambda _: (),
        "hidden_words": lambda _: {},
    }
    for module in (redaction, sanitize):
        for name, answer in answers.items():
            if hasattr(module, name):
                setattr(module, name, answer)
    values.masked = lambda option, value: value


if __name__ == "__main__":
    switch_off()
    sys.argv = sys.argv[1:]
    if sys.argv[0] == "odibi":
        from odibi_core.cli import main

        main()
    else:
        runpy.run_path(sys.argv[0], run_name="__main__")
