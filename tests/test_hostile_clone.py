"""A whole collection of a stranger: settings, papers, notes, notebooks, code, records, pages. It is built and looked at."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from browsing import served
from test_site_browser import RUN

from catalog.library import Library

if TYPE_CHECKING:
    from playwright.sync_api import Browser

BREAK = f'"><script>{RUN}</script><img src=x onerror={RUN}>'
MARKDOWN = f"""
<script>{RUN}</script><svg/onload={RUN}><math><mtext><mglyph><svg><style><a title="</style><img src onerror='{RUN}'>">
[a](javascript:{RUN}) [b](data:text/html;base64,PHNjcmlwdD4=) [c](JaVa\tScRiPt:{RUN}) <javascript:{RUN}> [d][r]
![p](javascript:{RUN}) ![q](data:image/svg+xml,<svg onload={RUN}>)
text {{: onclick="{RUN}" style="background:url(//evil.example/z)" }}
# Heading {{#x onclick={RUN}}}
--8<-- "kb.toml"
;--8<--
/etc/passwd
;--8<--
```mermaid
graph TD; A["<img src=x onerror={RUN}>"]-->B; click A href "javascript:{RUN}"
```
``` {{.python onclick={RUN}}}
x
```
???+ note "x<script>{RUN}</script>"
    y
$\\href{{javascript:{RUN}}}{{x}}$ $$\\html{{<script>{RUN}</script>}} \\class{{a}}{{b}} \\require{{html}}$$
<details open ontoggle={RUN}><summary>s</summary></details><iframe srcdoc="<script>parent.{RUN}</script>"></iframe>
<object data="data:text/html,<script>{RUN}</script>"></object><form action=javascript:{RUN}><input autofocus onfocus={RUN}>
<a href="&#106;avascript:{RUN}">e</a> <a href=" javascript:{RUN}">f</a> <a href="x" ping=//evil.example>g</a>
<span popover id=cite data-kb-text=citation>clobber</span><img name=getElementById><a id=__config></a>

[r]: javascript:{RUN}
"""
LEAVING = "<meta http-equiv=refresh content='0;url=//evil.example'><base href=//evil.example/>"
ASKED = """() => {
  for (const node of document.querySelectorAll("article :is(a, summary, button, circle, details)")) {
    if (node.tagName === "DETAILS") node.open = true;
    node.dispatchEvent(new MouseEvent("mouseover", { bubbles: true }));
    const to = node.href?.baseVal ?? node.href;
    if (/^(javascript|data|vbscript):/i.test(to || "")) node.click();
  }
  return document.body.textContent.includes("root:x:0");
}"""


def notebook() -> str:
    """Every kind of output, each with something that would run."""
    outputs = [
        {"text/html": MARKDOWN}, {"image/svg+xml": f"<svg xmlns='http://www.w3.org/2000/svg' onload='{RUN}'/>"},
        {"application/javascript": RUN, "text/latex": f"$\\href{{javascript:{RUN}}}{{x}}$", "text/markdown": MARKDOWN},
    ]  # fmt: skip
    cell = {
        "cell_type": "code", "execution_count": 1, "metadata": {}, "source": f"</code></pre>{BREAK}",
        "outputs": [
            *({"output_type": "display_data", "metadata": {}, "data": data} for data in outputs),
            {"output_type": "stream", "name": "stdout", "text": f"\x1b]8;;javascript:{RUN}\x07x\x1b]8;;\x07{BREAK}"},
            {"output_type": "error", "ename": BREAK, "evalue": BREAK, "traceback": [BREAK]},
        ],
    }  # fmt: skip
    spec = {"kernelspec": {"name": BREAK, "display_name": BREAK}, "language_info": {"name": BREAK}}
    prose = {"cell_type": "markdown", "metadata": {}, "source": MARKDOWN}
    return json.dumps({"cells": [prose, cell], "metadata": spec, "nbformat": 4, "nbformat_minor": 5})


def records() -> dict[str, object]:
    """What a run and a comparison wrote."""
    environment = {"date": "2026-01-01" + BREAK, "device": BREAK, "commit": BREAK, "versions": {BREAK: BREAK}}
    claim = {
        "name": "claim_one",
        "says": BREAK,
        "verdict": "holds",
        "why": BREAK,
        "measured": [{"what": BREAK, "value": 1}],
    }
    demo = {"metric": {"name": BREAK}, "before": {"value": 0}, "after": {"value": 1}, "samples": [{"given": BREAK}]}
    row = {
        "name": BREAK,
        "title": BREAK,
        "paper": "a",
        "options": {BREAK: BREAK},
        "source": BREAK,
        "mean": 0.5,
        "sd": 0.1,
    }
    row |= {"parameters": 10, "peak_bytes": 1, "seconds_a_step": 1, "why": BREAK, "peak_of": BREAK}
    bench = {"model": BREAK, "task": BREAK, "metric": {"name": BREAK}, "command": BREAK}
    bench |= {"rows": [row, row | {"setting": "own", "mean": 0.7}]}
    return {
        "evil.cpu.json": {"name": "evil", "environment": environment, "claims": [claim], "demo": demo},
        "bench-x.cpu.json": bench,
    }


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("clone")
    facts = "authors: [Ann Aho]\nyear: 2020\nlinks:\n  paper: https://ok.example/'onclick='x\n"
    head = f"---\ntitle: {json.dumps(BREAK)}\nabstract: {json.dumps(BREAK)}\n{facts}tutorials:\n  - name: {json.dumps(BREAK)}\n"
    paper = f"{head}    notebook: ../notebooks/n.ipynb\n---\n\n{MARKDOWN}\n[b](b.md)\n"
    code = f'"""EVIL: {BREAK}.\n\n    y = {BREAK}\n"""\nPAPER = "a"\n\ndef apply(model):\n    """{BREAK}"""\n    return model\n'
    marks = "---\ntitle: kbmarkbodykbmark kbmarkheadkbmark\n---\nkbmarkjsonldkbmark\n"
    page = f"---\ntitle: x\nkb: paper\nhead: '<script>{RUN}</script>'\njsonld: '</script><script>{RUN}</script>'\n---\n# H\n"
    texts = {
        "kb.toml": f"title = {json.dumps('T ' + BREAK)}\n", "papers/a.md": paper, "papers/b.md": paper,
        'papers/h"><svg onload=1>.md': marks, "papers/kbmarkbodykbmark.md": marks, "notebooks/n.ipynb": notebook(),
        "refimpl/evil.py": code, "runs/bench-x.cpu.md": MARKDOWN, "site/hand.md": page + MARKDOWN + LEAVING,
        "mkdocs.yml": f"INHERIT: build/mkdocs.base.yml\nsite_name: 'n{BREAK}'\nhooks: [evil.py]\ncopyright: '{BREAK}'\n"
        "markdown_extensions:\n  - pymdownx.snippets:\n      base_path: /etc\nextra_javascript: ['//evil.example/x.js']\n",
        "evil.py": "raise SystemExit('a hook of a stranger ran')\n",
    }  # fmt: skip
    texts |= {f"runs/{name}": json.dumps(record) for name, record in records().items()}
    for path, text in texts.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text, encoding="utf-8")
    return Library.open(root).build_site()


@pytest.mark.parametrize("bypass", [False, True], ids=["with the policy", "without it"])
def test_nothing_of_a_clone_runs(browser: Browser, clone: Path, bypass: bool) -> None:
    pages = {path.relative_to(clone).as_posix() for path in clone.rglob("*.html")}
    assert {"compare.html", "hand.html", "papers/a.html", "papers/notebook-n.html"} <= pages
    with served(clone) as base:
        context = browser.new_context(bypass_csp=bypass)
        page = context.new_page()
        answered: list[str] = []
        page.on("response", lambda response: answered.append(response.url))
        for path in sorted(
            pages - ({"hand.html"} if bypass else set())
        ):  # pages by hand are HTML: the policy holds them
            page.goto(base + path)
            assert not page.evaluate(ASKED), "a file of this machine was taken into a page"
            page.wait_for_timeout(50)
            assert page.evaluate("window.__fired ?? null") is None, path
            assert page.url.startswith(base), path
        assert [url for url in answered if not url.startswith((base, "data:"))] == []
        context.close()
