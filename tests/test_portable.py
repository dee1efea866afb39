"""The pages that `kb site pages` writes build with other generators, and say the same there."""

from __future__ import annotations

import importlib.util
import re
import subprocess
import sys
from html import unescape
from pathlib import Path

import pytest
from test_site_browser import small

from catalog.pages import SiteOptions, build, render, write

PLAIN = """site_name: Elsewhere
docs_dir: docs
site_dir: html
use_directory_urls: false
strict: true
theme:
  name: material
  font: false
plugins: []
markdown_extensions: [admonition, attr_list, def_list, tables, pymdownx.superfences]
"""


def said(page: Path) -> str:
    """What a reader reads in the article."""
    markup = page.read_text(encoding="utf-8")
    article = markup[markup.index("<article") : markup.rindex("</article>")]
    shown = re.sub(r"<(script|style)\b.*?</\1>", " ", article, flags=re.S)
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", shown)).replace("¶", " ").split())


@pytest.mark.parametrize("generator", ["mkdocs", "zensical"])
def test_another_generator_gives_the_same_pages(generator: str, tmp_path: Path) -> None:
    if importlib.util.find_spec(generator) is None:
        pytest.skip(f"{generator} is not installed")
    files = render(small(), SiteOptions(), {"guide.md": "# Guide\\n\\n[LoRA](papers/hu2021lora.md), *well*.\\n"})
    ours = build(tmp_path / "ours", files, SiteOptions())
    there = tmp_path / "there"
    write(files, there / "docs")
    (there / "mkdocs.yml").write_text(PLAIN)
    command = [sys.executable, "-m", generator, "build", "-f", "mkdocs.yml"]
    done = subprocess.run(command, cwd=there, capture_output=True, text=True, check=False)  # a generator
    assert done.returncode == 0, done.stdout + done.stderr
    pages = [
        {path.relative_to(folder).as_posix() for path in folder.rglob("*.html")} for folder in (ours, there / "html")
    ]
    assert pages[0] == pages[1]
    for page in sorted(pages[0] - {"404.html", "embed.html"}):
        assert said(ours / page) == said(there / "html" / page), page
