"""What a site has for other programs and other sites."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import xml.etree.ElementTree as ET
from html.parser import HTMLParser

from support import known

from catalog.facts import SCHEMA
from catalog.pages import SiteOptions, render

ATOM = "{http://www.w3.org/2005/Atom}"
HOSTILE = "</title><script>alert(1)</script> [x](javascript:alert(1)) & \x07"
PAPERS = [
    known("a2020", "First <b>", ["Doe, Jane"], 2020, status="read", added="2026-01-02", tags=("Low rank", "c/d")),
    known("b2021", HOSTILE, ["<img src=x onerror=alert(1)>"], 2021, added="2026-01-03", tags=("low rank",),
          links=[("paper", "https://example.org/\"><script>", "")]),
]  # fmt: skip
SITE = "https://papers.example.org/list"


def files(url: str = "") -> dict[str, str]:
    said = render(PAPERS, SiteOptions("Mine & <yours>", url=url))
    return {path: body if isinstance(body, str) else body.decode("utf-8", "replace") for path, body in said.items()}


def test_papers_json_has_the_shape_of_every_command() -> None:
    one, other = json.loads(files()["papers.json"])
    assert (one["schema"], one["key"], one["authors"], one["tags"]) == (
        SCHEMA,
        "a2020",
        ["Jane Doe"],
        ["Low rank", "c/d"],
    )
    assert other["title"].startswith("</title>")


def test_each_tag_has_its_feed() -> None:
    there = files(SITE)
    assert {path for path in there if path.startswith("feeds/")} == {"feeds/low-rank.xml", "feeds/c-d.xml"}
    root = ET.fromstring(there["feeds/low-rank.xml"])  # noqa: S314  # our own text
    assert len(root.findall(f"{ATOM}entry")) == 2
    assert {link.get("href") for link in root.iter(f"{ATOM}link")} >= {
        f"{SITE}/feeds/low-rank.xml", f"{SITE}/papers/a2020.html",
    }  # fmt: skip
    near = ET.fromstring(files()["feeds/c-d.xml"])  # noqa: S314  # our own text
    assert "../papers/a2020.html" in {link.get("href") for link in near.iter(f"{ATOM}link")}


def test_badges_are_pictures_that_say_their_text() -> None:
    there = files()
    said = {path: ET.fromstring(body).get("aria-label") for path, body in there.items() if path.startswith("badges/")}  # noqa: S314  # our own text
    assert said == {"badges/papers.svg": "papers: 2", "badges/read.svg": "read: 1 of 2"}


def test_a_page_for_programs_names_every_paper() -> None:
    text = files(SITE)["llms.txt"]
    assert text.startswith("# Mine & <yours>\n\n> 2 papers\n")
    assert f"- [First <b>]({SITE}/papers/a2020.html): Doe, 2020, read" in text
    assert re.findall(r"\[([^\]]*)\]\(javascript", text) == []


def test_the_list_to_embed_runs_nothing() -> None:
    page = files()["embed.html"]
    tags: list[tuple[str, dict[str, str | None]]] = []
    parser = HTMLParser()
    parser.handle_starttag = lambda tag, attrs: tags.append((tag, dict(attrs)))
    parser.feed(page)
    known_tags = "html head meta title base style body main h1 table a thead tr th tbody td span"
    assert {"main", "h1"} <= {tag for tag, _ in tags} <= set(known_tags.split())
    assert all(re.match(r"(papers/|index\.html|https://)", str(attrs["href"])) for tag, attrs in tags if tag == "a")
    style = re.search(r"<style>(.*?)</style>", page)
    assert style
    digest = base64.b64encode(hashlib.sha256(style[1].encode()).digest()).decode()
    assert f"style-src 'sha256-{digest}'" in page
    assert page.index("Content-Security-Policy") < 1000, "so that the site's own policy is not put before it"
