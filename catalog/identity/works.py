"""Identifiers of works, as they are compared."""

from __future__ import annotations

from catalog.facts import Facts

WORK_IDS = ("doi", "arxiv", "pmid", "pmcid", "acl", "openreview", "dblp", "s2")  # each names one work; an ISBN a book
PARTS = frozenset({"article", "inproceedings", "conference", "incollection", "inbook", "inreference", "suppbook"})


def identifiers(a: Facts, b: Facts) -> tuple[str, str]:
    """An identifier that both have, as "doi 10.1/x", and the name of one in which they differ."""
    shared = opposed = ""
    for name in WORK_IDS:
        mine, other = ({value for n, value in f.ids if n == name} for f in (a, b))
        if both := mine & other:
            shared = shared or f"{name} {min(both)}"
        elif mine and other:
            opposed = opposed or name
    if not shared and a.kind not in PARTS and b.kind not in PARTS and (both := isbns(a) & isbns(b)):
        shared = f"isbn {min(both)}"
    return shared, opposed


def isbns(facts: Facts) -> set[str]:
    return {value for name, value in facts.ids if name == "isbn"}
