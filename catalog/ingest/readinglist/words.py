"""The words a reading list uses, how near two of them are, and text without its Markdown."""

from __future__ import annotations

import html
import re
import string
import unicodedata
from collections.abc import Iterable

SYNONYMS = {
    "paper": "paper pdf arxiv papers pdfs preprint article",
    "code": "code codes github source repo repository github-repo implementation sourcecode",
    "docs": "docs doc documentation documents document",
    "homepage": "homepage web website webpage site project page proj homepages projectpage",
    "blog": "blog blogs blogpost post",
    "model": "model models",
    "dataset": "dataset datasets",
    "slides": "slides slide",
    "video": "video videos youtube",
    "demo": "demo demos",
    "poster": "poster posters",
}
_PHRASES = {
    "project page": "homepage",
    "project website": "homepage",
    "project site": "homepage",
    "web page": "homepage",
    "home page": "homepage",
    "blog post": "blog",
    "source code": "code",
    "github repo": "code",
    "git hub": "code",
    "github repository": "code",
    "code repository": "code",
    "model hub": "modelhub",
}
_NAME_OF = {word: name for name, words in SYNONYMS.items() for word in words.split()} | _PHRASES
_MORE_NAMES = """
    notebook colab tutorial tutorials supplementary supp appendix huggingface hf openreview weights checkpoint
    checkpoints data talk review twitter tweet thread doi acm ieee springer proceedings download link links official
    leaderboard
"""
_SAYS_NOTHING = """
    here link links this url pdf click clickhere open read download full text web page > >> → ↗ 🔗 📄 💻 🌐 📝 src
"""
KNOWN_NAMES = frozenset(_NAME_OF) | frozenset(_MORE_NAMES.split())
_EMPTY_LABELS = frozenset(_SAYS_NOTHING.split())
_LINK_WORD = re.compile(r"(?:^|[ \t_-]+)(?:links?|urls?|address(?:es)?)$")
_ESCAPED = re.compile(r"\\([!-/:-@\[-`{-~])")
_STARS = re.compile(r"(\*{1,3})(?=[^\s*])([^*]*)(?<=[^\s*])\1")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ufeff]")
_PUNCTUATION = string.punctuation  # 32 marks, held meanwhile in the 32 code points that are no characters
_HELD = re.compile("[\ufdd0-\ufdef]")
_MEANT = re.compile(r"\\([!-/:-@\[-`{-~])|&(?:#\w{1,8}|\w{1,32});")


def near(one: str, other: str) -> int:
    """The edit distance of two short words, a transposition of neighbours counting as one."""
    before: list[int] = []
    above = list(range(len(other) + 1))
    for i, a in enumerate(one, 1):
        row = [i]
        for j, b in enumerate(other, 1):
            cost = min(above[j] + 1, row[j - 1] + 1, above[j - 1] + (a != b))
            if i > 1 and j > 1 and a == other[j - 2] and one[i - 2] == b:
                cost = min(cost, before[j - 2] + 1)
            row.append(cost)
        before, above = above, row
    return above[-1]


def link_name(raw: str) -> tuple[str, str]:
    """The name of a link as the catalog writes it, and the misspelt word that was mended in it, or "".

    "Paper link" gives paper, "github" code; any other name stays, in lower case. In backticks it stands for itself.
    """
    if quoted := re.fullmatch(r"`([^`]+)`(?:[ \t]+links?)?", raw.strip()):
        return quoted[1].lower(), ""
    name = " ".join(strip_marks(raw).lower().replace("_", " ").split())
    bare = _LINK_WORD.sub("", name).strip()
    mended = ""
    if bare == name and " " in name:
        head, _, last = name.rpartition(" ")
        if last not in KNOWN_NAMES and len(last) > 2 and min(near(last, "link"), near(last, "links")) == 1:
            bare, mended = head, last
    if bare in ("", "link", "links"):
        return "", mended
    if bare in _NAME_OF:
        return _NAME_OF[bare], mended
    if " " not in bare and bare not in KNOWN_NAMES and (word := nearest(bare, KNOWN_NAMES)):
        return _NAME_OF.get(word, word), mended or bare
    return bare, mended


def nearest(word: str, known: Iterable[str]) -> str:
    """The one known word that a misspelt one stands for, or ""."""
    if not 4 <= len(word) <= 15:
        return ""
    hits = [k for k in known if len(k) > 3 and abs(len(k) - len(word)) < 2 and near(word, k) == 1]
    return min(hits, key=lambda k: (k[0] != word[0], sorted(k) != sorted(word), k)) if hits else ""


def is_name(raw: str) -> bool:
    """Whether a label is the name of a kind of link ("pdf", "Project page") rather than a title."""
    name = " ".join(strip_marks(raw).lower().replace("_", " ").split()).strip("[]():.,|!* ")
    bare = _LINK_WORD.sub("", name).strip()
    return (
        not bare
        or bare in KNOWN_NAMES
        or bare in _PHRASES
        or bare in _EMPTY_LABELS
        or (bare.startswith("official ") and bare.removeprefix("official ") in KNOWN_NAMES)
    )


def is_empty_label(label: str, name: str) -> bool:
    """Whether a link's label says no more than its name does."""
    words = " ".join(label.lower().strip("[]():.,|!* ").split())
    bare = _LINK_WORD.sub("", words).strip()
    return (
        not bare
        or bare in _EMPTY_LABELS
        or bare == name
        or _NAME_OF.get(bare) == name
        or (words.removeprefix("click ").strip() in _EMPTY_LABELS)
    )


def strip_marks(text: str) -> str:
    """The text of a line of Markdown: without emphasis, code marks, HTML tags; escapes and entities resolved."""
    text = _ESCAPED.sub(lambda m: chr(0xFDD0 + _PUNCTUATION.index(m[1])), text) if "\\" in text else text
    text = re.sub(r"</?[A-Za-z][^<>]*>", "", text)
    text = text.replace("`", "")
    for _ in range(3 if "*" in text else 0):
        text = _STARS.sub(r"\2", text)
    text = re.sub(r"(?<!\w)_++|(?<!_)_++(?!\w)", "", text).strip()
    text = text.removeprefix("**").removesuffix("**")
    text = html.unescape(text) if "&" in text else text
    return " ".join(_HELD.sub(lambda m: _PUNCTUATION[ord(m[0]) - 0xFDD0], text).split())


def unescape(text: str) -> str:
    """A table cell or title as it was meant: backslashes and entities resolved, nothing else touched."""
    return _MEANT.sub(lambda m: m[1] or html.unescape(m[0]), text).strip()


def is_pictograph(char: str) -> bool:
    """Whether a character is an emoji, or what joins and colours one."""
    return unicodedata.category(char) in ("So", "Sk", "Cs") or char in "\ufe0f\u200d\u20e3"


def fold(label: str) -> str:
    """The label of a link definition as definitions are compared."""
    return " ".join(label.split()).casefold()


def clean(text: str) -> str:
    """The text on one line, without the control characters that no field may hold."""
    return " ".join(_CONTROL.sub("", " ".join(text.split())).split())
