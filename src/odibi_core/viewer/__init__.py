"""The one renderer: plain ES modules that draw JSON documents, and the HTML file that carries them.

`assets/views/<name>.js` draws the document of one view. A saved file and a live server use the same modules.
"""

from __future__ import annotations

from odibi_core.viewer.outline import Outline, Part
from odibi_core.viewer.page import embed, page
from odibi_core.viewer.scripts import asset_names, asset_text, bundle, joined

__all__ = ["Outline", "Part", "asset_names", "asset_text", "bundle", "embed", "joined", "page"]
