"""BibTeX: read as BibTeX reads it, repaired where that is safe, never rewritten unasked."""

from catalog.bibtex.entry import MONTHS, Entry, read, set_field, set_key, strings
from catalog.bibtex.latex import decode
from catalog.bibtex.names import Name, people

__all__ = ["MONTHS", "Entry", "Name", "decode", "people", "read", "set_field", "set_key", "strings"]
