"""Other markup as HTML, by pandoc where it is installed: org, reStructuredText, LaTeX, docx, wiki text …"""

from __future__ import annotations

import re
import shutil
import subprocess

from catalog.errors import KbError

FORMATS = {
    "org": "org", "rst": "rst", "tex": "latex", "latex": "latex", "bbl": "latex", "docx": "docx", "odt": "odt",
    "wiki": "mediawiki", "mediawiki": "mediawiki", "textile": "textile", "typ": "typst", "epub": "epub", "rtf": "rtf",
    "muse": "muse", "ipynb": "ipynb",
}  # fmt: skip
_HEAD = re.compile(r"<h(?P<level>[1-6])(?P<attributes>[^<>]*)>(?P<in>.*?)</h(?P=level)>", re.S)
_DATA = re.compile(r'\sdata-(?P<name>[\w-]+)="(?P<value>[^"]*)"')
_STATE = re.compile(r'<span class="(?:todo|done) [\w-]+">([^<>]*)</span>')
_BIBLIOGRAPHY = re.compile(rb"(?s)\\begin\s*\{thebibliography\}(?:\{[^{}]*\})?(.*?)\\end\s*\{thebibliography\}")
_CITED = re.compile(rb"(?s)\\bibitem\s*(?:\[.{0,2000}?\]\s*)?\{([^{}]{1,200})\}")
_TAG = re.compile(r'<span class="tag" data-tag-name="([^"]*)">.*?</span></span>\s*(?:&nbsp;|\u00a0)?', re.S)


def to_html(data: bytes, form: str) -> str:
    """The text as HTML; raises `KbError` where pandoc is missing, or does not take the text."""
    program = shutil.which("pandoc")
    if not program:
        raise KbError(f"{form} is read by pandoc, which is not installed; install pandoc, or give Markdown")
    if form == "org":
        data = b"#+OPTIONS: p:t d:t\n" + data
    if form == "latex":
        data = _BIBLIOGRAPHY.sub(_items, data)
    command = [program, "-f", form, "-t", "html", "--wrap=none", "--sandbox"]
    try:
        done = subprocess.run(command, input=data, capture_output=True, timeout=120, check=False)  # noqa: S603 - the program is pandoc, the text its input
    except subprocess.TimeoutExpired:
        raise KbError(f"pandoc did not finish with this {form} in two minutes; give Markdown") from None
    if done.returncode:
        raise KbError(f"pandoc could not read this {form}: {done.stderr.decode(errors='replace').strip()[:200]}")
    return _HEAD.sub(_heading, done.stdout.decode(errors="replace"))


def _items(match: re.Match[bytes]) -> bytes:
    """The works of a bibliography as items, the key of each as a line below it."""
    _, *parts = _CITED.split(match[1].replace(rb"\newblock", b" "))
    works = zip(parts[::2], parts[1::2], strict=True)
    items = [rb"\item " + work.strip() + b"\n\nkey: " + key for key, work in works]
    return b"\n".join([rb"\begin{itemize}", *items, rb"\end{itemize}"])


def _heading(match: re.Match[str]) -> str:
    inner = _STATE.sub(r"[\1]", match["in"])
    tags = _TAG.findall(inner)
    facts = [f"<p>{name}: {value}</p>" for name, value in _DATA.findall(match["attributes"])]
    facts += [f"<p>tags: {', '.join(tags)}</p>"] if tags else []
    return f"<h{match['level']}>{_TAG.sub('', inner).strip()}</h{match['level']}>{''.join(facts)}"
