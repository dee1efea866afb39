"""One bounded request to a server on this machine, which is the only one that tests may ask."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from catalog.ingest.fetch import Answer, NoAnswer, http_fetch, is_public


class Handler(BaseHTTPRequestHandler):
    """Answers by path; remembers what it was asked."""

    asked: list[tuple[str, str, str]]

    def do_GET(self) -> None:
        self.asked.append((self.command, self.path, self.headers["User-Agent"]))
        name = self.path.strip("/").partition("?")[0]
        if name.startswith("hop"):
            count = int(name[3:])
            self._send(301 if count != 2 else 302, location=f"/hop{count - 1}" if count else "/page")
        elif name == "moved":
            self._send(301, location="/page#top")
        elif name == "inside":
            self._send(302, location="ftp://127.0.0.1/x")
        elif name == "elsewhere":
            self._send(302, location=f"http://localhost:{self.server.server_port}/told")
        elif name == "told":
            self._send(200, (self.headers["X-Key"] or "nothing").encode())
        elif name == "busy":
            first = len([path for _, path, _ in self.asked if path == self.path]) == 1
            self._send(429 if first else 200, retry="900" if first else "")
        elif name == "long":
            self._send(200, b"x" * 300_000)
        elif name == "latin":
            self._send(200, "é".encode("latin-1"), kind="text/plain; charset=latin-1")
        elif name == "bad":
            self._send(302, location="http://[x")
        elif name == "odd":
            self._send(200, "é".encode(), kind=f"text/plain; charset={self.path.partition('?')[2]}")
        elif name.startswith("drip"):
            self._drip(name)
        elif name == "slow":
            self.server.hold.wait(5)
        else:
            self._send(200 if name == "page" else 404, b"hello")

    do_HEAD = do_GET  # noqa: N815  http.server's name

    def _send(
        self, status: int, body: bytes = b"", location: str = "", retry: str = "", kind: str = "text/html"
    ) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Content-Type", kind)
        if location:
            self.send_header("Location", location)
        if retry:
            self.send_header("Retry-After", retry)
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(body)

    def _drip(self, what: str) -> None:
        """A byte now and then, for ten seconds: of the body, of a header, or of answers that say to go on."""
        start = {
            "drip-body": b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n",
            "drip-head": b"HTTP/1.1 200 OK\r\nX-Long: ",
            "drip-continue": b"",
        }[what]
        more = b"HTTP/1.1 100 Continue\r\n\r\n" if what == "drip-continue" else b"x"
        with contextlib.suppress(OSError):
            self.wfile.write(start)
            for _ in range(100):
                self.wfile.write(more)
                if self.server.hold.wait(0.1):
                    return
            self.wfile.write(b"\r\nContent-Length: 0\r\n\r\n" if what == "drip-head" else b"x" * 900)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    for name in ("http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(Handler, "asked", [], raising=False)
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as running:
        running.daemon_threads = True
        running.hold = threading.Event()
        thread = threading.Thread(target=running.serve_forever, args=(0.01,))
        thread.start()
        yield f"http://127.0.0.1:{running.server_port}"
        running.hold.set()
        running.shutdown()
        thread.join()


def test_a_page_and_who_asks_for_it(server: str) -> None:
    answer = http_fetch(f"{server}/page?q=a+b%20c", allow_private=True)
    assert answer == Answer(200, f"{server}/page?q=a+b%20c", "hello", content_type="text/html")
    assert Handler.asked[0][1] == "/page?q=a+b%20c"
    assert Handler.asked[0][2].startswith("readrun/")
    assert Handler.asked[0][2].endswith("(+kb)")


def test_head_brings_no_body(server: str) -> None:
    assert http_fetch(f"{server}/page", method="HEAD", allow_private=True).text == ""
    assert Handler.asked[0][0] == "HEAD"


def test_a_permanent_redirect_is_told_and_a_temporary_one_is_not(server: str) -> None:
    moved = http_fetch(f"{server}/moved", allow_private=True)
    assert (moved.status, moved.moved) == (200, f"{server}/page#top")
    assert http_fetch(f"{server}/hop2", allow_private=True).moved == ""
    assert http_fetch(f"{server}/hop3", allow_private=True).moved == f"{server}/hop2"


def test_five_redirects_are_the_most(server: str) -> None:
    assert http_fetch(f"{server}/hop4", allow_private=True).status == 200
    with pytest.raises(NoAnswer, match="redirects"):
        http_fetch(f"{server}/hop5", allow_private=True)


def test_a_redirect_may_not_leave_the_web(server: str) -> None:
    with pytest.raises(NoAnswer, match="http"):
        http_fetch(f"{server}/inside", allow_private=True)


def test_a_busy_host_is_asked_once_more_after_ten_seconds_at_most(server: str) -> None:
    waits: list[float] = []
    assert http_fetch(f"{server}/busy", allow_private=True, sleep=waits.append).status == 200
    assert waits == [10.0]


def test_a_wait_longer_than_the_time_left_is_not_waited(server: str) -> None:
    assert http_fetch(f"{server}/busy", allow_private=True, timeout=2.0).status == 429


def test_the_body_is_cut_at_the_limit(server: str) -> None:
    assert len(http_fetch(f"{server}/long", allow_private=True, limit=1000).text) == 1000


def test_the_charset_is_minded(server: str) -> None:
    assert http_fetch(f"{server}/latin", allow_private=True).text == "é"


def test_a_silent_host_times_out(server: str) -> None:
    with pytest.raises(NoAnswer) as caught:
        http_fetch(f"{server}/slow", allow_private=True, timeout=0.3)
    assert caught.value.reason == "timeout"


@pytest.mark.parametrize("what", ["drip-body", "drip-head", "drip-continue"])
def test_a_host_that_drips_gains_no_time(server: str, what: str) -> None:
    with pytest.raises(NoAnswer) as caught:
        http_fetch(f"{server}/{what}", allow_private=True, timeout=1.0)
    assert caught.value.reason == "timeout"


def test_a_name_that_is_looked_up_for_ever_is_given_up(monkeypatch: pytest.MonkeyPatch, server: str) -> None:
    done = threading.Event()
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: done.wait(20) and [])
    with pytest.raises(NoAnswer) as caught:
        http_fetch("http://example.org/", timeout=0.3)
    done.set()
    assert caught.value.reason == "timeout"


def test_a_request_that_nobody_takes_is_given_up() -> None:
    with socket.create_server(("127.0.0.1", 0)) as deaf:
        start = time.monotonic()
        with pytest.raises(NoAnswer) as caught:
            http_fetch(f"http://127.0.0.1:{deaf.getsockname()[1]}/", method="POST", content=b"x" * 30_000_000,
                       allow_private=True, timeout=0.5)  # fmt: skip
    assert caught.value.reason == "timeout"
    assert time.monotonic() - start < 10


def test_what_is_for_one_host_is_told_to_no_other(server: str) -> None:
    mine = {"X-Key": "mine"}
    assert http_fetch(f"{server}/told", allow_private=True, headers=mine).text == "mine"
    assert http_fetch(f"{server}/elsewhere", allow_private=True, headers=mine).text == "nothing"


def test_a_proxy_is_asked_for_no_private_host(server: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", server)
    for host in ("10.0.0.1", "localhost.", "a.localhost", "[::1]"):
        with pytest.raises(NoAnswer) as caught:
            http_fetch(f"http://{host}/page")
        assert caught.value.reason == "private"
    assert not Handler.asked


def test_a_redirect_to_nonsense_is_said(server: str) -> None:
    with pytest.raises(NoAnswer, match=r"redirects to 'http://\[x', which is not an address"):
        http_fetch(f"{server}/bad", allow_private=True)


@pytest.mark.parametrize(
    "charset", ["rot13", "idna", "hex", "base64", "punycode", "unicode_escape", "undefined", "x" * 500, ""]
)
def test_a_charset_that_is_none_of_pages_is_utf_8(server: str, charset: str) -> None:
    assert http_fetch(f"{server}/odd?{charset}", allow_private=True).text == "é"


@pytest.mark.parametrize("contact", ["ana@example.org", "https://example.org/ana", ""])
def test_whom_a_host_may_write_to(server: str, contact: str) -> None:
    http_fetch(f"{server}/page", allow_private=True, contact=contact)
    agent = Handler.asked[0][2]
    assert contact in agent
    assert ("mailto:" in agent) == ("@" in contact)


@pytest.mark.parametrize("addresses", [["8.8.8.8", "10.0.0.1"], ["10.0.0.1", "8.8.8.8"], ["8.8.8.8", "::1"]])
def test_a_name_with_one_private_address_is_not_asked(
    addresses: list[str], server: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: [(0, 0, 0, "", (ip, 80)) for ip in addresses])
    with pytest.raises(NoAnswer) as caught:
        http_fetch("http://example.org/")
    assert caught.value.reason == "private"


def test_what_was_checked_is_what_is_asked(server: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A name that answers differently the second time gains nothing: it is looked up once a connection."""
    looked: list[str] = []
    monkeypatch.setattr("catalog.ingest.fetch._resolve", lambda host, _: looked.append(host) or ["127.0.0.1"])
    port = server.rpartition(":")[2]
    assert http_fetch(f"http://rebound.invalid:{port}/page", allow_private=True).status == 200
    assert looked == ["rebound.invalid"]


@pytest.mark.parametrize(
    "url",
    ["http://127.0.0.1:9/", "http://localhost/", "http://[::1]/", "http://10.0.0.1/", "http://169.254.169.254/latest",
     "http://0x7f.1/", "http://[::ffff:127.0.0.1]/", "http://0/"],
)  # fmt: skip
@pytest.mark.usefixtures("server")
def test_private_hosts_are_not_asked(url: str) -> None:
    with pytest.raises(NoAnswer) as caught:
        http_fetch(url)
    assert caught.value.reason == "private"


def test_a_redirect_into_a_private_network_is_not_followed(server: str, monkeypatch: pytest.MonkeyPatch) -> None:
    from catalog.ingest import fetch

    seen: list[str] = []
    monkeypatch.setattr(fetch, "is_public", lambda ip: not seen.append(ip) and len(seen) == 1)
    with pytest.raises(NoAnswer) as caught:
        http_fetch(f"{server}/moved")
    assert caught.value.reason == "private"
    assert [path for _, path, _ in Handler.asked] == ["/moved"]


@pytest.mark.parametrize(
    "url",
    ["", "x", "ftp://example.org/", "file:///etc/passwd", "http://", "http://[", "http://a:b/", "http://a/\ud800"],
)
def test_what_is_no_web_address(url: str) -> None:
    with pytest.raises(NoAnswer) as caught:
        http_fetch(url)
    assert caught.value.reason == "address"


@pytest.mark.parametrize("url", ["http://no-such-host.invalid/", f"http://{'a' * 70}.invalid/", "http://é..x.invalid/"])
@pytest.mark.usefixtures("server")
def test_a_host_that_is_not_there(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    import socket

    def nobody(*_: object, **__: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "unknown")

    monkeypatch.setattr(socket, "getaddrinfo", nobody)
    with pytest.raises(NoAnswer) as caught:
        http_fetch(url)
    assert caught.value.reason == "no-host"


@pytest.mark.parametrize("ip", ["8.8.8.8", "2606:4700::1111"])
def test_public(ip: str) -> None:
    assert is_public(ip)


@pytest.mark.parametrize(
    "ip",
    ["127.0.0.1", "10.1.2.3", "192.168.0.1", "172.16.0.1", "169.254.169.254", "100.64.0.1", "0.0.0.0", "224.0.0.1",  # noqa: S104  refused, not bound to
     "::1", "::", "fe80::1", "fc00::1", "::ffff:10.0.0.1", "64:ff9b::7f00:1", "2002:7f00:1::", "ff02::1"],
)  # fmt: skip
def test_not_public(ip: str) -> None:
    assert not is_public(ip)
