"""A paper as one line of plain text, for a mail or a slide."""

from __future__ import annotations

import re

from catalog.record import Record

_MOST = 6
_SHOWN_OF_MANY = 3
_PARTICLE = re.compile(r"[^\W\d_A-ZÀ-Þ][\w'’]*")
_INITIALS = re.compile(r"(?:\w\.-?)+")
_ORGANISATION = re.compile(
    r"\b(?:team|group|labs?|laborator(?:y|ies)|university|institute|research|foundation|consortium|collaboration|"
    r"committee|organi[sz]ation|association|society|corporation|company|inc|ltd|llc|gmbh|community|contributors|"
    r"developers|agency|center|centre|department|office|project|initiative|network|of|and|for|the)\b|&|\d",
    re.I,
)


def citation(record: Record) -> str:
    """The paper as text: "Hu, E. J., & Shen, Y. (2021). LoRA: Low-rank adaptation. ICLR. arXiv:2106.09685."

    Of more than six authors the first three are named. What is not known is left out; a year that is not is "n.d.".
    """
    authors = _authors(record)
    year = f"({record.year or 'n.d.'})"
    title = _line(record.title)
    head = [f"{authors} {year}", title] if authors else [f"{title} {year}"]
    venue = "" if record.venue == "arXiv" and record.arxiv else _line(record.venue)
    sentences = [_ended(part) for part in [*head, venue] if part]
    return " ".join([*sentences, *_identifier(record)])


def inverted(name: str) -> str:
    """A name as reference lists give it: "Sofia van der Berg" is "van der Berg, S.".

    A name of one word, an organisation, and one in letters without case stay as they are.
    """
    name = _line(name)
    main, _, suffix = name.partition(", ")
    words = main.split()
    if len(words) < 2 or len(words) > 7 or _is_organisation(main, words):
        return name
    start = next((i for i, word in enumerate(words[:-1]) if i and _PARTICLE.fullmatch(word)), len(words) - 1)
    if _PARTICLE.fullmatch(words[0]):
        return name
    initials = " ".join(filter(None, map(_initial, words[:start])))
    return f"{' '.join(words[start:])}, {initials}" + (f", {suffix}" if suffix else "")


def _is_organisation(name: str, words: list[str]) -> bool:
    last = words[-1]
    shouted = len(last) > 1 and last.isupper() and any(any(c.islower() for c in word) for word in words[:-1])
    return bool(_ORGANISATION.search(name)) or shouted or not (name[0].isupper() or name[0].islower())


def _initial(word: str) -> str:
    if _INITIALS.fullmatch(word):
        return word
    letters = (next(filter(str.isalpha, part), "") for part in word.split("-"))
    return "-".join(f"{letter.upper()}." for letter in letters if letter)


def _authors(record: Record) -> str:
    names = [inverted(name) for name in record.authors]
    if len(names) > _MOST or record.et_al:
        shown = names[:_SHOWN_OF_MANY] if len(names) > _MOST else names
        return ", ".join([*shown, "et al."])
    return ", & ".join([", ".join(names[:-1]), names[-1]]) if len(names) > 1 else "".join(names)


def _identifier(record: Record) -> list[str]:
    if record.doi:
        return [f"https://doi.org/{record.doi}"]
    if record.arxiv:
        return [f"arXiv:{record.arxiv}."]
    url = record.link("paper") or next((url for _, url, _ in record.links if url.startswith("http")), "")
    return [url] if url else []


def _ended(text: str) -> str:
    return text if text.endswith((".", "?", "!", "…")) else f"{text}."


def _line(text: str) -> str:
    return " ".join(text.split())
