"""The content security policy of every page: scripts of the site itself, and those the theme writes into its pages.

Which those are is learned from the theme's own files, which hold no setting and no text of any paper, so nothing that
comes with a knowledge base can bring its own script into the list. A configuration that the user trusts may bring
templates of its own; then it is learned from the page for missing addresses.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Collection, Iterable
from functools import cache
from pathlib import Path
from urllib.parse import urlsplit

from catalog.errors import KbError
from catalog.pages.options import SiteOptions
from catalog.pages.output import replace

_CHARSET = b'<meta charset="utf-8">'
_META = b'<meta http-equiv="Content-Security-Policy" content="'
_REFRESH = re.compile(rb"<meta\b[^>]*http-equiv\s*=\s*[\"']?\s*refresh\b[^>]*>", re.I)
_INLINE = re.compile(r"<script>(.*?)</script>", re.S)
_PLACE = re.compile(r'new URL\("\{\{ config\.extra\.scope \| d\(base_url\) \}\}",location\)')
_SCOPE = re.compile(r'new URL\("[^"]*",location\)')


def policy(reference: str, address: str = "", used: Collection[str] | None = None) -> str:
    """The policy for a site at an address ("" where it is not known) whose scripts stand in `reference`.

    It allows all of them, or those of them that a page has.
    """
    known = scripts(reference, address)
    wanted = known if used is None else [script for script in known if script in used]
    hashes = " ".join(f"'sha256-{_digest(script)}'" for script in wanted)
    return (
        f"default-src 'none'; script-src 'self' {hashes}; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
        "font-src 'self'; connect-src 'self'; worker-src 'self'; base-uri 'none'; object-src 'none'; form-action 'none'"
    )


def scripts(reference: str, address: str = "") -> dict[str, None]:
    """The scripts in `reference`, as pages of a site at an address have them, whatever their depth."""
    bases = [urlsplit(address).path or "/", ".", *("/".join([".."] * depth) for depth in range(1, 6))]
    return dict.fromkeys(script for inline in _INLINE.findall(reference) for script in _at_any_depth(inline, bases))


def reference(site: Path, options: SiteOptions) -> str:
    """A text that holds the inline scripts which pages of this site may have. Raises `KbError` where there is none."""
    if not options.trusted:
        return _of_the_theme()
    try:
        return (site / "404.html").read_text(encoding="utf-8")
    except OSError:
        raise KbError(
            f"{site / '404.html'} is missing; mkdocs-material writes it, so leave theme.name as it is"
        ) from None


def protect(site: Path, options: SiteOptions, pages: Iterable[Path] | None = None) -> str:
    """Put the policy at the head of the pages (all of the site's where none are given); returns it."""
    known = reference(site, options)
    for page in site.rglob("*.html") if pages is None else pages:
        before = page.read_bytes()
        after = protected(str(page), before, known, options)
        if after is not before:
            replace(page, after)
    return policy(known, options.url)


def protected(name: str, body: bytes, known: str, options: SiteOptions) -> bytes:
    """A page with the policy at its head: of the scripts in `known`, those that it has may run.

    No policy keeps a page from sending its readers elsewhere; one of an untrusted collection may not.
    """
    if _META in body[:1000]:
        return body
    body = body if options.trusted else _REFRESH.sub(b"", body)
    before, charset, after = body.partition(_CHARSET)
    if not charset:
        raise KbError(f"{name} has no {_CHARSET.decode()}; a template override must keep the theme's head")
    used = set(_INLINE.findall(body.decode("utf-8", "replace")))
    return before + charset + _META + policy(known, options.url, used).encode() + b'">' + after


@cache
def _of_the_theme() -> str:
    """The scripts in the installed theme's templates that no setting is written into, but for where a page stands."""
    from importlib.util import find_spec

    found = find_spec("material")
    assert found is not None, "mkdocs-material is a dependency"
    assert found.submodule_search_locations, "it is a package"
    folder = Path(found.submodule_search_locations[0]) / "templates" / "partials"
    texts = (path.read_text(encoding="utf-8") for path in sorted(folder.rglob("*.html")))
    scripts = (_PLACE.sub('new URL(".",location)', script) for text in texts for script in _INLINE.findall(text))
    return "".join(f"<script>{script}</script>" for script in scripts if "{{" not in script and "{%" not in script)


def _at_any_depth(script: str, bases: Iterable[str]) -> list[str]:
    """The script as it stands in pages at the top, one folder down, and so on."""
    return [script, *(_SCOPE.sub(lambda _, base=base: f'new URL("{base}",location)', script) for base in bases)]  # type: ignore[misc]  # a lambda with a default


def _digest(script: str) -> str:
    return base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
