"""What a text that was typed, pasted or copied names, without what stands around it: brackets, a proxy, a redirect."""

from __future__ import annotations

import re
from urllib.parse import parse_qsl, urlsplit, urlunsplit

_UNSEEN = re.compile("[\u200b-\u200f\u2060-\u2064\ufeff\u00ad\u202a-\u202e\u2066-\u2069]")
_MARKDOWN = re.compile(r"!?\[[^\]]*\]\((https?://[^\s\[\]]+)\)")
_PAIRS = (*zip("<([{\"'`“„‘«", ">)]}\"'`”“’»", strict=True),)
_TRAILING = ".,;:!…"
_NO_SCHEME = re.compile(r"(?:[\w-]+\.)+[a-z]{2,}/\S+$", re.I)
_PROXY = re.compile(r"(?:^|[.-])(?:\w*proxy\w*|ezp|idm|webvpn|remotexs|libaccess)(?:[.-]|\d|$)", re.I)
_WRAPS = re.compile(r"/(?:login|url|link|l\.php|redirect|connect|translate|away|go|click)?$", re.I)
_PIECE = re.compile(
    r"https?://[^\s<>\"]+|\b(?:doi:\s*)?10\.\d{4,9}/\S+|\barxiv:\s*\S+|\b(?:pmid|pmcid|isbn)[: ]\s*[\d-]+\w?", re.I
)
_WRAPPED = ("url", "qurl", "q", "u", "target", "to")
_ARCHIVED = re.compile(r"https?://web\.archive\.org/web/[\w*]+/(https?://.+)", re.I)
_MOBILE = re.compile(r"^(?:m|mobile)\.(?=[^.]+\.\w+$)", re.I)


def forms(text: str) -> tuple[str, ...]:
    """What a text may name: as it is in `plain`, and as an address that was written without its scheme."""
    text = plain(text)
    return (text, unwrapped(f"https://{text}")) if _NO_SCHEME.match(text) else (text,)


def plain(text: str) -> str:
    """What a text names, without brackets, quotes and what ends a sentence; an address as it is at its own host."""
    text = _UNSEEN.sub("", text).strip()
    if found := _MARKDOWN.fullmatch(text):
        text = found[1]
    while True:
        before = text
        for left, right in _PAIRS:
            if len(text) > 2 and text[0] == left and text[-1] == right:
                text = text[1:-1].strip()
        text = text.rstrip(_TRAILING).rstrip()
        if text[-1:] in (")", "]") and text.count("(") < text.count(")") + (text[-1] == "]"):
            text = _unpaired(text)
        if text == before:
            break
    return unwrapped(text)


def _unpaired(text: str) -> str:
    """The text without a closing bracket at its end that nothing opens."""
    opening = {")": "(", "]": "["}[text[-1]]
    return text[:-1] if text.count(opening) < text.count(text[-1]) else text


def unwrapped(url: str) -> str:
    """An address out of a library's proxy, a redirect, an archive's copy, or a page for telephones."""
    for _ in range(3):
        if found := _ARCHIVED.match(url):
            url = found[1]
            continue
        try:
            parts = urlsplit(url)
            asked = parse_qsl(parts.query)
            host = parts.hostname or ""
        except ValueError:
            return url
        if not (host and parts.scheme.lower().startswith("http")):
            return url
        inner = next((to for name, to in asked if name.lower() in _WRAPPED and re.match(r"https?://", to, re.I)), "")
        if not (inner and _WRAPS.search(parts.path)):
            break
        url = inner
    own = _MOBILE.sub("", _behind_proxy(host))
    return url if own == host else urlunsplit(parts._replace(netloc=own))


def _behind_proxy(host: str) -> str:
    """The host that a proxy stands for: `doi-org.proxy.uni.edu` and `doi.org.proxy.uni.edu` are doi.org."""
    labels = host.split(".")
    at = next((at for at, label in enumerate(labels) if at and _PROXY.search(label)), 0)
    if not at:
        return host
    own = ".".join(labels[:at])
    own = own if "." in own else own.replace("--", "\0").replace("-", ".").replace("\0", "-")
    return own if re.search(r"[\w-]\.[a-z]{2,}$", own) else host


def pieces(text: str) -> list[str]:
    """The addresses and identifiers that stand in some words, as in a reference that was copied."""
    return [plain(one) for one in _PIECE.findall(_MARKDOWN.sub(r" \1 ", text))]


def mistaken(text: str) -> str:
    """Why a text that looks like an identifier is none, and what to write; "" where it looks like nothing."""
    text = plain(text)
    digits = re.sub(r"[\s\u2010-\u2015-]", "", re.sub(r"^isbn(?:-1[03])?:?\s*", "", text, flags=re.I))
    if text.lower().startswith("isbn") or re.fullmatch(r"\d{9}[\dXx]|97[89]\d{10}", digits):
        return "no ISBN: its digits do not fit its check digit; look for a typing mistake"
    if re.fullmatch(r"\d{1,9}", text):
        return f"a number alone; for PubMed's write pmid:{text}"
    if re.match(r"(?:file|ftp|data|javascript):", text, re.I):
        return "no address of the web; give one that begins with https://, or the file itself"
    if re.fullmatch(r"[A-Za-z\d][\w-]{0,38}/[\w.-]{1,100}", text):
        return f"no such file; for a repository write github:{text}"
    return ""
