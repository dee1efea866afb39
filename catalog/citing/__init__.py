"""Citations in any style of the Citation Style Language: an item of CSL-JSON in, a line of a reference list out.

What CSL 1.0.2 says of bibliographies is done here; of citations within a text nothing is. Standard library only.
"""

from __future__ import annotations

from catalog.citing.pieces import Piece, as_html, as_markdown, as_text
from catalog.citing.render import cite
from catalog.citing.style import NAMES, Style, named, read_style

__all__ = ["NAMES", "Piece", "Style", "as_html", "as_markdown", "as_text", "cite", "named", "read_style"]
