"""BibTeX: read as BibTeX reads it, repaired where that is safe, never rewritten unasked."""

from catalog.bibtex.entry import MONTHS, Entry, entry_key, read, set_field, set_key, strings
from catalog.bibtex.latex import decode
from catalog.bibtex.names import faults, people
from catalog.bibtex.scan import Block, scan
from catalog.facts import Name

__all__ = [
    "MONTHS",
    "Block",
    "Entry",
    "Name",
    "decode",
    "entry_key",
    "faults",
    "people",
    "read",
    "scan",
    "set_field",
    "set_key",
    "strings",
]
