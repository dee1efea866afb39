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

from catalog import personal
from catalog.errors import KbError
from catalog.files import read_bytes
from catalog.pages import comparison, lineage
from catalog.pages.assets import THEME
from catalog.pages.escape import plain
from catalog.pages.lazy import Body, Files
from catalog.pages.options import SiteOptions
from catalog.pages.output import as_bytes, replace, write
from catalog.pages.policy import protect
from catalog.pages.settings import obeyed

OURS = {comparison.TITLE: comparison.PAGE, lineage.TITLE: lineage.PAGE}
BASE, SAFE, OWN = "build/mkdocs.base.yml", "build/mkdocs.safe.yml", "mkdocs.yml"
QUIET = {"NO_MKDOCS_2_WARNING": "1", "DISABLE_MKDOCS_2_WARNING": "true"}
_INHERIT = re.compile(rf"^INHERIT:\s*['\"]?(?:\./)?{re.escape(BASE)}['\"]?\s*$", re.M)
_NOISE = re.compile(r"^(?:INFO|DEBUG)\b")


def run_mkdocs(root: Path, docs: Mapping[str, Body], files: Files, options: SiteOptions, target: Path) -> None:
    """Render pages into `target` with mkdocs; what stands there stays as it is where mkdocs complains."""
    fresh = target.with_name(target.name + ".new")
    config = prepare(root, docs, files, options)
    command = [sys.executable, "-P", *_unread_bytecode(config), "-m", "mkdocs", "build", "--clean", "--strict"]
    command += ["--config-file", str(config), "--site-dir", str(fresh)]
    done = subprocess.run(  # noqa: S603  # our own interpreter, our own arguments
        command, cwd=root, env=os.environ | QUIET, capture_output=True, text=True, errors="replace", check=False
    )
    if done.returncode:
        shutil.rmtree(fresh, ignore_errors=True)
        raise KbError(f"mkdocs could not build the site:\n{_complaint(done.stderr or done.stdout)}")
    protect(fresh, options, [page for page in fresh.rglob("*.html") if page.relative_to(fresh).as_posix() not in docs])
    _swap(fresh, target)


def prepare(root: Path, docs: Mapping[str, Body], files: Files, options: SiteOptions) -> Path:
    """Write pages and configuration below `build/`; returns the configuration to give to mkdocs."""
    write(docs, root / "build" / "docs")
    body, said = configuration(root, files, options)
    _put(root / BASE, body)
    if not inherits(said):
        return root / BASE
    if options.trusted:
        return root / OWN
    joined = _joined(base_config(root, files, options), obeyed(said)[0])
    _put(root / SAFE, _as_yaml(joined | {"nav": with_ours(joined["nav"], files)}))
    return root / SAFE


def with_ours(nav: list[Any], files: Files) -> list[Any]:
    """A navigation in which our pages at the top stand after the first entry, where it does not name them."""
    ours = [{title: page} for title, page in OURS.items() if page in files and page not in repr(nav)]
    return [*nav[:1], *ours, *nav[1:]]


def configuration(root: Path, files: Files, options: SiteOptions) -> tuple[bytes, bytes]:
    """The base configuration as text, and what the root's own `mkdocs.yml` says ("" where there is none)."""
    try:
        said = read_bytes(root / OWN, OWN)
    except FileNotFoundError:
        said = b""
    return _as_yaml(base_config(root, files, options)), said


def inherits(said: bytes) -> bool:
    """Whether a `mkdocs.yml` is meant for this site."""
    return bool(_INHERIT.search(said.decode("utf-8", "replace")))


def left_out(root: Path) -> list[str]:
    """The settings of the root's `mkdocs.yml` that are not obeyed until it is trusted."""
    try:
        said = read_bytes(root / OWN, OWN)
    except FileNotFoundError:
        return []
    return obeyed(said)[1] if inherits(said) else []


def _joined(base: dict[str, Any], own: Mapping[str, Any]) -> dict[str, Any]:
    """The base with what the root says in its place, as mkdocs inherits it."""
    return base | {name: base[name] | value if name == "theme" else value for name, value in own.items()}


def _as_yaml(config: Mapping[str, Any]) -> bytes:
    import yaml

    return as_bytes(yaml.safe_dump(dict(config), allow_unicode=True, sort_keys=False, width=10**9))


def _put(path: Path, body: bytes) -> None:
    if not path.is_file() or path.read_bytes() != body:
        replace(path, body)


def refuse_links(root: Path) -> None:
    """A clone could lead `build/` out of itself, and what is written and removed there with it."""
    for folder in (
        "build",
        "build/docs",
        *(f"build/{to}{end}" for to in ("html", "preview") for end in ("", ".theme", ".theme.new")),
    ):
        if (root / folder).is_symlink():
            raise KbError(f"{root / folder} is a link; remove it, as the site is written there")


def _unread_bytecode(config: Path) -> list[str]:
    """Options of Python: compiled files that a clone brings are not taken for its sources, which were agreed to."""
    mine = personal.folder()
    return ["-X", f"pycache_prefix={mine / 'bytecode'}"] if config.name == OWN and mine else []


def base_config(root: Path, files: Files, options: SiteOptions) -> dict[str, Any]:
    """What every site has in common, with this one's name, folders and pages."""
    import yaml

    config: dict[str, Any] = yaml.safe_load((THEME / "mkdocs.base.yml").read_text(encoding="utf-8"))
    ours = {"index.md", *OURS.values()}
    pages = sorted(p for p in files if p.endswith(".md") and p not in ours and not p.startswith("papers/"))
    if not pages and not any(page in files for page in OURS.values()):
        config["theme"]["features"].remove("navigation.tabs")
    config["theme"]["custom_dir"] = str(THEME / "overrides")
    name = plain(options.title).replace("<", "&lt;").replace(">", "&gt;").replace('"', "&quot;")
    head: dict[str, Any] = {"site_name": name or "Reading list"}
    head |= {"site_url": options.url} if options.url else {}
    folders = {"docs_dir": str(root / "build" / "docs"), "site_dir": str(root / "build" / "html")}
    papers = with_ours([{"Papers": "index.md"}], files)
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
