"""The Atom feed: papers as they are added and read."""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterator, Mapping, Sequence
from html import escape

from catalog.facts import Facts
from catalog.pages.options import SiteOptions
from catalog.text import plain

_NAMESPACE = uuid.UUID("6f5d3d52-3c3f-5b0e-9d55-1f0a5e5b7a41")
_NOT_XML = re.compile(r"[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]|[\x7f-\x9f]")
_DAY = re.compile(r"\d{4}-\d\d-\d\d")
_MOST = 50


def feed(papers: Sequence[Facts], slugs: Mapping[str, str], options: SiteOptions, path: str = "feed.xml") -> str:
    """The feed at a path of the site, as text; newest first.

    Addresses are relative to the feed where the site's own is not known.
    """
    base = options.url.rstrip("/") + "/" if options.url else "../" * path.count("/")
    events = sorted(_events(papers), key=lambda event: (event[0], event[2].key), reverse=True)[:_MOST]
    updated = events[0][0] if events else "1970-01-01"
    entries = [
        _entry(day, verb, facts, f"{base}papers/{slugs[facts.key]}.html", options) for day, verb, facts in events
    ]
    return (
        '<?xml version="1.0" encoding="utf-8"?>\n'
        f'<feed xmlns="http://www.w3.org/2005/Atom"{f" xml:base={_attribute(base)}" if options.url else ""}>\n'
        f"<title>{_text(options.title)}</title>\n"
        f"<id>{_identity(options.url or options.title)}</id>\n"
        f"<link href={_attribute(base if options.url else base + 'index.html')}/>\n"
        f'<link rel="self" href={_attribute(base + path)}/>\n'
        f"<updated>{updated}T00:00:00Z</updated>\n"
        f"<author><name>{_text(options.title)}</name></author>\n" + "".join(entries) + "</feed>\n"
    )


def _events(papers: Sequence[Facts]) -> Iterator[tuple[str, str, Facts]]:
    for facts in papers:
        for day, verb in ((facts.reading.added, "Added"), (facts.reading.read, "Read")):
            if _DAY.fullmatch(day):
                yield day, verb, facts


def _entry(day: str, verb: str, facts: Facts, address: str, options: SiteOptions) -> str:
    identity = "\n".join((options.url or options.title, facts.key, verb))
    tags = "".join(f"<category term={_attribute(tag)}/>" for tag in facts.tags)
    return (
        f"<entry><title>{verb}: {_text(facts.heading)}</title>"
        f"<id>{_identity(identity)}</id>"
        f"<link href={_attribute(address)}/><updated>{day}T00:00:00Z</updated>{tags}"
        f"<summary>{_text(_about(facts))}</summary></entry>\n"
    )


def _about(facts: Facts) -> str:
    """Who wrote it, where, and how its abstract begins."""
    names = ", ".join(name.display for name in facts.names[:6]) + (" …" if facts.names[6:] or facts.others else "")
    where = ", ".join(filter(None, (facts.venue, str(facts.year or ""))))
    return ". ".join(filter(None, (names, where, " ".join(plain(facts.abstract)[:400].split()))))


def _identity(name: str) -> str:
    return uuid.uuid5(_NAMESPACE, name.encode("utf-8", "replace").decode()).urn


def _text(value: str) -> str:
    return escape(_NOT_XML.sub("\ufffd", value), quote=False)


def _attribute(value: str) -> str:
    return '"' + escape(_NOT_XML.sub("\ufffd", value)) + '"'
