"""Identifiers of works, as they are compared."""

from __future__ import annotations

from catalog.facts import Facts

WORK_IDS = ("doi", "arxiv", "pmid", "pmcid", "acl", "openreview", "dblp", "s2")  # each names one work; an ISBN a book
PARTS = frozenset({"article", "inproceedings", "conference", "incollection", "inbook", "inreference", "suppbook"})


def identifiers(a: Facts, b: Facts) -> tuple[str, str]:
    """An identifier that both have, as "doi 10.1/x", and the name of one in which they differ."""
    if not a.ids or not b.ids:
        return "", ""
    shared = opposed = ""
    both = {*a.ids} & {*b.ids}
    names = [{name for name, _ in ids} for ids in (both, a.ids, b.ids)]
    for name in WORK_IDS if names[1] and names[2] else ():
        if name in names[0]:
            shared = shared or f"{name} {min(value for n, value in both if n == name)}"
        elif name in names[1] and name in names[2]:
            opposed = opposed or (
                name if a.id(name)[:3] == b.id(name)[:3] or name != "doi" else ""
            )  # 10/gf4gqc is short
    if not shared and a.kind not in PARTS and b.kind not in PARTS and (books := isbns(a) & isbns(b)):
        shared = f"isbn {min(books)}"
    return shared, opposed


def is_named(facts: Facts) -> bool:
    """Whether it has an identifier by which it can be asked for."""
    return any(facts.id(name) for name in (*WORK_IDS, "isbn"))


def isbns(facts: Facts) -> set[str]:
    return {value for name, value in facts.ids if name == "isbn"}
