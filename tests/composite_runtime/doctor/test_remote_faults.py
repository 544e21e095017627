"""Each way in which a remote server cannot be used, made real by a socket, is told apart and answered with help."""

import asyncio
import contextlib
import datetime
import ipaddress
import ssl
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from composite_runtime.doctor import Diagnosis, Patience, Step, examine, repaired
from composite_runtime.graph.model import ServerNode
from tests.support.runtime import http_server

PATIENCE = Patience(opening_s=10.0, lists_s=10.0, reaching_s=5.0)


def node(url: str, kind: str = "http", **headers: str) -> ServerNode:
    transport = {"type": kind, "url": url, "headers": headers}
    return ServerNode.model_validate({"id": "it", "name": "It", "transport": transport})


async def diagnosed(server: ServerNode, patience: Patience = PATIENCE) -> tuple[str | None, Step, list[str]]:
    diagnosis = await examine(server, patience=patience)
    worst = diagnosis.worst
    assert worst is not None
    assert worst.finding is not None
    assert worst.finding.remedy
    return worst.finding.fault, worst.step, [str(fix) for fix in worst.finding.fixes]


@contextlib.asynccontextmanager
async def answering(*answers: bytes, tls: ssl.SSLContext | None = None) -> AsyncIterator[str]:
    """Listen, answer each request with the next of these, and the last again and again; yield host and port."""
    left = list(answers)

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            await reader.read(16)
            answer = left.pop(0) if len(left) > 1 else left[0]
            writer.write(answer)
            await writer.drain()
            if answer == b"":
                await reader.read()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=tls)
    try:
        yield f"127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()
        await server.wait_closed()


def http(status: str, body: str = "", **headers: str) -> bytes:
    lines = {"content-length": str(len(body)), **{key.replace("_", "-"): value for key, value in headers.items()}}
    head = "".join(f"{key}: {value}\r\n" for key, value in lines.items())
    return f"HTTP/1.1 {status}\r\n{head}\r\n{body}".encode()


@pytest.mark.parametrize("era", ["legacy", "modern"])
def test_a_healthy_server_passes_every_check(era: str) -> None:
    with http_server("features", "--era", era) as url:
        diagnosis = asyncio.run(examine(node(url), patience=PATIENCE))
    assert diagnosis.is_healthy
    assert diagnosis.fault is None


def test_a_healthy_server_of_the_older_transport_passes_too() -> None:
    with http_server("features", "--era", "legacy") as url:
        diagnosis = asyncio.run(examine(node(url.replace("/mcp", "/sse"), "sse"), patience=PATIENCE))
    assert diagnosis.fault is None


def test_the_older_transport_addressed_as_streamable_http() -> None:
    with http_server("features", "--era", "legacy") as url:
        old = url.replace("/mcp", "/sse")
        fault, step, fixes = asyncio.run(diagnosed(node(old)))
    assert (fault, step) == ("sse-server", Step.ANSWER)
    assert fixes == [f"set-transport sse {old}"]


def test_streamable_http_addressed_as_the_older_transport() -> None:
    with http_server("features", "--era", "modern") as url:
        fault, step, fixes = asyncio.run(diagnosed(node(url, "sse")))
    assert (fault, step, fixes) == ("http-server", Step.ANSWER, [f"set-transport http {url}"])


def test_a_server_at_another_path_is_found_and_the_fix_mends_the_node() -> None:
    async def mend(url: str) -> tuple[Diagnosis, Diagnosis]:
        wrong = node(url.replace("/mcp", "/api"))
        before = await examine(wrong, patience=PATIENCE)
        assert before.worst is not None
        assert before.worst.finding is not None
        mended = repaired(wrong, before.worst.finding.fixes[0])
        assert mended is not None
        return before, await examine(mended, patience=PATIENCE)

    with http_server("features") as url:
        before, after = asyncio.run(mend(url))
    assert before.fault == "wrong-path"
    assert after.fault is None


async def test_a_url_that_cannot_be_used() -> None:
    assert (await diagnosed(node("ftp://example.test/mcp")))[:2] == ("bad-url", Step.ADDRESS)


async def test_a_host_that_has_no_address() -> None:
    assert (await diagnosed(node("http://nobody.invalid/mcp")))[:2] == ("host-unknown", Step.ADDRESS)


async def test_a_port_where_nobody_listens() -> None:
    async with answering(b"") as there:
        pass
    fault, step, _ = await diagnosed(node(f"http://{there}/mcp"))
    assert (fault, step) == ("connection-refused", Step.CONNECTION)


async def test_a_name_with_several_addresses_where_nobody_listens() -> None:
    async with answering(b"") as there:
        pass
    fault, _, _ = await diagnosed(node(f"http://localhost:{there.rpartition(':')[2]}/mcp"))
    assert fault == "connection-refused"


HTML = http("200 OK", "<!doctype html><title>Welcome</title>", content_type="text/html; charset=utf-8")
GATEWAY = http("503 Service Unavailable", "busy", content_type="text/plain")
OAUTH = http("401 Unauthorized", "", www_authenticate='Bearer resource_metadata="https://a.test/meta"')


@pytest.mark.parametrize(
    ("answer", "fault", "step"),
    [
        (http("401 Unauthorized"), "unauthorized", Step.AUTHORIZATION),
        (OAUTH, "unauthorized", Step.AUTHORIZATION),
        (http("403 Forbidden"), "forbidden", Step.AUTHORIZATION),
        (http("404 Not Found", "Not Found", content_type="text/plain"), "not-found", Step.ANSWER),
        (http("405 Method Not Allowed", "", allow="GET"), "method-not-allowed", Step.ANSWER),
        (HTML, "web-page", Step.ANSWER),
        (http("429 Too Many Requests"), "too-many-requests", Step.ANSWER),
        (GATEWAY, "server-error", Step.ANSWER),
        (http("200 OK", "pong", content_type="text/plain"), "not-mcp", Step.ANSWER),
        (http("400 Bad Request", "The plain HTTP request was sent to HTTPS port"), "tls-wanted", Step.ANSWER),
        (b"SSH-2.0-OpenSSH_9.2\r\n", "not-http", Step.ANSWER),
        (b"HTTP/1.1 200", "not-http", Step.ANSWER),
    ],
)
async def test_an_answer_says_what_is_wrong(answer: bytes, fault: str, step: Step) -> None:
    async with answering(answer) as there:
        assert (await diagnosed(node(f"http://{there}/mcp")))[:2] == (fault, step)


async def test_a_token_that_is_refused_is_to_be_replaced(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FUSION_SECRET_WEATHER", "planted-token-4711")
    async with answering(http("401 Unauthorized")) as there:
        server = node(f"http://{there}/mcp", Authorization="Bearer ${secret:weather}")
        diagnosis = await examine(server, patience=PATIENCE)
        fault, _, fixes = await diagnosed(server)
    assert (fault, fixes) == ("token-refused", ["set-secret weather"])
    assert "planted-token-4711" not in str(diagnosis.to_json())


async def test_a_redirection_is_not_followed_but_told() -> None:
    async with answering(http("308 Permanent Redirect", "", location="/mcp/")) as there:
        fault, _, fixes = await diagnosed(node(f"http://{there}/mcp"))
    assert (fault, fixes) == ("redirected", [f"set-url http://{there}/mcp/"])


async def test_a_secret_in_the_url_stays_a_reference_in_the_fix(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FUSION_SECRET_KEY", "planted-key-4711")
    async with answering(http("308 Permanent Redirect", "", location="/v2?key=planted-key-4711")) as there:
        _, _, fixes = await diagnosed(node(f"http://{there}/mcp?key=${{secret:key}}"))
    assert fixes == [f"set-url http://{there}/v2?key=${{secret:key}}"]


async def test_a_server_that_takes_the_request_and_hangs() -> None:
    async with answering(b"") as there:
        fault, _, _ = await diagnosed(node(f"http://{there}/mcp"), Patience(reaching_s=0.5))
    assert fault == "answer-timeout"


async def test_a_server_that_hangs_up() -> None:
    async def hang_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.transport.abort()

    async with await asyncio.start_server(hang_up, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        fault, _, _ = await diagnosed(node(f"http://127.0.0.1:{port}/mcp"))
    assert fault in {"connection-broken", "tls-wanted"}


# Encryption.


class Certificates:
    """Certificates made for one test: an authority, and whatever it signs."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._key, self._root = self._signed("Test authority", None)
        self.authority = folder / "ca.pem"
        self.authority.write_bytes(_pem(self._root))

    def context(self, host: str = "127.0.0.1", *, days: int = 10, is_own: bool = False) -> ssl.SSLContext:
        """Return what a server of this host would use, valid for so many days from yesterday."""
        from cryptography.hazmat.primitives import serialization as forms

        key, certificate = self._signed(host, None if is_own else self._root, days)
        path = self.folder / "server.pem"
        plain = forms.NoEncryption()
        path.write_bytes(key.private_bytes(forms.Encoding.PEM, forms.PrivateFormat.PKCS8, plain) + _pem(certificate))
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(path)
        return context

    def _signed(self, host: str, by: Any, days: int = 10) -> tuple[Any, Any]:
        from cryptography import x509
        from cryptography.hazmat.primitives import hashes
        from cryptography.hazmat.primitives.asymmetric import ec

        key = ec.generate_private_key(ec.SECP256R1())
        signer = self._key if by else key
        name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, host)])
        is_address = host[0].isdigit()
        other = x509.IPAddress(ipaddress.ip_address(host)) if is_address else x509.DNSName(host.replace(" ", "-"))
        start = datetime.datetime.now(datetime.UTC) - datetime.timedelta(days=30)
        made = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(by.subject if by else name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(start)
            .not_valid_after(start + datetime.timedelta(days=30 + days))
            .add_extension(x509.SubjectAlternativeName([other]), critical=False)
            .add_extension(x509.BasicConstraints(ca=by is None, path_length=None), critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key()), critical=False)
        )
        if by is None:
            made = made.add_extension(_may_sign(), critical=True)
        return key, made.sign(signer, hashes.SHA256())


def _may_sign() -> Any:
    from cryptography import x509

    others = ("digital_signature", "content_commitment", "key_encipherment", "data_encipherment", "key_agreement")
    others = (*others, "encipher_only", "decipher_only")
    return x509.KeyUsage(key_cert_sign=True, crl_sign=True, **dict.fromkeys(others, False))


def _pem(certificate: Any) -> bytes:
    from cryptography.hazmat.primitives import serialization

    data: bytes = certificate.public_bytes(serialization.Encoding.PEM)
    return data


@pytest.fixture
def certificates(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Certificates:
    pytest.importorskip("cryptography")
    made = Certificates(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(made.authority))
    return made


@pytest.mark.parametrize(
    ("options", "fault"),
    [
        ({"is_own": True}, "tls-untrusted"),
        ({"days": -5}, "tls-expired"),
        ({"host": "other.test"}, "tls-other-host"),
    ],
)
async def test_a_certificate_that_is_not_in_order(
    certificates: Certificates, options: dict[str, Any], fault: str
) -> None:
    async with answering(http("401 Unauthorized"), tls=certificates.context(**options)) as there:
        assert (await diagnosed(node(f"https://{there}/mcp")))[:2] == (fault, Step.ENCRYPTION)


async def test_a_certificate_that_is_in_order_leads_on(certificates: Certificates) -> None:
    async with answering(http("401 Unauthorized"), tls=certificates.context()) as there:
        assert (await diagnosed(node(f"https://{there}/mcp")))[:2] == ("unauthorized", Step.AUTHORIZATION)


async def test_an_encrypted_connection_to_a_plain_port() -> None:
    async with answering(http("200 OK")) as there:
        fault, step, fixes = await diagnosed(node(f"https://{there}/mcp"))
    assert (fault, step, fixes) == ("tls-not-spoken", Step.ENCRYPTION, [f"set-url http://{there}/mcp"])


async def test_a_plain_connection_to_an_encrypted_port(certificates: Certificates) -> None:
    async with answering(http("200 OK"), tls=certificates.context()) as there:
        fault, _, fixes = await diagnosed(node(f"http://{there}/mcp"))
    assert (fault, fixes) == ("tls-wanted", [f"set-url https://{there}/mcp"])
