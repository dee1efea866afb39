"""Our citations beside citeproc-js's and citeproc-py's: 100 entries in eight styles, and every line that differs.

Needs node; takes citeproc-js (npm `citeproc`) into a temporary folder, and citeproc-py where it is installed.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
import tempfile
import warnings
from collections.abc import Callable
from importlib.resources import files
from pathlib import Path
from typing import Any

from catalog.bibtex.describe import describe
from catalog.bibtex.scan import scan
from catalog.citing import NAMES, as_text, cite, named
from catalog.export.csl import item
from catalog.models import Paper

ENTRIES = Path(__file__).parent.parent / "tests" / "data" / "cite.bib"
VERSION = "2.4.63"
SCRIPT = """
const CSL = require("citeproc"), fs = require("fs");
const [items, locale, styles] = JSON.parse(fs.readFileSync(0, "utf8"));
const lines = {}, byId = Object.fromEntries(items.map((item) => [item.id, item]));
for (const [name, style] of Object.entries(styles)) {
  const engine = new CSL.Engine({ retrieveLocale: () => locale, retrieveItem: (id) => byId[id] }, style, "en-US", true);
  engine.setOutputFormat("text");
  const line = ({ id }) => { engine.updateItems([id]); return engine.makeBibliography()[1].join("").trim(); };
  lines[name] = items.map(line);
}
console.log(JSON.stringify(lines));
"""
Lines = dict[str, list[str]]


def items() -> list[dict[str, Any]]:
    """The entries as CSL-JSON."""
    blocks = scan(ENTRIES.read_text(encoding="utf-8"))
    return [item(describe(Paper(key=block.key, bibtex=block.text))) for block in blocks if block.kind == "entry"]


def style_text(name: str) -> str:
    """The text of a style that comes along, or of the locale."""
    return (files("catalog.citing") / "styles" / name).read_text(encoding="utf-8")


def ours(found: list[dict[str, Any]]) -> Lines:
    """Our lines, each item the first of its list."""
    return {name: [as_text(cite(named(name), one)) for one in found] for name in NAMES}


def of_citeproc_js(found: list[dict[str, Any]], folder: str) -> Lines:
    """citeproc-js's lines; `folder` holds its `node_modules`, or gets them."""
    if not (Path(folder) / "node_modules" / "citeproc").is_dir():
        subprocess.run(["npm", "install", "--silent", "--prefix", folder, f"citeproc@{VERSION}"], check=True)
    given = json.dumps([found, style_text("locales-en-US.xml"), {name: style_text(f"{name}.csl") for name in NAMES}])
    done = subprocess.run(["node", "-e", SCRIPT], input=given, cwd=folder, capture_output=True, text=True, check=True)
    lines: Lines = json.loads(done.stdout)
    return lines


def of_citeproc_py(found: list[dict[str, Any]]) -> Lines:
    """citeproc-py's lines, its numbers spaced and stops moved into quotes; {} where it is not installed."""
    try:
        import citeproc
        from citeproc.source.json import CiteProcJSON
    except ImportError:
        return {}
    warnings.simplefilter("ignore")

    def line(style: Any, one: dict[str, Any]) -> str:
        bibliography = citeproc.CitationStylesBibliography(style, CiteProcJSON([one]), citeproc.formatter.plain)
        bibliography.register(citeproc.Citation([citeproc.CitationItem(one["id"])]))
        text = "".join(map(str, bibliography.bibliography())).strip()
        return re.sub(r"”([,.])", r"\1”", re.sub(r"^(\[\d+\]|\d+\.)(?=\S)", r"\1 ", text))

    lines: Lines = {}
    for name in NAMES:
        path = str(files("catalog.citing") / "styles" / f"{name}.csl")
        style = citeproc.CitationStylesStyle(path, validate=False)
        lines[name] = [_tried(lambda one=one, style=style: line(style, one)) for one in found]
    return lines


def _tried(make: Callable[[], str]) -> str:
    try:
        return make()
    except Exception as error:  # a processor that fails has no line
        return f"{type(error).__name__}: {error}"


def main() -> None:
    """Print a table of equal lines, and then the lines of ours that differ."""
    if not shutil.which("node"):
        sys.exit("citations: needs node and npm")
    found = items()
    with tempfile.TemporaryDirectory() as folder:
        oracle = of_citeproc_js(found, folder)
    mine, theirs = ours(found), of_citeproc_py(found)
    print(f"{len(found)} entries; lines as citeproc-js {VERSION} has them\n")
    print("style        ours  citeproc-py")
    for name in NAMES:
        equal = [sum(map(str.__eq__, lines[name], oracle[name])) if lines else 0 for lines in (mine, theirs)]
        print(f"{name:<12} {equal[0]:>4}  {equal[1] or '–':>11}")
    for name in NAMES:
        for one, line, other in zip(found, mine[name], oracle[name], strict=True):
            if line != other:
                print(f"\n{name} {one['id']}\n  ours {line}\n  js   {other}")


if __name__ == "__main__":
    main()
