"""The pictures of the README: the site of this repository, built and looked at in a browser of 1280 pixels, light.

Run it by hand, `python tests/pictures.py`, when the site looks different; it wants Debian's chromium.
"""

from __future__ import annotations

import functools
import shutil
import struct
import tempfile
import threading
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

from catalog.library import Library

REPOSITORY = Path(__file__).parent.parent
PICTURES = REPOSITORY / "site" / "pictures"
CHROMIUM = "/usr/bin/chromium"
ARGUMENTS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking"]
VIEWS = {
    "home.png": ("index.html", 860),
    "claims.png": ("papers/hu2021lora.html", 1000),
    "compare.png": ("compare.html", 860),
}
MOST_BYTES = 150_000


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:
        """Requests are not worth telling."""


@contextmanager
def served(folder: Path) -> Iterator[str]:
    """The address at which a folder is served."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(_Quiet, directory=folder))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()


def built(folder: Path) -> Path:
    """This repository's site, built in a copy."""
    for name in ("papers", "site", "notebooks", "runs"):
        if (REPOSITORY / name).is_dir():
            shutil.copytree(REPOSITORY / name, folder / name)
    for name in ("kb.toml", "mkdocs.yml"):
        shutil.copy(REPOSITORY / name, folder / name)
    (folder / "site" / "pictures").mkdir(exist_ok=True)
    return Library.open(folder).build_site()


def shoot(page: Page, address: str, height: int) -> bytes:
    """A page as it looks once everything has come."""
    page.set_viewport_size({"width": 1280, "height": height})
    answer = page.goto(address, wait_until="networkidle")
    assert answer is not None, address
    assert answer.ok, address
    return page.screenshot(type="png", animations="disabled")


def packed(png: bytes) -> bytes:
    """The same picture, compressed as far as zlib can, and without what is not the picture."""
    chunks = list(_chunks(png))
    data = zlib.compress(zlib.decompress(b"".join(body for kind, body in chunks if kind == b"IDAT")), 9)
    head = next(body for kind, body in chunks if kind == b"IHDR")
    parts = [(b"IHDR", head), (b"IDAT", data), (b"IEND", b"")]
    return png[:8] + b"".join(_chunk(kind, body) for kind, body in parts)


def _chunks(png: bytes) -> Iterator[tuple[bytes, bytes]]:
    at = 8
    while at < len(png):
        size = int(struct.unpack(">I", png[at : at + 4])[0])
        yield png[at + 4 : at + 8], png[at + 8 : at + 8 + size]
        at += size + 12


def _chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def main() -> None:
    """Make every picture anew."""
    PICTURES.mkdir(exist_ok=True)
    with (
        tempfile.TemporaryDirectory() as scratch,
        served(built(Path(scratch))) as address,
        sync_playwright() as playwright,
        playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS) as browser,
    ):
        page = browser.new_page(color_scheme="light")
        for name, (path, height) in VIEWS.items():
            png = packed(shoot(page, f"{address}/{path}", height))
            assert len(png) < MOST_BYTES, f"{name}: {len(png)} bytes"
            (PICTURES / name).write_bytes(png)
            print(f"{name}: {len(png) // 1000} kB")


if __name__ == "__main__":
    main()
