"""A registry on this machine that answers with the sample pages, and remembers what it was asked."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit

import pytest

ROOT = Path(__file__).parents[1] / "data" / "clients" / "registry"
SAMPLES = ROOT / "api"


class Answers(BaseHTTPRequestHandler):
    asked: list[str] = []
    broken = False

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        type(self).asked.append(self.path)
        name = "error-404.json"
        if parts.path == "/v0.1/servers":
            name = "list-page2.json" if parse_qs(parts.query).get("cursor") else "list-page1.json"
        elif unquote(parts.path).endswith("server-git/versions/latest"):
            name = "single.json"
        content = b"<html>" if type(self).broken else (SAMPLES / name).read_bytes()
        self.send_response(404 if name.startswith("error") else 200)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


@pytest.fixture
def address() -> Iterator[str]:
    Answers.asked, Answers.broken = [], False
    server = ThreadingHTTPServer(("127.0.0.1", 0), Answers)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()
    thread.join(5)
