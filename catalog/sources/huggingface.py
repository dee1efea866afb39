"""Hugging Face's paper pages: the repository that a paper's authors name there."""

from __future__ import annotations

import re

from catalog.sources.client import Client, NotFound
from catalog.sources.said import text

_REPOSITORY = re.compile(r"https?://(?:www\.)?(?:github\.com|gitlab\.com|codeberg\.org)/[\w.-]+/[\w.-]+/?")


def code(arxiv: str, client: Client) -> str:
    """The repository of the paper with an arXiv id; "" where its page names none, or there is no page."""
    try:
        found = text(client.json(f"https://huggingface.co/api/papers/{arxiv}"), "githubRepo")
    except NotFound:
        return ""
    return found.rstrip("/") if _REPOSITORY.fullmatch(found) else ""
