"""PDFs of many makers: which paper one is, its text, what is marked in it; kept, fetched, searched, checked."""

from __future__ import annotations

import io
import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import typst
from pypdf import PdfReader, PdfWriter
from pypdf.generic import ArrayObject, DictionaryObject, FloatObject, NameObject, TextStringObject
from support import Kb

from catalog.errors import KbError
from catalog.ingest.fetch import Answer
from catalog.library import Library
from catalog.sources import Client, Guess, resolved
from catalog.sources.annotations import fenced, marks
from catalog.sources.pdf import guess, mended, pages
from catalog.sources.said import facts_of

TITLE = "Rotary Kelp in the Deep Sea of Attention"


def made(text: str, head: str = "") -> bytes:
    return bytes(typst.compile(f"{head}\n{text}".encode()))


def by_hand(lines: list[tuple[float, float, float, str]], info: str = "", stream: str = "") -> bytes:
    """A PDF as the specification's first example has it: lines of (x, y, size, text) in Helvetica, or its stream."""
    shown = " ".join(f"/F1 {size} Tf 1 0 0 1 {x} {y} Tm ({text}) Tj" for x, y, size, text in lines)
    stream = stream or f"BT {shown} ET"
    objects = [
        "<< /Type /Catalog /Pages 2 0 R >>", "<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Contents 4 0 R /Resources << /Font << /F1 5 0 R >> >> >>",
        f"<< /Length {len(stream)} >>\nstream\n{stream}\nendstream", "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>", f"<< {info} >>",
    ]  # fmt: skip
    out, places = b"%PDF-1.4\n", []
    for number, body in enumerate(objects, 1):
        places.append(len(out))
        out += f"{number} 0 obj\n{body}\nendobj\n".encode("latin-1")
    table = "".join(f"{place:010} 00000 n \n" for place in places)
    end = f"xref\n0 {len(objects) + 1}\n0000000000 65535 f \n{table}trailer\n<< /Size {len(objects) + 1} /Root 1 0 R /Info 6 0 R >>\nstartxref\n{len(out)}\n%%EOF\n"
    return out + end.encode()


def encrypted(data: bytes, password: str) -> bytes:
    writer = PdfWriter(clone_from=PdfReader(io.BytesIO(data)))
    writer.encrypt(password, owner_password="owner", algorithm="RC4-128")  # noqa: S106  no secret
    out = io.BytesIO()
    writer.write(out)
    return out.getvalue()


BIG = f"#align(center, text(20pt)[{TITLE}])\n#align(center)[Ana Gómez, Wei Li]\n"
PLAIN = by_hand(
    [
        (72, 700, 18, TITLE),
        (72, 670, 11, "Ana Gomez, Wei Li"),
        (72, 640, 11, "Efficient kelp is green and grows at night."),
    ]
)
PDFS: dict[str, tuple[bytes, Guess]] = {
    "title in large letters": (made(BIG + "#lorem(200)"), Guess("", TITLE)),
    "title over two lines": (made(f"#block(width: 6cm, text(18pt)[{TITLE}])\n#lorem(90)"), Guess("", TITLE)),
    "two columns": (made(f"#text(18pt)[{TITLE}]\n\n#lorem(400)", "#set page(columns: 2)"), Guess("", TITLE)),
    "title said": (made("#text(18pt)[Published as a conference paper at KELP]\n\n#lorem(20)", f'#set document(title: "{TITLE}")'), Guess("", TITLE)),
    "title of a word processor": (made(BIG, '#set document(title: "Microsoft Word - final_v3.docx")'), Guess("", TITLE)),
    "conference banner larger": (made("#text(24pt)[Under review at KELP 2031]\n\n" + BIG), Guess("", TITLE)),
    "arXiv's stamp": (made(BIG + "arXiv:2403.00001v2 [cs.CL] 5 Mar 2024\n\n#lorem(30)"), Guess("arXiv:2403.00001", TITLE)),
    "old arXiv id": (made(BIG + "arXiv:math.GT\\/0309136v1 [math.GT] 8 Sep 2003"), Guess("arXiv:math.GT/0309136", TITLE)),
    "its DOI": (made(BIG + "#lorem(10) doi:10.5555\\/kelp.1 #lorem(9)"), Guess("10.5555/kelp.1", TITLE)),
    "DOIs of others": (made(BIG + "#lorem(10)\n\nReferences\n\n [1] 10.5555\\/a.1 [2] 10.5555\\/b.2"), Guess("", TITLE)),
    "DOI said": (by_hand([(72, 700, 18, TITLE)], "/doi (10.5555/kelp.9)"), Guess("10.5555/kelp.9", TITLE)),
    "by hand": (PLAIN, Guess("", TITLE)),
    "something before": (b"\n\njunk\n" + PLAIN, Guess("", TITLE)),
    "encrypted without a password": (encrypted(PLAIN, ""), Guess("", TITLE)),
}  # fmt: skip
LINES: list[tuple[float, float, float, str]] = [
    (72, 700, 18, TITLE), (72, 640, 10, "Kelp is green and grows at night. It has no leaves, and it is not at all idle."),
    (72, 620, 10, "It has been cut since the days of old, and it has always grown anew, from the foot on, in weeks."),
]  # fmt: skip
BODY = "".join(f"/F1 {size} Tf 1 0 0 1 {x} {y} Tm ({text}) Tj " for x, y, size, text in LINES)
PDFS |= {
    f"said to be {said}": (by_hand(LINES, f"/Title ({said})"), Guess("", TITLE))
    for said in ("\\(anonymous\\)", "KELP_LaTeX_template_v2", "C:\\\\Users\\\\ana\\\\kelp final \\(2\\).doc", "1706.03762v5", "JKELP 12 2031.dvi",
                 "Untitled Document", "page.html", "An Article of Quite Another Kind", TITLE + " | Kelp Blog")
}  # fmt: skip
PDFS |= {
    "a watermark": (by_hand([], stream=f"BT /F1 60 Tf 0.7 0.7 -0.7 0.7 200 300 Tm (CONFIDENTIAL DRAFT) Tj {BODY} ET"), Guess("", TITLE)),
    "letter by letter": (by_hand([], stream="BT /F1 18 Tf 1 0 0 1 72 700 Tm " + " ".join(f"({c}) Tj" for c in TITLE) + BODY.partition("Tj")[2] + " ET"),
                         Guess("", TITLE)),
    "its journal larger": (by_hand([(72, 760, 26, "The Journal of Kelp"), *LINES]), Guess("", TITLE)),
    "arXiv's stamp of old": (by_hand([], stream=f"BT /F1 20 Tf 0 1 -1 0 30 250 Tm (arXiv:hep-th/9711200v3  22 Jan 1998) Tj {BODY} ET"),
                             Guess("arXiv:hep-th/9711200", TITLE)),
    "a DOI over two lines": (by_hand([*LINES, (72, 40, 8, "https://doi.org/10.5555/kelp."), (72, 30, 8, "2031.55")]), Guess("10.5555/kelp.2031.55", TITLE)),
    "arXiv ids of others": (by_hand([*LINES, (72, 90, 10, "[1] A. Roe. Other. arXiv:2001.00002 [cs.LG], 2020.")]), Guess("", TITLE)),
}  # fmt: skip
REFUSED = {
    "encrypted": (encrypted(PLAIN, "secret"), "encrypted; take the password off"),
    "scanned": (made("#rect(width: 10cm, height: 10cm, fill: gray)"), "holds no text; it may be scanned"),
    "half": (PLAIN[:300], "cannot be read|holds no text|says neither"),
    "no end": (PLAIN.replace(b"startxref", b"startxxxx"), "cannot be read"),
    "none": (b"<html>Log in</html>", "no PDF"),
    "empty": (b"", "no PDF"),
    "circle": (PLAIN.replace(b"/Kids [3 0 R]", b"/Kids [2 0 R]"), "cannot be read|nested|holds no text|says neither"),
}  # fmt: skip


def test_what_takes_too_long_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("catalog.sources.pdf.FEW_SECONDS", -1.0)
    with pytest.raises(KbError, match="holds no text"):
        guess(PLAIN)
    monkeypatch.setattr("catalog.sources.pdf.MOST_SECONDS", -1.0)
    assert pages(PLAIN) == []


@pytest.mark.parametrize("name", PDFS)
def test_which_paper_it_is(name: str) -> None:
    data, expected = PDFS[name]
    assert guess(data) == expected


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_told_is_one_line(name: str) -> None:
    data, says = REFUSED[name]
    with pytest.raises(KbError, match=says) as caught:
        guess(data)
    assert "\n" not in str(caught.value)


@pytest.mark.nightly
@pytest.mark.skipif(not shutil.which("pdflatex"), reason="there is no pdflatex")
def test_latex(tmp_path: Path) -> None:
    (tmp_path / "a.tex").write_text(
        r"\documentclass[twocolumn]{article}\usepackage[T1]{fontenc}\title{Rotary Kelp in the Deep Sea\\ of Attention}\author{Ana G\'omez \and Wei Li}"
        r"\date{}\begin{document}\maketitle\begin{abstract}We fine-tune an efficient flow.\end{abstract}Text.\end{document}"
    )
    subprocess.run(["pdflatex", "-interaction=batchmode", "a.tex"], cwd=tmp_path, check=True, capture_output=True)
    data = (tmp_path / "a.pdf").read_bytes()
    assert guess(data) == Guess("", TITLE)
    assert "We fine-tune an efficient flow." in pages(data)[0]


def test_ligatures_and_broken_words() -> None:
    assert (
        mended("e\x1ecient \x1cne-tun-\ning of o\ufb03ces, sel\x0c sh, \x0csh")
        == "efficient fine-tuning of offices, sel\x0c sh, fish"
    )
    assert mended("\ufefb\x00") == "\u0644\u0627"


# --- kept ---


@pytest.fixture
def one(library: Library) -> Library:
    library.add(
        f"@misc{{kelp, title = {{{TITLE}}}, author = {{Gómez, Ana and Li, Wei}}, year = 2024, eprint = {{2403.00001}}, archiveprefix = {{arXiv}}}}"
    )
    return library


def test_a_pdf_is_kept_opened_and_found_by_its_text(one: Library, kb: Kb, root: Path) -> None:
    (root / "paper.pdf").write_bytes(PLAIN)
    done = kb("attach", "kelp", "paper.pdf")
    assert (done.status, done.err) == (0, "")
    (file,) = (root / "files").glob("*.pdf")
    assert done.out == f"kelp: files/{file.name}\n"
    assert file.read_bytes() == PLAIN
    assert "*" in (root / "files" / ".gitignore").read_text()
    assert kb("open", "kelp", "--print").out == f"{file.resolve().as_uri()}\n"
    assert kb("open", "kelp", "paper", "--print").out == "https://arxiv.org/abs/2403.00001\n"
    assert kb("attach", "kelp", "paper.pdf").out == done.out
    assert len(one.paper("kelp").links) == 1
    assert [p.key for p in one.list("efficiently growing in:pdf")] == ["kelp"]
    assert [p.key for p in one.list('"kelp is green" in:pdf')] == ["kelp"]
    assert one.list("whale in:pdf") == []
    assert [p.key for p in one.list("in:pdf")] == ["kelp"]
    assert one.list("night") == []
    assert [p.key for p in one.list("night in:pdf year:2024")] == ["kelp"]
    assert one.list("night in:pdf year:2023") == []
    assert "in:pdf" in kb("list", "in:moon").err
    address = one.get("kelp").address("file")
    assert not any(address in page for page in one.pages().values() if isinstance(page, str))
    assert one.check() == []


def test_check_knows_what_is_gone_and_what_is_loose(one: Library, kb: Kb, root: Path) -> None:
    (root / "paper.pdf").write_bytes(PLAIN)
    kb("attach", "kelp", "paper.pdf")
    (file,) = (root / "files").glob("*.pdf")
    file.rename(root / "files" / "other.pdf")
    found = {finding.code: finding for finding in one.check()}
    assert set(found) == {"file-gone", "file-loose"}
    assert {finding.kind for finding in found.values()} == {"note"}
    assert "`kb attach KEY files/other.pdf`" in found["file-loose"].remedy
    assert kb("open", "kelp", "--print").out == "https://arxiv.org/abs/2403.00001\n"
    assert kb("undo").status == 0
    assert {finding.code for finding in one.check()} == {"file-loose"}


def test_what_is_of_another_paper_is_said(one: Library, kb: Kb, root: Path) -> None:
    (root / "other.pdf").write_bytes(by_hand([(72, 700, 18, "A Treatise on the Pension Funds of Norway")]))
    assert "look whether it is the right one: it is called" in kb("attach", "kelp", "other.pdf").err
    (root / "more.pdf").write_bytes(by_hand([(72, 700, 18, f"Supplementary Material for {TITLE}")]))
    assert "it is called “Supplementary" in kb("attach", "kelp", "more.pdf").err
    (root / "own.pdf").write_bytes(
        by_hand([*LINES, (72, 80, 10, "We follow arXiv:1706.03762v5 [cs.CL] 6 Dec 2017 here.")])
    )
    assert kb("attach", "kelp", "own.pdf").err == ""
    (root / "none.pdf").write_bytes(b"<html>")
    done = kb("attach", "kelp", "none.pdf")
    assert (done.status, done.out) == (1, "")
    assert "no PDF" in done.err
    assert one.list("pension in:pdf")


def test_open_copies_are_fetched_and_nothing_else(
    one: Library, kb: Kb, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    one.add(title="A closed matter of kelp", links=["https://closed.example/a"], key="closed")
    one.add(title="A page in place of a paper", links=["pdf=https://page.example/a.pdf"], key="page")
    answers: dict[str, Any] = {
        "https://arxiv.org/pdf/2403.00001": PLAIN, "https://page.example/a.pdf": b"<html>Log in</html>",
    }  # fmt: skip
    asked: list[str] = []

    def ask(url: str, **_: object) -> Answer:
        asked.append(url)
        return Answer(200, url, data=answers[url]) if url in answers else Answer(404, url)

    monkeypatch.setattr(Library, "client", lambda *_, **__: Client(ask, sleep=lambda _: None))
    done = kb("fetch")
    assert done.out.startswith("kelp: files/")
    assert "kb: closed: no open copy is known" in done.err
    assert "kb: page: what page.example gave was not taken: it is no PDF" in done.err
    assert done.err.endswith("fetched 1 PDF, 2 not\n")
    assert asked == ["https://page.example/a.pdf", "https://arxiv.org/pdf/2403.00001"] or set(asked) == set(answers)
    assert len(list((root / "files").glob("*.pdf"))) == 1
    assert "fetched 0 PDFs" in kb("fetch", "key:kelp").err


def test_a_pdf_that_is_added_is_kept_with_its_paper(
    library: Library, kb: Kb, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from answers import atom, atom_entry

    feed = atom(atom_entry("2403.00001", TITLE, ["Ana Gómez", "Wei Li"]))
    client = Client(
        lambda url, **_: Answer(200, url, feed.data().decode(), content_type=feed.media(), data=feed.data()),
        sleep=lambda _: None,
    )
    monkeypatch.setattr(Library, "client", lambda *_, **__: client)
    (root / "paper.pdf").write_bytes(PDFS["arXiv's stamp"][0])
    done = kb("add", "paper.pdf")
    assert done.status == 0
    (facts,) = library.list()
    assert facts.arxiv == "2403.00001"
    assert facts.address("file")
    assert library.list("lorem in:pdf")


def test_a_pdf_that_is_here_and_one_that_says_nothing(
    one: Library, kb: Kb, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (root / "paper.pdf").write_bytes(PLAIN)
    kb("attach", "kelp", "paper.pdf")
    monkeypatch.setattr(Library, "client", lambda *_: None)  # nobody is asked
    assert kb("add", "paper.pdf").out.startswith("already here: kelp (")
    (root / "scan.pdf").write_bytes(REFUSED["scanned"][0])
    assert kb("add", "scan.pdf").status == 1
    done = kb("add", "scan.pdf", "--title", "A scanned book of kelp")
    assert (done.status, done.err) == (0, "")
    assert one.get("scanned-book-kelp").address("file")
    assert [finding.code for finding in one.check() if finding.kind == "error"] == []


def test_the_doi_of_another_on_a_first_page_is_not_taken() -> None:
    from answers import atom, atom_entry, crossref

    def ask(url: str, **_: object) -> Answer:
        record = crossref("10.5555/other", "Pension funds of the north and what they earn", [("Ann", "Roe")])
        right = atom(atom_entry("2403.00001", TITLE, ["Ana Gómez"])).data()
        body = (
            json.dumps({"message": record}).encode()
            if "works/10.5555" in url
            else right
            if "search_query" in url
            else b""
        )
        return Answer(200 if body else 404, url, body.decode(), data=body)

    told = guess(made(BIG + "Data are at doi:10.5555\\/other #lorem(9)"))
    assert told.identifier == "10.5555/other"
    assert facts_of(resolved(told, Client(ask, sleep=lambda _: None))).arxiv == "2403.00001"


# --- marked ---


def marked(data: bytes, found: list[tuple[str, tuple[float, float, float, float], str]]) -> bytes:
    """The PDF with (kind, box, comment) on its first page."""
    writer = PdfWriter(clone_from=PdfReader(io.BytesIO(data)))
    for kind, (left, bottom, right, top), comment in found:
        quads = [left, top, right, top, left, bottom, right, bottom]
        writer.add_annotation(0, DictionaryObject({
            NameObject("/Type"): NameObject("/Annot"), NameObject("/Subtype"): NameObject(kind), NameObject("/Contents"): TextStringObject(comment),
            NameObject("/Rect"): ArrayObject(map(FloatObject, (left, bottom, right, top))),
            NameObject("/QuadPoints"): ArrayObject(map(FloatObject, quads)),
        }))  # fmt: skip
    out = io.BytesIO()
    writer.write(out)
    return out.getvalue()


def test_marks_go_into_the_notes_and_nothing_else_changes(one: Library, kb: Kb, root: Path) -> None:
    one.note("kelp", "My own note.")
    first = marked(
        PLAIN, [("/Highlight", (70, 636, 260, 652), "So *green*!"), ("/Text", (300, 600, 320, 620), "Ask Wei.")]
    )
    assert marks(first)[0].text.startswith("Efficient kelp is green")
    (root / "a.pdf").write_bytes(first)
    kb("attach", "kelp", "a.pdf")
    done = kb("annotations", "kelp")
    assert (done.status, done.out) == (0, "kelp: 2 marks\n")
    notes = one.get("kelp").notes
    assert notes.startswith("My own note.\n\n<!-- annotations of ")
    assert "> Efficient kelp is green" in notes
    assert "(p. 1)" in notes
    assert "So \\*green\\*\\!" in notes or "So \\*green\\*!" in notes
    one.note("kelp", "Written below.")
    text = one.text("kelp")
    kb("annotations")
    assert one.text("kelp") == text
    name = next((root / "files").glob("*.pdf"))
    name.write_bytes(marked(PLAIN, [("/Text", (300, 600, 320, 620), "Asked.")]))
    kb("annotations")
    notes = one.get("kelp").notes
    assert notes.startswith("My own note.")
    assert notes.endswith("Written below.")
    assert "Asked." in notes
    assert "Efficient" not in notes
    assert not [finding for finding in one.check() if finding.kind == "error"]


def test_a_fence_without_its_end_is_not_guessed() -> None:
    notes = fenced("Mine.", "a.pdf", marks(marked(PLAIN, [("/Text", (1, 1, 2, 2), "Note.")])))
    assert fenced(notes, "a.pdf", []) == "Mine."
    with pytest.raises(KbError, match="is missing from the notes"):
        fenced(notes.replace("<!-- end of annotations -->", ""), "a.pdf", [])


def highlighted(data: bytes) -> bytes:
    """The PDF with a highlight on each of its links, whose boxes are exactly those of their text."""
    writer = PdfWriter(clone_from=PdfReader(io.BytesIO(data)))
    for page in writer.pages:
        kept = ArrayObject()
        for link in (one.get_object() for one in page.get("/Annots") or []):
            one, two, three, four = (float(number) for number in link["/Rect"])
            left, bottom, right, top = min(one, three), min(two, four), max(one, three), max(two, four)
            quads = (left, top, right, top, left, bottom, right, bottom)
            kept.append(writer._add_object(DictionaryObject({
                NameObject("/Subtype"): NameObject("/Highlight"),
                NameObject("/Rect"): ArrayObject(map(FloatObject, (left, bottom, right, top))),
                NameObject("/QuadPoints"): ArrayObject(map(FloatObject, quads)),
            })))  # fmt: skip
        page[NameObject("/Annots")] = kept
    out = io.BytesIO()
    writer.write(out)
    return out.getvalue()


PHRASES = [
    "Parameter",
    "efficient fine tuning",
    "illicit little fillings minimise Wimbledon",
    "naïve Gómez & Ørsted",
    "W",
    "1,234 models",
]


def test_the_text_of_highlights_is_told_to_the_letter() -> None:
    text = "\n\n".join(
        f'Some words before, then #link("https://x.org")[{one}] and after it goes on.' for one in PHRASES
    )
    data = highlighted(made(text, "#set page(width: 40cm)"))
    assert [one.text for one in marks(data)] == PHRASES


@pytest.mark.nightly
@pytest.mark.skipif(not shutil.which("pdflatex"), reason="there is no pdflatex")
def test_highlights_in_latex(tmp_path: Path) -> None:
    plain = [one for one in PHRASES if one.isascii()]
    text = "\n\n".join(
        rf"Some words before, then \href{{https://x.org}}{{{one}}} and after it goes on." for one in plain
    )
    (tmp_path / "a.tex").write_text(
        rf"\documentclass{{article}}\usepackage[hidelinks]{{hyperref}}\begin{{document}}{text}\end{{document}}"
    )
    subprocess.run(["pdflatex", "-interaction=batchmode", "a.tex"], cwd=tmp_path, check=True, capture_output=True)
    found = [one.text for one in marks(highlighted((tmp_path / "a.pdf").read_bytes()))]
    assert sum(one == two for one, two in zip(found, plain, strict=True)) >= len(plain) - 1
