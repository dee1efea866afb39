"""What a reader comes for, on this repository's own site, opened from the disk as a folder that somebody sent."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from catalog.library import Library

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

REPOSITORY = Path(__file__).parents[1]
ROWS = "table.kb-papers tbody tr"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("own")
    for name in ("papers", "site", "notebooks", "runs", "refimpl", "reports"):
        if (REPOSITORY / name).is_dir():
            shutil.copytree(REPOSITORY / name, root / name)
    for name in ("kb.toml", "mkdocs.yml"):
        shutil.copy(REPOSITORY / name, root / name)
    return Library.open(root).build_site()


@pytest.fixture
def page(browser: Browser, site: Path) -> Iterator[Page]:
    context = browser.new_context(viewport={"width": 1280, "height": 900}, offline=True)
    found = context.new_page()
    found.set_default_timeout(8000)
    errors: list[str] = []
    found.on("pageerror", lambda error: errors.append(str(error)))
    found.goto((site / "index.html").as_uri())
    yield found
    context.close()
    assert errors == []


def test_rosa_is_found_by_a_slip_of_the_finger(page: Page) -> None:
    page.keyboard.press("Control+k")
    page.keyboard.type("robsut adaptaton")
    link = page.locator(".kb-find__list a", has_text="RoSA").first
    link.click()
    page.wait_for_url("**/nikdan2024rosa.html*")
    assert page.locator(".kb-strip li").count() >= 3


def test_what_is_verified_and_unread(page: Page) -> None:
    unread = page.locator(".kb-segments button[data-status=unread]")
    wanted = int(unread.locator("span").inner_text())
    unread.click()
    page.locator(".kb-menu > summary", has_text="Verified").click()
    page.locator(".kb-menu[open] label", has_text="Holds on a CPU").click()
    page.keyboard.press("Escape")
    assert "status=unread" in page.url
    assert "verified=cpu" in page.url
    shown = page.locator(ROWS)
    assert 0 < shown.count() <= wanted
    assert set(page.locator(f"{ROWS} .kb-status").all_inner_texts()) == {"Unread"}
    assert all("fails" not in (one.get_attribute("class") or "") for one in page.locator(f"{ROWS} .kb-verdict").all())


def test_an_ieee_citation_is_taken(page: Page) -> None:
    page.goto(page.url.replace("index.html", "papers/dettmers2023qlora.html"))
    page.get_by_role("button", name="Cite", exact=True).click()
    page.select_option("select[aria-label='Citation style']", label="IEEE")
    said = page.locator(".kb-citation").inner_text()
    assert "T. Dettmers, A. Pagnoni, A. Holtzman, and L. Zettlemoyer, “QLoRA" in said
    page.get_by_role("button", name="Copy citation").click()
    page.get_by_text("Copied", exact=True).first.wait_for()


def test_code_is_read_on_a_phone(browser: Browser, site: Path) -> None:
    context = browser.new_context(viewport={"width": 360, "height": 740}, has_touch=True, reduced_motion="reduce")
    page = context.new_page()
    page.goto((site / "papers/dettmers2023qlora.html").as_uri())
    page.locator(".kb-toc summary").tap()
    page.locator(".kb-toc a", has_text="The method").tap()
    assert page.url.endswith("#method")
    line = page.locator(".kb-code .kb-line", has_text="def normal_float").first
    line.scroll_into_view_if_needed()
    box = line.bounding_box()
    assert box is not None
    assert box["x"] >= 0
    assert box["x"] + box["width"] <= 360, "a line of code is seen whole"
    noted = page.locator(".kb-block .kb-doc").first.bounding_box()
    assert noted is not None
    assert noted["width"] > 250, "what is said of the code stands above it, as wide as the screen"
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    context.close()


def test_the_map_leads_to_a_paper(page: Page) -> None:
    page.locator(".md-tabs").get_by_role("link", name="Map").click()
    page.locator(".kb-tree a", has_text="QLoRA").click()
    page.wait_for_url("**/dettmers2023qlora.html")
    page.go_back()
    page.locator(".kb-graph a", has_text="RoSA").click()
    page.wait_for_url("**/nikdan2024rosa.html")


def test_a_view_is_exported(page: Page) -> None:
    page.goto(page.url + "#tag=quantization&sort=-year")
    page.locator(".kb-menu > summary", has_text="Export this view").click()
    with page.expect_download() as saved:
        page.locator(".kb-menu__item", has_text=".bib").click()
    body = Path(saved.value.path()).read_text(encoding="utf-8")
    assert body.count("@article") == page.locator(ROWS).count() >= 2
    assert "dettmers2023qlora" in body
