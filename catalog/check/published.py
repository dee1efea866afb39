"""Whether a preprint's own entry says that it has been published."""

from __future__ import annotations

import re
from collections.abc import Mapping

from catalog.bibtex import decode
from catalog.bibtex.describe import arxiv_of
from catalog.bibtex.identifiers import doi
from catalog.identity.numbers import PREPRINT_DOIS

NOTES = ("note", "addendum", "comment", "comments", "annote", "annotation", "howpublished", "pubstate")
JOURNAL_REFERENCES = ("journal_ref", "journalref", "journal-ref", "journal_reference")
PREPRINT_TYPES = frozenset({"article", "misc", "online", "unpublished", "preprint", "techreport", "report"})
_REPOSITORIES = ("10.5281/", "10.6084/", "10.13140/")  # where anybody puts anything
_JOURNALS = ("journal", "journaltitle")
_ARXIV = re.compile(r"\s*(?:arxiv|corr\b|computing research repository|preprint)", re.I)
_SAYS = re.compile(
    r"\b(?:accepted(?: (?:as|for) [\w -]{1,40}?)?|to appear|appear(?:s|ed|ing)|(?:to be )?published|forthcoming|"
    r"presented|camera[- ]ready(?: (?:version|copy|paper))?|"
    r"published as [\w -]{1,40}?|proceedings version)\s+(?:at|in|to|by|for|of)\s+(?P<where>\S.*)",
    re.I | re.S,
)
_DENIED = re.compile(
    r"\b(?:not|never|un|submitted|under review|under consideration|if|until|withdrawn|rejected)\b[^.;]*$", re.I
)
_NO_VENUE = re.compile(r"(?:(?:the|an?)\s+)?(?:arxiv|preprint|corr\b|progress|part\b|this|english|\d|full\b)", re.I)
_STATES = frozenset({"inpress", "forthcoming", "in press"})


def published(entry_type: str, fields: Mapping[str, str]) -> tuple[str, str] | None:
    """The field that says so and what it says; None where none does, or the entry is no preprint."""
    if not _is_preprint(entry_type, fields):
        return None
    for name in JOURNAL_REFERENCES:
        value = decode(fields.get(name, "")).strip()
        if value and not _ARXIV.match(value):
            return name, value[:80]
    for name in NOTES:
        if said := _says(decode(fields.get(name, ""))[:2000]):
            return name, said
    venue = decode(fields.get("booktitle", "")).strip()
    if venue and not _ARXIV.match(venue):
        return "booktitle", venue[:80]
    return _own_doi(fields)


def _is_preprint(entry_type: str, fields: Mapping[str, str]) -> bool:
    journal = next((decode(fields[name]) for name in _JOURNALS if fields.get(name)), "")
    if journal:
        return entry_type in PREPRINT_TYPES and bool(_ARXIV.match(journal))
    return entry_type in PREPRINT_TYPES and bool(arxiv_of(fields))


def _says(value: str) -> str:
    value = " ".join(value.split())
    if value.lower() in _STATES:
        return value
    for found in _SAYS.finditer(value):
        if not _DENIED.search(value[: found.start()]) and not _NO_VENUE.match(found["where"]):
            return found.group()[:80].rstrip(" .;,")
    return ""


def _own_doi(fields: Mapping[str, str]) -> tuple[str, str] | None:
    """A DOI that no preprint server gave, beside a journal that is arXiv."""
    found = doi(fields.get("doi", ""))
    says_arxiv = any(_ARXIV.match(decode(fields.get(name, ""))) for name in _JOURNALS)
    if found and says_arxiv and not PREPRINT_DOIS.match(found) and not found.startswith(_REPOSITORIES):
        return "doi", found
    return None
