"""Building: pages as real files, mkdocs run on them, the result finished and put in place at once."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from catalog.errors import KbError
from catalog.pages import navigation
from catalog.pages.assets import THEME
from catalog.pages.escape import plain
from catalog.pages.navigation import PAGE, TITLE
from catalog.pages.options import SiteOptions
from catalog.pages.output import as_bytes, replace, write
from catalog.pages.policy import protect

BASE = "build/mkdocs.base.yml"
QUIET = {"NO_MKDOCS_2_WARNING": "1", "DISABLE_MKDOCS_2_WARNING": "true"}
_INHERIT = re.compile(rf"^INHERIT:\s*['\"]?(?:\./)?{re.escape(BASE)}['\"]?\s*$", re.M)
_NOISE = re.compile(r"^(?:INFO|DEBUG)\b")


def build(root: Path, files: Mapping[str, str | bytes], options: SiteOptions) -> Path:
    """Build the site of the knowledge base at `root` into `build/html`, which it returns.

    A `mkdocs.yml` at the root that says `INHERIT: build/mkdocs.base.yml` is used, and may say anything mkdocs reads.
    Raises `KbError` with what mkdocs complains about; the site built before then stays as it is.
    """
    return run_mkdocs(root, files, options, root / "build" / "html")


def run_mkdocs(root: Path, files: Mapping[str, str | bytes], options: SiteOptions, target: Path) -> Path:
    """Write the pages and build them into `target`, under a lock that two builds of one root share."""
    from filelock import FileLock

    root = Path(root).resolve()
    fresh = target.with_name(target.name + ".new")
    (root / "build").mkdir(parents=True, exist_ok=True)
    with FileLock(root / "build" / ".lock"):
        config = prepare(root, files, options)
        command = [sys.executable, "-P", "-m", "mkdocs", "build", "--clean", "--strict"]
        command += ["--config-file", str(config), "--site-dir", str(fresh)]
        done = subprocess.run(  # noqa: S603  # our own interpreter, our own arguments
            command, cwd=root, env=os.environ | QUIET, capture_output=True, text=True, errors="replace", check=False
        )
        if done.returncode:
            shutil.rmtree(fresh, ignore_errors=True)
            raise KbError(f"mkdocs could not build the site:\n{_complaint(done.stderr or done.stdout)}")
        protect(fresh)
        _swap(fresh, target)
    return target


def prepare(root: Path, files: Mapping[str, str | bytes], options: SiteOptions) -> Path:
    """Write pages and base configuration below `build/`; returns the configuration to give to mkdocs."""
    write(files, root / "build" / "docs")
    base, own = root / BASE, root / "mkdocs.yml"
    body, said = configuration(root, files, options)
    if not base.is_file() or base.read_bytes() != body:
        replace(base, body)
    return own if _INHERIT.search(said.decode("utf-8", "replace")) else base


def configuration(root: Path, files: Mapping[str, str | bytes], options: SiteOptions) -> tuple[bytes, bytes]:
    """The base configuration as text, and what the root's own `mkdocs.yml` says ("" where there is none)."""
    import yaml

    base = yaml.safe_dump(base_config(root, files, options), allow_unicode=True, sort_keys=False, width=10**9)
    own = root / "mkdocs.yml"
    return as_bytes(base), own.read_bytes() if own.is_file() else b""


def base_config(root: Path, files: Mapping[str, str | bytes], options: SiteOptions) -> dict[str, Any]:
    """What every site has in common, with this one's name, folders and pages."""
    import yaml

    config: dict[str, Any] = yaml.safe_load((THEME / "mkdocs.base.yml").read_text(encoding="utf-8"))
    ours = {"index.md", PAGE}
    pages = sorted(p for p in files if p.endswith(".md") and p not in ours and not p.startswith("papers/"))
    if not pages and PAGE not in files:
        config["theme"]["features"].remove("navigation.tabs")
    config["hooks"] = [str(Path(navigation.__file__))]
    config["theme"]["custom_dir"] = str(THEME / "overrides")
    name = plain(options.title).replace("<", "&lt;").replace(">", "&gt;").replace('"', "&quot;")
    head: dict[str, Any] = {"site_name": name or "Reading list"}
    head |= {"site_url": options.url} if options.url else {}
    folders = {"docs_dir": str(root / "build" / "docs"), "site_dir": str(root / "build" / "html")}
    papers = [{"Papers": "index.md"}, *([{TITLE: PAGE}] if PAGE in files else [])]
    return head | folders | {"nav": [*papers, *_nav(pages)]} | config


def _nav(pages: list[str]) -> list[Any]:
    """Hand-written pages as navigation: those at the top, then a section for each folder."""
    folders: dict[str, list[str]] = {}
    for page in pages:
        folders.setdefault(page.partition("/")[0] if "/" in page else "", []).append(page)
    sections = [{name[:1].upper() + name[1:].replace("-", " "): below} for name, below in folders.items() if name]
    return [*folders.get("", []), *sections]


def _complaint(output: str) -> str:
    lines = [line for line in output.splitlines() if line.strip() and not _NOISE.match(line)]
    return "\n".join(lines[-30:]) or "it ended without a message; run it by hand: mkdocs build -f " + BASE


def _swap(fresh: Path, target: Path) -> None:
    old = target.with_name(target.name + ".old")
    shutil.rmtree(old, ignore_errors=True)
    if target.exists():
        target.rename(old)
    fresh.rename(target)
    shutil.rmtree(old, ignore_errors=True)
