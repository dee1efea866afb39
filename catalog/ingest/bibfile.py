"""A .bib file as papers, and what its entries share."""

from __future__ import annotations

from dataclasses import replace

from catalog.bibtex import scan
from catalog.ingest.draft import Draft, Source

SHARED_TYPES = frozenset({"xdata", "set"})


def read(text: str, path: str = "") -> Source:
    """Every entry of a .bib text as a draft, its text repaired where that could be done safely.

    An entry that cannot be read is a draft too, verbatim, with a finding of kind "rejected". `@string`, `@preamble`,
    `@xdata` and comments are what the file shares.
    """
    drafts, shared, findings = [], [], []
    for block in scan(text):
        findings += [replace(finding, path=path, key=finding.key or block.key) for finding in block.findings]
        if block.kind in ("entry", "broken") and _type(block.text) not in SHARED_TYPES:
            drafts.append(Draft(bibtex=block.text, key=block.key, line=block.line, path=path))
        elif block.text.strip():
            shared.append(block.text.strip())
    return Source(tuple(drafts), tuple(shared), tuple(findings))


def _type(text: str) -> str:
    return text.lstrip().removeprefix("@").lstrip().partition("{")[0].partition("(")[0].strip().lower()
