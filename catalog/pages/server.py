"""Serving while papers change: a changed page alone is made anew, and open pages reload. Nobody waits by looking."""

from __future__ import annotations

import contextlib
import json
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from http import HTTPStatus
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import SplitResult, parse_qs, urlsplit

from filelock import FileLock, Timeout

from catalog.errors import KbError
from catalog.pages.assembly import assemble, reference_of
from catalog.pages.assets import THEME
from catalog.pages.lazy import Files
from catalog.pages.options import SiteOptions
from catalog.pages.policy import policy
from catalog.pages.watching import changes

LIVE = "/.readrun/"
SETTLED = 0.05  # seconds; what is saved in several steps is taken together
PATIENCE = 25  # seconds
_LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})


@dataclass(slots=True)
class _Preview:
    """What the server shows: a folder, the policy for it, and a token that changes whenever the folder does."""

    site: Path
    rule: str = ""
    token: int = field(default_factory=time.time_ns)
    problem: str = ""
    news: threading.Condition = field(default_factory=threading.Condition)

    def tell(self, *, changed: bool, problem: str) -> None:
        """Let open pages know."""
        with self.news:
            self.token += changed
            self.problem = problem
            self.news.notify_all()

    def state(self, seen: tuple[str, str]) -> tuple[str, str]:
        """The token and the problem, as soon as they are others than those a page has seen, or after a while."""
        with self.news:
            self.news.wait_for(lambda: (str(self.token), self.problem) != seen, timeout=PATIENCE)
            return str(self.token), self.problem


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
    with (
        _listen(preview, host, port) as server,
        contextlib.suppress(KeyboardInterrupt),
        changes(root, watched) as changed,
    ):
        _update(root, rerender(), options, preview)
        url = f"http://{f'[{host}]' if ':' in host else host}:{server.server_address[1]}/"
        with _answering(server), _known(root, url):
            open_url(url)
            _follow(root, rerender, options, preview, changed, report)


def served(root: Path) -> str:
    """The address at which the site of a knowledge base is served at this moment, "" where it is not."""
    lock, place = _places(root)
    with contextlib.suppress(OSError):
        if place.is_file():
            try:
                with FileLock(lock, timeout=0):
                    return ""  # whoever wrote it has ended
            except Timeout:
                return place.read_text(encoding="utf-8")
    return ""


@contextlib.contextmanager
def _known(root: Path, url: str) -> Iterator[None]:
    """Let `served` know; of two servers of one knowledge base, it knows the first."""
    lock, place = _places(root)
    with contextlib.ExitStack() as held:
        with contextlib.suppress(Timeout):
            held.enter_context(FileLock(lock, timeout=0))
            place.write_text(url, encoding="utf-8")
        yield


def _places(root: Path) -> tuple[Path, Path]:
    return root / "build" / "preview.lock", root / "build" / "preview.url"


@contextlib.contextmanager
def _answering(server: ThreadingHTTPServer) -> Iterator[None]:
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 5}, daemon=True)
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        thread.join()


def _follow(
    root: Path,
    rerender: Callable[[], Files],
    options: SiteOptions,
    preview: _Preview,
    changed: threading.Event,
    report: Callable[[str], object],
) -> None:
    while True:
        if not changed.wait(PATIENCE):
            continue
        time.sleep(SETTLED)
        changed.clear()
        started = time.monotonic()
        try:
            count = _update(root, rerender(), options, preview)
        except (KbError, OSError) as e:
            preview.tell(changed=False, problem=str(e))
            report(str(e))
        else:
            preview.tell(changed=bool(count), problem="")
            if count:
                report(f"{count} {'page' if count == 1 else 'pages'} in {time.monotonic() - started:.1f} s")


def _update(root: Path, files: Files, options: SiteOptions, preview: _Preview) -> int:
    """Make the preview show these files; returns how many of its pages changed."""
    placed = assemble(root, files, options, preview.site)
    preview.rule = policy(reference_of(preview.site, options))
    return sum(path.endswith(".html") for path in (*placed.written, *placed.removed))


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
            self._live(urlsplit(self.path))
        else:
            self._file()

    def _live(self, asked: SplitResult) -> None:
        if asked.path == f"{LIVE}live.js":
            self._send(HTTPStatus.OK, "text/javascript", (THEME / "live.js").read_bytes())
        else:
            seen = parse_qs(asked.query, keep_blank_values=True)
            token, problem = self.shown.state((seen.get("token", [""])[0], seen.get("problem", [""])[0]))
            self._send(HTTPStatus.OK, "application/json", json.dumps({"token": token, "problem": problem}).encode())

    def _file(self) -> None:
        token = str(self.shown.token)
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
