"""The services of the web, on this machine and in their documented forms, with invented papers; and their bad days."""

from __future__ import annotations

import contextlib
import json
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from catalog.ingest.fetch import Answer, NoAnswer, http_fetch
from catalog.sources import Client
from catalog.sources.memory import Memory

TLS = Path(__file__).parent / "data" / "tls"


@dataclass
class Reply:
    """What is answered: `fault` is "drip", "half", "silent" or ""."""

    body: bytes | str | Any = b""
    status: int = 200
    kind: str = ""
    headers: dict[str, str] = field(default_factory=dict)
    fault: str = ""

    def data(self) -> bytes:
        if isinstance(self.body, bytes):
            return self.body
        return (self.body if isinstance(self.body, str) else json.dumps(self.body)).encode()

    def media(self) -> str:
        return self.kind or (
            "application/json" if not isinstance(self.body, bytes | str) else "text/plain; charset=utf-8"
        )


Route = Reply | Callable[[str, bytes], Reply]
UNKNOWN = Reply("Resource not found.", 404)


class World:
    """Hosts and what they answer: by the beginning of "host/path?query", the longest first."""

    def __init__(self) -> None:
        self.routes: dict[str, Route] = {}
        self.asked: list[str] = []
        self.agents: list[dict[str, str]] = []
        self.over: Reply | None = None
        self.hold = threading.Event()
        self.port = 0

    def answer(self, where: str, content: bytes) -> Reply:
        self.asked.append(where)
        if self.over:
            return self.over
        found = [start for start in self.routes if where.startswith(start)]
        route = self.routes[max(found, key=len)] if found else UNKNOWN
        return route if isinstance(route, Reply) else route(where, content)

    def ask(self, url: str, **options: Any) -> Answer:
        """As `http_fetch`, of the host on this machine that plays the one that is meant."""
        parts = urlsplit(url)
        here = f"https://localhost:{self.port}/{parts.netloc}{parts.path}" + (f"?{parts.query}" if parts.query else "")
        answer = http_fetch(here, allow_private=True, **options)
        from dataclasses import replace

        path = urlsplit(answer.url)
        return replace(answer, url=f"https:/{path.path}" + (f"?{path.query}" if path.query else ""))

    def client(self, memory: Memory | None = None, **more: Any) -> Client:
        clock = Clock()
        return Client(self.ask, memory or Memory(), now=clock.now, sleep=clock.sleep, **more)


def silent(*_: object, **__: object) -> Answer:
    """What asks the network where there is none."""
    raise NoAnswer("no-host", "there is no host")


class Clock:
    """Time that passes when somebody sleeps."""

    def __init__(self) -> None:
        self.start, self.slept = time.time(), 0.0

    def now(self) -> float:
        return self.start + self.slept

    def sleep(self, seconds: float) -> None:
        self.slept += seconds


def running() -> Iterator[World]:
    """The world, on a port of this machine with TLS."""
    world = World()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            content = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            world.agents.append(dict(self.headers))
            reply = world.answer(unquote(self.path[1:]), content)
            body = reply.data()
            self.send_response(reply.status)
            self.send_header("Content-Type", reply.media())
            self.send_header("Content-Length", str(len(body)))
            self.send_header("Connection", "close")
            for name, value in reply.headers.items():
                self.send_header(name, value)
            self.end_headers()
            with contextlib.suppress(OSError):
                self._write(body, reply.fault)
            self.close_connection = True

        do_POST = do_GET  # noqa: N815  http.server's name

        def _write(self, body: bytes, fault: str) -> None:
            if fault == "half":
                self.wfile.write(body[: len(body) // 2])
            elif fault == "drip":
                for at in range(len(body)):
                    self.wfile.write(body[at : at + 1])
                    if world.hold.wait(0.05):
                        return
            elif fault == "silent":
                world.hold.wait(20)
            else:
                self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(TLS / "cert.pem", TLS / "key.pem")

    class Server(ThreadingHTTPServer):
        def handle_error(self, request: object, client_address: object) -> None:
            """What a client breaks off is its own affair."""

    with Server(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
        thread = threading.Thread(target=partial(server.serve_forever, 0.01))
        thread.start()
        world.port = server.server_port
        yield world
        world.hold.set()
        server.shutdown()
        thread.join()


def trusting() -> ssl.SSLContext:
    """A context that trusts the certificate of the tests alone."""
    return ssl.create_default_context(cafile=TLS / "cert.pem")
