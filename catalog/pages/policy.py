"""The content security policy of every page: scripts of the site itself, and those the theme writes into its pages.

Which those are is learned from the page for missing addresses, which holds no text of any paper, so no paper can bring
its own script into the list.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Iterable
from pathlib import Path

from catalog.errors import KbError
from catalog.pages.output import replace

_CHARSET = b'<meta charset="utf-8">'
_META = b'<meta http-equiv="Content-Security-Policy" content="'
_INLINE = re.compile(r"<script>(.*?)</script>", re.S)
_SCOPE = re.compile(r'new URL\("[^"]*",location\)')


def policy(reference: str) -> str:
    """The policy for a site whose page for missing addresses is `reference`."""
    scripts = dict.fromkeys(script for inline in _INLINE.findall(reference) for script in _at_any_depth(inline))
    hashes = " ".join(f"'sha256-{_digest(script)}'" for script in scripts)
    return (
        f"default-src 'none'; script-src 'self' {hashes}; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
        "font-src 'self'; connect-src 'self'; worker-src 'self'; base-uri 'none'; object-src 'none'; form-action 'none'"
    )


def protect(site: Path, pages: Iterable[Path] | None = None) -> str:
    """Put the policy at the head of the pages (all of the site's where none are given); returns it."""
    try:
        rule = policy((site / "404.html").read_text(encoding="utf-8"))
    except OSError:
        raise KbError(
            f"{site / '404.html'} is missing; mkdocs-material writes it, so leave theme.name as it is"
        ) from None
    meta = _META + rule.encode() + b'">'
    for page in site.rglob("*.html") if pages is None else pages:
        body = page.read_bytes()
        if _META not in body[:1000]:
            before, charset, after = body.partition(_CHARSET)
            if not charset:
                raise KbError(f"{page} has no {_CHARSET.decode()}; a template override must keep the theme's head")
            replace(page, before + charset + meta + after)
    return rule


def _at_any_depth(script: str) -> list[str]:
    """The script as it stands in pages at the top, one folder down, and so on."""
    bases = [".", *("/".join([".."] * depth) for depth in range(1, 6))]
    return [script, *(_SCOPE.sub(f'new URL("{base}",location)', script) for base in bases)]


def _digest(script: str) -> str:
    return base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
