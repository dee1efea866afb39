"""The search of the site against that of the command line: the same answers, in the same order, in a real browser."""

from __future__ import annotations

import json
import random
import re
import tomllib
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from support import known

from catalog.errors import BadQuery
from catalog.export.cite import citation
from catalog.facts import Facts, Taught
from catalog.library import Library
from catalog.notebook import Cell, Notebook, said_in
from catalog.pages import SiteOptions, build, finding, home, render, shards, takeaway
from catalog.pages.assets import THEME
from catalog.pages.finding import search_files
from catalog.pages.known import Known
from catalog.pages.lazy import body_of
from catalog.pages.notebook import NotebookFile, Shown
from catalog.search.cells import Beside
from catalog.search.index import Index

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

GOLDEN = tomllib.loads((Path(__file__).parent / "data" / "queries.toml").read_text(encoding="utf-8"))
TEXT = (
    "LoRA low-rank Low rank adaptation adapters adapter adapted fine-tuning finetuning fine tuned quantization models"
    " quantized model Müller Łódź 深度学习 α-stable C++ memory memories the how with of large language 2021 colour color"
    " multi–task mc^2 x^{n} O'Brien d’Alembert x Straße naïve İstanbul ΑΒΓ Ω embedding embeddings optimisation optimise"
    " ΔW βVAE LLM pictures graph neural networks GNN"
)
WORDS = TEXT.split()
ASKED = (
    "year:2021", "year:2019..2021", "year:>2020", "tag:peft", "tag:quant*", 'tag:"Long Context"', "status:unread,read",
    "has:code", "has:impl", "link:github", "key:k1", "2106.09685", "10.1145/ab(1)", "https://doi.org/10.1145/ab(1)",
    "added:2026-01", "quantzied", "memorie", "adaptr", "modle", "zebra", "gnns", "photo", "memry quantz picture", "year:x", "foo:bar", '"', "(", "arxiv.org/abs/1", "-", "*", '""', "N19-1423",
    "https://openreview.net/forum?id=aB-1",
)  # fmt: skip
ANSWER = """async ([data, queries]) => {
  const fetched = async (path) => window.readrunShard(...data.files[path]);
  if (data.bounds) data.index = await window.readrunShards(data, fetched);
  const { papers, answered } = window.readrunEngine(data);
  const asked = async (query) => {
    const answer = await answered(query);
    const lacking = [...answer.lacking].map(([i, words]) => [papers[i].key, words]);
    return [answer.found.map((i) => papers[i].key), answer.typos, Object.fromEntries(lacking)];
  };
  return Promise.all(queries.map((query) => asked(query).catch((error) => {
    if (error instanceof SyntaxError) return "refused";
    throw error;
  })));
}"""


@pytest.fixture(scope="module")
def engine(browser: Browser) -> Page:
    page = browser.new_page()
    for name in ("query.js", "engine.js", "shards.js"):
        page.add_script_tag(path=THEME / "assets" / name)
    return page


def prose(draw: random.Random, most: int) -> str:
    return " ".join(draw.choice(WORDS) for _ in range(draw.randint(0, most)))


def some_paper(draw: random.Random, i: int) -> Facts:
    return known(
        key=(key := f"k{i}{draw.choice('abXY')}"),
        title=prose(draw, 6),
        authors=tuple(prose(draw, 2) for _ in range(draw.randint(0, 2))),
        year=draw.choice([0, 2019, 2021, 2021, 2023]),
        venue=draw.choice(["", "AAAI", "Nature"]),
        status=draw.choice(["read", "unread", "reading"]),
        added=draw.choice(["", "2026-01-02", "2026-02-03"]),
        tags=tuple({draw.choice(["peft", "Long Context", "quant", "C++"]) for _ in range(2)}),
        links=draw.choice(
            [(), (("code", "https://github.com/a/B", ""),), (("paper", "https://doi.org/10.1145/Ab(1)", ""),)]
        ),
        arxiv=draw.choice(["", "2106.09685v2"]),
        doi=draw.choice(["", "10.1145/ab(1)"]),
        abstract=prose(draw, 20),
        notes=prose(draw, 30),
        tutorials=(Taught("t", notebook=key),) if draw.random() < 0.3 else (),
    )


def notebook(text: str) -> Shown:
    return Shown("page", NotebookFile("a.ipynb", b""), Notebook("", (Cell("markdown", text),)))


def some_query(draw: random.Random) -> str:
    def term() -> str:
        word = draw.choice(WORDS)
        forms = (
            word,
            word,
            f'"{word} {draw.choice(WORDS)}"',
            f"title:{word}",
            f"notes:{word},x",
            f"-{word}",
            f"(a OR {word})",
        )
        return draw.choice((*forms, draw.choice(ASKED)))

    return " ".join(term() if not at or draw.random() < 0.7 else f"OR {term()}" for at in range(draw.randint(1, 4)))


@pytest.mark.parametrize("seed", range(6))
def test_browser_and_command_line_give_one_answer(engine: Page, seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(finding, "SEGMENT", 7)
    draw = random.Random(seed)
    papers = [some_paper(draw, i) for i in range(draw.choice([1, 8, 30]))]
    queries = [some_query(draw) for _ in range(300)]
    taught = {paper.key: notebook(prose(draw, 60)) for paper in papers if paper.tutorials}
    with Index(":memory:") as index:
        say = {
            f"{paper.key}.md": Beside("", said_in([shown.notebook]))
            for paper in papers
            if (shown := taught.get(paper.key))
        }
        index.update([(f"{paper.key}.md", "1", paper) for paper in papers], [], say=say)
        expected = [answer(index, query) for query in queries]
    for whole in (len(papers), 0):
        monkeypatch.setattr(finding, "WHOLE", whole)
        data = index_of(papers, taught)
        assert bool(whole) != ("bounds" in data)
        for query, here, there in zip(queries, expected, engine.evaluate(ANSWER, [data, queries]), strict=True):
            assert there == here, query


def index_of(papers: list[Facts], taught: dict[str, Shown]) -> dict[str, Any]:
    """What the scripts of the index hold: papers with their columns, or shards of words."""
    files = search_files(Known(papers, {paper.key: paper.key for paper in papers}, {}), {}, taught)
    about = json.loads(str(files.pop("search.js")).removeprefix("window.readrunIndex=").removesuffix(";\n"))
    calls = {path: re.fullmatch(r"window\.readrun(\w+)\((.*)\);\n", str(body_of(file))) for path, file in files.items()}
    said = {path: (call[1], json.loads(f"[{call[2]}]")) for path, call in calls.items() if call}
    parts = [rows for name, (_, rows) in said.values() if name == "SearchPart"]
    assert len(parts) == about["parts"]
    return about | {
        "papers": [row for part in parts for row in part],
        "files": {path: one for path, (name, one) in said.items() if name == "Shard"},
    }


def answer(index: Index, query: str) -> Any:
    try:
        found = index.answer(query)
    except BadQuery:
        return "refused"
    return [
        [paper.key for paper in found.papers],
        dict(found.typos),
        {key: list(words) for key, words in found.lacking.items()},
    ]


@pytest.fixture(scope="module")
def shelf(tmp_path_factory: pytest.TempPathFactory) -> str:
    library = Library.init(tmp_path_factory.mktemp("shelf") / "base")
    for key, paper in GOLDEN["papers"].items():
        text = f"---\n{paper['head']}---\n"
        (library.root / "papers" / f"{key}.md").write_text(text, encoding="utf-8")
    (library.root / "readers").mkdir()
    for name, said in GOLDEN["readers"].items():
        (library.root / "readers" / f"{name}.toml").write_text(said, encoding="utf-8")
    (library.root / "site").mkdir()
    (library.root / "site" / "guide.md").write_text("# On reading\n\nHow seabirds read.\n", encoding="utf-8")
    return library.build_site().as_uri()


def test_table_and_window_give_the_golden_answers(browser: Browser, shelf: str) -> None:
    """From a folder on disk, where nothing can be fetched but scripts."""
    from playwright.sync_api import expect

    table = browser.new_page()
    table.goto(f"{shelf}/index.html")
    window = browser.new_page()
    window.goto(f"{shelf}/papers/hu2021rank.html")
    window.click(".kb-find__open")
    for golden in GOLDEN["queries"]:
        titles = [link_title(golden["find"], n) for n in range(len(golden["find"]))]
        table.fill("#kb-q", golden["ask"])
        expect(table.locator("table.kb-papers tbody .kb-title")).to_have_text(titles)
        window.keyboard.press("Control+a")
        window.keyboard.type(golden["ask"])
        expect(window.locator(".kb-find__list a[href*='/papers/'] .kb-find__title")).to_have_text(titles)
    table.close()
    window.close()


def link_title(keys: list[str], n: int) -> str:
    head = GOLDEN["papers"][keys[n]]["head"]
    return str(head.split("title: ")[1].split("\n")[0])


def test_the_index_comes_with_the_first_key_and_pages_are_found_too(browser: Browser, shelf: str) -> None:
    asked: list[str] = []
    page = browser.new_page()
    page.on("request", lambda request: asked.append(request.url.rpartition("/")[2]))
    page.goto(f"{shelf}/papers/hu2021rank.html")
    assert "search.js" not in asked
    page.keyboard.press("/")
    page.keyboard.type("seabird reading")
    link = page.locator(".kb-find__list a[href$='guide.html']")
    link.wait_for()
    assert "search.js" in asked
    assert link.locator("mark").all_inner_texts() == ["reading"]
    page.keyboard.type(" year:x")
    page.get_by_text("is not a year").wait_for()
    page.keyboard.press("Control+a")
    page.keyboard.type("in:pdf word")
    page.get_by_text("a site does not hold").wait_for()
    page.keyboard.press("Escape")
    assert not page.locator(".kb-find").is_visible()
    page.close()


def test_a_list_in_parts_is_one_list(browser: Browser, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for module, name, size in ((home, "ROWS", 4), (home, "SOON", 2), (takeaway, "PART", 3), (takeaway, "MANY", 5), (finding, "PART", 5), (finding, "WHOLE", 9), (finding, "SEGMENT", 6)):  # fmt: skip
        monkeypatch.setattr(module, name, size)
    draw = random.Random(5)
    papers = [replace(some_paper(draw, i), bibtex=f"@misc{{k{i}}}") for i in range(10)]
    papers.append(known(key="fish", title="Of zebrafish", bibtex="@misc{fish}"))
    folder = build(tmp_path, render(papers, SiteOptions("Many")), SiteOptions("Many"))
    page = browser.new_page()
    page.goto((folder / "index.html").as_uri() + "#sort=-year")
    page.locator(".kb-papers tbody tr").nth(10).wait_for()
    page.goto((folder / "index.html").as_uri())
    page.reload()
    page.locator(".kb-papers tbody tr").nth(10).wait_for()
    assert page.locator(".kb-title").all_inner_texts() == [one.heading for one in papers]
    entries = page.evaluate(
        "async (slugs) => { const said = []; for (const slug of slugs) said.push(await window.readrunCitation({slug})); return said; }",
        [one.key for one in papers],
    )
    assert entries == [takeaway.cited(one) for one in papers]
    page.goto((folder / "papers" / "fish.html").as_uri())
    page.get_by_role("button", name="Cite", exact=True).click()
    page.select_option("select[aria-label='Citation style']", label="IEEE")
    assert page.locator(".kb-citation").inner_text() == citation(papers[-1], "ieee")
    assert page.locator("option").all_inner_texts() == ["APA, 7th edition", "IEEE"]
    page.locator("summary", has_text="CSL-JSON").click()
    assert json.loads(page.locator("#cite-csl code").inner_text())[0]["id"] == "fish"
    page.goto((folder / "index.html").as_uri())
    found = page.evaluate("async () => (await window.readrunFind.load()).papers.map((one) => one.key)")
    assert found == [one.key for one in papers]
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url.rpartition("/")[2]))
    page.reload()
    page.keyboard.press("Control+k")
    page.keyboard.type("zebrafish")
    page.locator(".kb-find__list").get_by_text("Of zebrafish").wait_for()
    words = {path for path in asked if re.fullmatch(r"\d+-\d+\.js", path)}
    assert 0 < len(words) < 2 * len(shards.BOUNDS) / 10, "the words typed, and not the whole index"
