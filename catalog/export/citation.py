"""A paper as one line of plain text, for a mail or a slide."""

from __future__ import annotations

import re

from catalog.facts import HAN, Facts, Name

_MOST = 6
_SHOWN_OF_MANY = 3
_INITIALS = re.compile(r"(?:\w\.-?)+")


def citation(facts: Facts) -> str:
    """The paper as text: "Hu, E. J., & Shen, Y. (2021). LoRA: Low-rank adaptation. ICLR. arXiv:2106.09685."

    Of more than six authors the first three are named. What is not known is left out; a year that is not is "n.d.".
    """
    authors = _authors(facts)
    year = f"({facts.year or 'n.d.'})"
    head = [f"{authors} {year}", facts.heading] if authors else [f"{facts.heading} {year}"]
    venue = "" if facts.venue == "arXiv" and facts.arxiv else facts.venue
    sentences = [_ended(part) for part in [*head, venue] if part]
    return " ".join(" ".join([*sentences, *_identifier(facts)]).split())


def inverted(name: Name) -> str:
    """A name as reference lists give it: "van der Berg, S."; an organisation, and one in signs, stays as it is."""
    if name.literal or not name.given or HAN.search(name.family):
        return name.display
    initials = " ".join(filter(None, map(_initial, name.given.split())))
    return ", ".join(filter(None, (name.last, initials, name.suffix)))


def _initial(word: str) -> str:
    if _INITIALS.fullmatch(word):
        return word
    letters = (next(filter(str.isalpha, part), "") for part in word.split("-"))
    return "-".join(f"{letter.upper()}." for letter in letters if letter)


def _authors(facts: Facts) -> str:
    names = [inverted(name) for name in facts.names]
    if len(names) > _MOST or facts.others:
        shown = names[:_SHOWN_OF_MANY] if len(names) > _MOST else names
        return ", ".join([*shown, "et al."])
    return ", & ".join([", ".join(names[:-1]), names[-1]]) if len(names) > 1 else "".join(names)


def _identifier(facts: Facts) -> list[str]:
    if facts.doi:
        return [f"https://doi.org/{facts.doi}"]
    if facts.arxiv:
        return [f"arXiv:{facts.arxiv}."]
    url = facts.address() or next((one.url for one in facts.addresses if one.url.startswith("http")), "")
    return [url] if url else []


def _ended(text: str) -> str:
    return text if text.endswith((".", "?", "!", "…")) else f"{text}."
