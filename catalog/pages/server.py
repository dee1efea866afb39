"""Serving while papers change: a changed paper alone is rendered anew, and open pages reload."""

from __future__ import annotations

import contextlib
import json
import logging
import os
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from http import HTTPStatus
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from catalog.errors import KbError
from catalog.pages.assets import THEME
from catalog.pages.builder import QUIET, configuration, prepare, run_mkdocs
from catalog.pages.options import SiteOptions
from catalog.pages.policy import policy, protect, reference

LIVE = "/.readrun/"
POLL = 0.2
_LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})

Files = Mapping[str, str | bytes]


@dataclass(slots=True)
class _Preview:
    """What the server shows: a folder, the policy for it, and a token that changes whenever the folder does."""

    site: Path
    rule: str = ""
    configuration: tuple[bytes, bytes] = (b"", b"")
    token: int = field(default_factory=time.time_ns)
    problem: str = ""


def _ignore(message: str) -> None:
    """Nobody listens."""


def serve(
    root: Path,
    rerender: Callable[[], Files],
    options: SiteOptions,
    *,
    host: str = "127.0.0.1",
    port: int = 8000,
    open_url: Callable[[str], object] = _ignore,
    report: Callable[[str], object] = _ignore,
    watched: Sequence[Path] | None = None,
) -> None:
    """Build a preview, serve it, and keep it true until interrupted.

    `rerender` gives all files of the site as they should be now; it is called whenever something below `watched`
    changes (papers, hand-written pages and kb.toml of the root where not given). `open_url` is called with the address
    once it answers, `report` with each thing worth telling. Raises `KbError` where the port is taken or the first build
    fails; later failures are reported, shown in the browser, and mended by the next change.
    """
    root = Path(root).resolve()
    options = replace(options, url="")
    preview = _Preview(root / "build" / "preview")
    watched = [root / "papers", root / "site", root / "kb.toml", root / "mkdocs.yml"] if watched is None else watched
    with _listen(preview, host, port) as server, contextlib.suppress(KeyboardInterrupt):
        seen = _snapshot(watched)
        _rebuild(root, rerender(), options, preview)
        with _answering(server):
            open_url(f"http://{f'[{host}]' if ':' in host else host}:{server.server_address[1]}/")
            _watch(root, rerender, options, preview, watched, seen, report)


@contextlib.contextmanager
def _answering(server: ThreadingHTTPServer) -> Iterator[None]:
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.1}, daemon=True)
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        thread.join()


def _watch(
    root: Path,
    rerender: Callable[[], Files],
    options: SiteOptions,
    preview: _Preview,
    watched: Sequence[Path],
    seen: dict[str, tuple[int, int]],
    report: Callable[[str], object],
) -> None:
    while True:
        time.sleep(POLL)
        now = _snapshot(watched)
        if now == seen:
            continue
        started = time.monotonic()
        try:
            count = _update(root, rerender(), options, preview)
        except (KbError, OSError) as e:
            preview.problem = str(e)
            report(str(e))
        else:
            preview.problem = ""
            if count:
                preview.token += 1
                report(f"{count} {'page' if count == 1 else 'pages'} in {time.monotonic() - started:.1f} s")
        seen = now


def _rebuild(root: Path, files: Files, options: SiteOptions, preview: _Preview) -> int:
    """Build the whole preview; returns how many pages it has."""
    configured = configuration(root, files, options)
    run_mkdocs(root, files, options, preview.site)
    preview.rule = policy(reference(preview.site, options))
    preview.configuration = configured
    return len(_pages_below(preview.site)) - 1


def _update(root: Path, files: Files, options: SiteOptions, preview: _Preview) -> int:
    """Make the preview show these files; returns how many of its pages changed."""
    from filelock import FileLock

    if configuration(root, files, options) != preview.configuration:
        return _rebuild(root, files, options, preview)
    site = preview.site
    with FileLock(root / "build" / ".lock"):
        before = _pages_below(site)
        config = prepare(root, files, options)
        _run_dirty(config, site)
        gone = [page for page in before if page.parent.name == "papers" and not _source(root, site, page).is_file()]
        for page in gone:
            page.unlink()
        changed = [page for page, stamp in _pages_below(site).items() if before.get(page) != stamp]
        preview.rule = protect(site, options, changed)
    return len([page for page in changed if page.name != "404.html"]) + len(gone)


def _run_dirty(config_file: Path, site: Path) -> None:
    """mkdocs in this process, on the pages whose source is newer than what stands in `site`."""
    os.environ.update(QUIET)
    from mkdocs.commands.build import build
    from mkdocs.config import load_config
    from mkdocs.exceptions import MkDocsException

    logging.getLogger("mkdocs").setLevel(logging.ERROR)
    try:
        config = load_config(config_file=str(config_file), site_dir=str(site), strict=False)
        config.plugins.on_startup(command="build", dirty=True)
        build(config, dirty=True)
        config.plugins.on_shutdown()
    except MkDocsException as e:
        raise KbError(f"mkdocs could not build the page: {e}") from e
    except SystemExit as e:
        raise KbError("mkdocs could not build the page; `kb site build` says why") from e


def _pages_below(site: Path) -> dict[Path, int]:
    return {page: page.stat().st_mtime_ns for page in site.rglob("*.html")}


def _source(root: Path, site: Path, page: Path) -> Path:
    return (root / "build" / "docs" / page.relative_to(site)).with_suffix(".md")


def _snapshot(watched: Sequence[Path]) -> dict[str, tuple[int, int]]:
    """Modification time and size of every watched file."""
    return {path: stamp for place in watched for path, stamp in _stamps(place)}


def _stamps(place: str | Path) -> Iterator[tuple[str, tuple[int, int]]]:
    try:
        entries = list(os.scandir(place))
    except NotADirectoryError:
        stat = Path(place).stat()
        yield str(place), (stat.st_mtime_ns, stat.st_size)
        return
    except OSError:
        return
    for entry in entries:
        if entry.name.startswith("."):
            continue
        try:
            if entry.is_dir(follow_symlinks=False):
                yield from _stamps(entry.path)
            else:
                stat = entry.stat()
                yield entry.path, (stat.st_mtime_ns, stat.st_size)
        except OSError:
            continue


def _listen(preview: _Preview, host: str, port: int) -> ThreadingHTTPServer:
    class Handler(_Handler):
        shown = preview
        loopback = host in _LOOPBACK

    try:
        return _Server((host, port), Handler)
    except PermissionError:
        raise KbError(f"port {port} needs more rights than you have; choose another with --port 8000") from None
    except (OSError, OverflowError) as e:
        if isinstance(e, OverflowError) or "address" not in str(e).lower() or "in use" not in str(e).lower():
            raise KbError(f"cannot listen on {host}, port {port}: {e}; choose others with --host and --port") from None
        raise KbError(f"port {port} on {host} is taken; choose another with --port {port + 1}") from None


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A browser that went away is nothing to tell."""


class _Handler(SimpleHTTPRequestHandler):
    """Files of the preview, each page with its policy and a script that reloads it."""

    shown: _Preview
    loopback: bool
    protocol_version = "HTTP/1.1"

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, directory=str(self.shown.site), **kwargs)

    def do_GET(self) -> None:
        path = urlsplit(self.path).path
        if self.loopback and urlsplit(f"//{self.headers.get('Host', '')}").hostname not in _LOOPBACK:
            self._send(HTTPStatus.MISDIRECTED_REQUEST, "text/plain", b"This server answers to localhost only.\n")
        elif path.startswith(LIVE):
            self._live(path)
        else:
            self._file()

    def _live(self, path: str) -> None:
        if path == f"{LIVE}live.js":
            self._send(HTTPStatus.OK, "text/javascript", (THEME / "live.js").read_bytes())
        else:
            state = {"token": str(self.shown.token), "problem": self.shown.problem}
            self._send(HTTPStatus.OK, "application/json", json.dumps(state).encode())

    def _file(self) -> None:
        token = self.shown.token
        place = Path(self.translate_path(self.path))
        place = place / "index.html" if place.is_dir() else place
        found = place.is_file()
        place = place if found else self.shown.site / "404.html"
        try:
            body = place.read_bytes()
        except OSError:
            body = b"The page is being built; try again.\n"
        if place.suffix == ".html":
            script = f'<script src="{LIVE}live.js?{token}"></script></body>'.encode()
            head, end, tail = body.rpartition(b"</body>")
            body = head + script + tail if end else body
        self._send(HTTPStatus.OK if found else HTTPStatus.NOT_FOUND, self.guess_type(str(place)), body)

    def _send(self, status: HTTPStatus, kind: str, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", f"{kind}; charset=utf-8" if kind.startswith("text/") else kind)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Cache-Control", "no-store")
        self.send_header("X-Content-Type-Options", "nosniff")
        if kind == "text/html":
            self.send_header("Content-Security-Policy", f"{self.shown.rule}; frame-ancestors 'none'")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    do_HEAD = do_GET  # noqa: N815  # the name http.server calls

    def log_message(self, format: str, *args: Any) -> None:
        """Requests are not worth telling."""
