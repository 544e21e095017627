"""The HTTP client: one origin, connections used again, answers as they come."""

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from composite_runtime.errors import ChildError
from composite_runtime.wire.http_client import Broken, HttpClient, Response

LIMIT = 1_000_000
PATIENCE_S = 5.0

Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


class Origin:
    """A server that answers each request with what the test gives it, and remembers what it was sent."""

    def __init__(self, *answers: bytes, closes: bool = False) -> None:
        self.answers = list(answers)
        self.requests: list[str] = []
        self.connections = 0
        self._closes = closes

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        while self.answers:
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
            length = next(
                (int(line[16:]) for line in head.lower().split("\r\n") if line.startswith("content-length:")), 0
            )
            self.requests.append(head + (await reader.readexactly(length)).decode())
            writer.write(self.answers.pop(0))
            if self._closes:
                return
        await reader.read()


@asynccontextmanager
async def served(serve: Serve, context: ssl.SSLContext | None = None) -> AsyncIterator[str]:
    async def guarded(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            await serve(reader, writer)
        writer.close()

    server = await asyncio.start_server(guarded, "127.0.0.1", 0, ssl=context)
    async with server:
        yield f"{'https' if context else 'http'}://127.0.0.1:{server.sockets[0].getsockname()[1]}/mcp"
    # The handlers see their ends once the client has closed.
    await asyncio.sleep(0)


@asynccontextmanager
async def client_of(url: str) -> AsyncIterator[HttpClient]:
    client = HttpClient(url)
    try:
        async with asyncio.timeout(PATIENCE_S):
            yield client
    finally:
        await client.close()
        await asyncio.sleep(0)


def ok(body: bytes, *fields: str) -> bytes:
    lines = "".join(f"{field}\r\n" for field in (*fields, f"Content-Length: {len(body)}"))
    return f"HTTP/1.1 200 OK\r\n{lines}\r\n".encode() + body


async def body_of(response: Response) -> bytes:
    with contextlib.closing(response):
        return await response.read(LIMIT)


async def test_a_request_is_sent_whole_and_its_answer_is_read_whole() -> None:
    origin = Origin(ok(b"hello", "X-Kind: one"))
    async with served(origin) as url, client_of(url) as client:
        response = await client.request("POST", f"{url}?a=b", {"x-mine": "1"}, b"body")

        assert (response.status, response.headers["x-kind"]) == (200, "one")
        assert await body_of(response) == b"hello"
    line, *fields = origin.requests[0].split("\r\n")
    assert line == "POST /mcp?a=b HTTP/1.1"
    assert fields == [f"host: {url[7:-4]}", "x-mine: 1", "content-length: 4", "", "body"]


async def test_a_connection_is_used_again() -> None:
    origin = Origin(ok(b"one"), ok(b"two"), b"HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n")
    async with served(origin) as url, client_of(url) as client:
        assert await body_of(await client.request("POST", url, {}, b"")) == b"one"
        assert await body_of(await client.request("POST", url, {}, b"")) == b"two"
        assert await body_of(await client.request("POST", url, {}, b"")) == b""
    assert origin.connections == 1


@pytest.mark.parametrize(
    "answer",
    [
        ok(b"one", "Connection: close"),
        b"HTTP/1.0 200 OK\r\nContent-Length: 3\r\n\r\none",
        ok(b"one", "Keep-Alive: timeout=1"),
    ],
)
async def test_a_connection_the_server_may_close_is_not_used_again(answer: bytes) -> None:
    origin = Origin(answer, ok(b"two"))
    async with served(origin) as url, client_of(url) as client:
        assert await body_of(await client.request("POST", url, {}, b"")) == b"one"
        assert await body_of(await client.request("POST", url, {}, b"")) == b"two"
    assert origin.connections == 2


async def test_a_connection_the_server_has_closed_is_not_used_again() -> None:
    origin = Origin(ok(b"one"), ok(b"two"), closes=True)
    async with served(origin) as url, client_of(url) as client:
        assert await body_of(await client.request("POST", url, {}, b"")) == b"one"
        await asyncio.sleep(0.05)
        assert await body_of(await client.request("POST", url, {}, b"")) == b"two"


async def test_requests_at_the_same_time_have_a_connection_each() -> None:
    answers = {b"/a": b"one", b"/b": b"two"}

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        path = (await reader.readuntil(b"\r\n\r\n")).split()[1]
        arrived.add(path)
        if len(arrived) == 2:
            both.set()
        await both.wait()
        writer.write(ok(answers[path]))
        await reader.read()

    arrived: set[bytes] = set()
    both = asyncio.Event()
    async with served(serve) as url, client_of(url) as client:
        base = url.removesuffix("/mcp")
        first, second = await asyncio.gather(
            client.request("GET", f"{base}/a", {}), client.request("GET", f"{base}/b", {})
        )

        assert [await body_of(first), await body_of(second)] == [b"one", b"two"]


async def test_an_answer_may_come_in_chunks_after_an_interim_one() -> None:
    chunks = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\none\r\n3\r\ntwo\r\n0\r\n\r\n"
    origin = Origin(b"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n" + chunks, ok(b"next"))
    async with served(origin) as url, client_of(url) as client:
        assert await body_of(await client.request("GET", url, {})) == b"onetwo"
        assert await body_of(await client.request("GET", url, {})) == b"next"
    assert origin.connections == 1


async def test_an_answer_may_end_with_the_connection() -> None:
    origin = Origin(b"HTTP/1.1 200 OK\r\n\r\none", closes=True)
    async with served(origin) as url, client_of(url) as client:
        assert await body_of(await client.request("GET", url, {})) == b"one"


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9\r\nhalf",
        b"HTTP/1.1 200 OK\r\nContent-",
        b"",
    ],
)
async def test_an_answer_that_is_broken_off_says_so(answer: bytes) -> None:
    origin = Origin(answer, closes=True)
    async with served(origin) as url, client_of(url) as client:
        with pytest.raises(Broken, match=r"127\.0\.0\.1 was closed"):
            await body_of(await client.request("GET", url, {}))


@pytest.mark.parametrize("answer", [b"SSH-2.0-OpenSSH\r\n\r\n", b"HTTP/1.1 101 Switching Protocols\r\n\r\n"])
async def test_a_server_that_speaks_something_else_is_told_apart(answer: bytes) -> None:
    async with served(Origin(answer)) as url, client_of(url) as client:
        with pytest.raises(Broken, match=r"does not speak HTTP/1\.1"):
            await client.request("GET", url, {})


async def test_an_answer_nobody_asked_for_is_not_taken_for_the_next_one() -> None:
    origin = Origin(ok(b"one") + ok(b"stray"), ok(b"two"))
    async with served(origin) as url, client_of(url) as client:
        assert await body_of(await client.request("GET", url, {})) == b"one"
        with contextlib.suppress(Broken):
            assert await body_of(await client.request("GET", url, {})) == b"two"


async def test_an_answer_that_is_too_long_is_refused_before_it_is_complete() -> None:
    endless = b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * 2 * LIMIT
    async with served(Origin(endless)) as url, client_of(url) as client:
        with pytest.raises(OverflowError, match="more than"):
            await body_of(await client.request("GET", url, {}))


async def test_an_answer_nobody_reads_does_not_pile_up() -> None:
    sent = 0

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal sent
        writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
        while sent < 100_000_000:
            writer.write(b"x" * 1_000_000)
            await writer.drain()
            sent += 1_000_000

    async with served(serve) as url, client_of(url) as client:
        response = await client.request("GET", url, {})
        before = -1
        while before != sent:
            before = sent
            await asyncio.sleep(0.2)
        response.close()
    assert sent < 20_000_000


async def test_cancelling_hangs_up() -> None:
    hung_up = asyncio.Event()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        asked.set()
        with contextlib.suppress(OSError):
            await reader.read()
        hung_up.set()

    asked = asyncio.Event()
    async with served(serve) as url, client_of(url) as client:
        task = asyncio.get_running_loop().create_task(client.request("GET", url, {}))
        await asked.wait()
        task.cancel()
        await hung_up.wait()
        with pytest.raises(asyncio.CancelledError):
            await task


async def test_a_server_that_is_not_there_is_named() -> None:
    async with served(Origin()) as url:
        pass
    async with client_of(url) as client:
        with pytest.raises(ChildError, match=r"127\.0\.0\.1 cannot be reached: nothing listens on port \d+"):
            await client.request("GET", url, {})


@pytest.mark.parametrize("url", ["ftp://a/b", "nonsense", "http:///x"])
def test_what_is_no_address_is_refused(url: str) -> None:
    with pytest.raises(ChildError, match="is not an address"):
        HttpClient(url)


async def test_a_header_cannot_smuggle_another_one() -> None:
    async with served(Origin()) as url, client_of(url) as client:
        with pytest.raises(ChildError, match="cannot be sent"):
            await client.request("GET", url, {"authorization": "x\r\ny: z"})


@pytest.mark.parametrize("status", [200, 407])
async def test_a_proxy_is_asked_for_a_tunnel_to_a_safe_server(status: int, monkeypatch: pytest.MonkeyPatch) -> None:
    proxy = Origin(f"HTTP/1.1 {status} Said\r\n\r\n".encode(), closes=True)
    async with served(proxy) as url:
        monkeypatch.setenv("https_proxy", url.replace("http://", "http://me:s%40@"))
        async with client_of("https://far.example/mcp") as client:
            wanted = "far.example" if status == 200 else "the proxy 127.0.0.1 answered HTTP/1.1 407 Said"
            with pytest.raises(ChildError, match=wanted):
                await client.request("GET", "https://far.example/mcp", {})
    line, host, credentials, *_ = proxy.requests[0].split("\r\n")
    assert (line, host) == ("CONNECT far.example:443 HTTP/1.1", "host: far.example:443")
    assert credentials == "proxy-authorization: Basic bWU6c0A="


async def test_a_proxy_is_given_the_whole_address_of_a_plain_server(monkeypatch: pytest.MonkeyPatch) -> None:
    proxy = Origin(ok(b"far"))
    async with served(proxy) as url:
        monkeypatch.setenv("http_proxy", url)
        monkeypatch.setenv("no_proxy", "near.example")
        async with client_of("http://far.example/mcp?a=b") as client:
            assert await body_of(await client.request("GET", "http://far.example/mcp?a=b", {})) == b"far"
    assert proxy.requests[0].startswith("GET http://far.example/mcp?a=b HTTP/1.1\r\nhost: far.example\r\n")


async def test_nothing_on_this_machine_is_reached_through_a_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "http://proxy.invalid")
    async with served(Origin(ok(b"near"))) as url, client_of(url) as client:
        assert await body_of(await client.request("GET", url, {})) == b"near"


def test_a_proxy_of_a_kind_we_do_not_speak_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("all_proxy", "socks5://proxy.invalid")
    with pytest.raises(ChildError, match="proxies of the kind socks5 are not supported"):
        HttpClient("https://far.example/mcp")


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    """Return a file with a key and a certificate for this machine that nobody has signed."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "here")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), 1, now - timedelta(days=1), now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .sign(key, hashes.SHA256())
    )
    file = tmp_path / "certificate.pem"
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    file.write_bytes(private + made.public_bytes(serialization.Encoding.PEM))
    return file


@pytest.mark.parametrize("is_trusted", [True, False])
async def test_a_server_over_tls_must_be_the_one_it_says(
    is_trusted: bool, certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    if is_trusted:
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    async with served(Origin(ok(b"safe"), ok(b"again")), context) as url, client_of(url) as client:
        if is_trusted:
            assert await body_of(await client.request("GET", url, {})) == b"safe"
            assert await body_of(await client.request("GET", url, {})) == b"again"
        else:
            with pytest.raises(ChildError, match=r"127\.0\.0\.1 cannot be reached: .*self-signed certificate"):
                await client.request("GET", url, {})
