"""The checks of a server behind a URL, from its name to its first answer."""

import asyncio
import errno
import socket
import ssl
from collections.abc import AsyncGenerator, Mapping
from urllib.parse import SplitResult, urlsplit

from composite_runtime import secrets
from composite_runtime.child.spawn import access_to
from composite_runtime.doctor.answer import check_answer
from composite_runtime.doctor.findings import Check, Finding, Fix, Step, failed, passed, skipped
from composite_runtime.doctor.http_probe import port_of, tls_context
from composite_runtime.doctor.values import check_references
from composite_runtime.errors import ChildError
from composite_runtime.graph.model import HttpTransport, ServerNode, SseTransport

_SELF_SIGNED = frozenset({18, 19, 20, 21})
_EXPIRED = 10
_OTHER_HOST = frozenset({62, 64})
_UNREACHABLE = frozenset({errno.ENETUNREACH, errno.EHOSTUNREACH, errno.ENETDOWN})


async def checks(
    node: ServerNode, transport: HttpTransport | SseTransport, limit_s: float
) -> AsyncGenerator[Check, None]:
    """Yield the checks up to the first answer; who consumes them stops at the first that has failed."""
    yield await check_references(node)
    url = await asyncio.to_thread(secrets.resolve, transport.url)
    headers = {name.lower(): await asyncio.to_thread(secrets.resolve, text) for name, text in transport.headers.items()}
    try:
        parts = urlsplit(url)
        usable = parts.scheme in {"http", "https"} and bool(parts.hostname) and port_of(parts) > 0
    except ValueError:
        usable = False
    if not usable:
        finding = Finding(
            "bad-url", "its URL cannot be used", "Enter one that starts with https://.", (Fix("set-url"),)
        )
        yield failed(Step.ADDRESS, finding)
        return
    yield await _check_address(parts, limit_s)
    yield await _check_connection(parts, limit_s)
    yield await _check_encryption(url, parts, limit_s)
    headers |= await _signed_in(node)
    for check in await check_answer(transport, url, headers, limit_s):
        yield check


async def _signed_in(node: ServerNode) -> Mapping[str, str]:
    """Return the header of a sign-in, if there is one that works."""
    access = access_to(node, lambda: None)
    if access is None:
        return {}
    try:
        return await access.headers()
    except ChildError:
        return {}
    finally:
        await access.close()


async def _check_address(parts: SplitResult, limit_s: float) -> Check:
    host = parts.hostname or ""
    try:
        async with asyncio.timeout(limit_s):
            found = await asyncio.get_running_loop().getaddrinfo(host, port_of(parts), type=socket.SOCK_STREAM)
    except (OSError, TimeoutError, UnicodeError):
        finding = Finding(
            "host-unknown",
            f"the name {host} cannot be resolved",
            "Correct the host in the URL; check the connection to the Internet, or the VPN a company's host may need.",
            (Fix("set-url"),),
        )
        return failed(Step.ADDRESS, finding)
    return passed(Step.ADDRESS, f"{host} is {', '.join(sorted({str(entry[4][0]) for entry in found}))}")


async def _check_connection(parts: SplitResult, limit_s: float) -> Check:
    host, port = parts.hostname or "", port_of(parts)
    try:
        async with asyncio.timeout(limit_s):
            _, writer = await asyncio.open_connection(host, port)
    except TimeoutError:
        message = f"{host}:{port} did not answer within {limit_s:g} s"
        finding = Finding(
            "connection-timeout", message, "A firewall may drop it; check the host, the port and the VPN."
        )
    except OSError as error:
        # A name with several addresses fails with one error that quotes those of all of them.
        if error.errno == errno.ECONNREFUSED or f"[Errno {errno.ECONNREFUSED}]" in str(error):
            remedy = "Start the server, or correct the port in the URL."
            finding = Finding("connection-refused", f"nobody listens at {host}:{port}", remedy, (Fix("set-url"),))
            return failed(Step.CONNECTION, finding)
        message = f"{host}:{port} cannot be reached: {error.strerror or error}"
        fault = "network-unreachable" if error.errno in _UNREACHABLE else "connection-failed"
        finding = Finding(fault, message, "Check the connection to the Internet, the VPN and the firewall.")
    else:
        writer.close()
        return passed(Step.CONNECTION, f"{host}:{port} accepts connections")
    return failed(Step.CONNECTION, finding)


async def _check_encryption(url: str, parts: SplitResult, limit_s: float) -> Check:
    if parts.scheme != "https":
        return skipped(Step.ENCRYPTION, "the URL asks for none")
    host, port = parts.hostname or "", port_of(parts)
    try:
        async with asyncio.timeout(limit_s):
            _, writer = await asyncio.open_connection(host, port, ssl=tls_context(), server_hostname=host)
    except ssl.SSLCertVerificationError as error:
        return failed(Step.ENCRYPTION, _certificate(host, error), str(error))
    except ssl.SSLError as error:
        if error.reason in {"WRONG_VERSION_NUMBER", "HTTP_REQUEST", "RECORD_LAYER_FAILURE", "PACKET_LENGTH_TOO_LONG"}:
            plain = url.replace("https:", "http:", 1)
            message = f"{host}:{port} does not speak TLS, and the URL begins with https://"
            finding = Finding("tls-not-spoken", message, f"Enter {plain}.", (Fix("set-url", plain),))
            return failed(Step.ENCRYPTION, finding, str(error))
        message = f"no encrypted connection to {host}:{port}: {error.reason or error}"
        return failed(Step.ENCRYPTION, Finding("tls-failed", message, "Check the server's TLS settings."), str(error))
    except (OSError, TimeoutError) as error:
        message = f"{host}:{port} ended the connection, or kept silent, instead of encrypting it"
        finding = Finding("tls-failed", message, "Check that this port speaks TLS.", (Fix("set-url"),))
        return failed(Step.ENCRYPTION, finding, str(error))
    writer.close()
    return passed(Step.ENCRYPTION, "its certificate is in order")


def _certificate(host: str, error: ssl.SSLCertVerificationError) -> Finding:
    if error.verify_code == _EXPIRED:
        message = f"the certificate of {host} has expired"
        return Finding("tls-expired", message, "Whoever runs the server must renew it; check this machine's clock too.")
    if error.verify_code in _OTHER_HOST:
        message = f"the certificate is for another host than {host}"
        return Finding("tls-other-host", message, "Enter the host the certificate is for.", (Fix("set-url"),))
    if error.verify_code in _SELF_SIGNED:
        return Finding(
            "tls-untrusted",
            f"nobody this machine trusts vouches for the certificate of {host}",
            "For a server of your own or your company, name its certificates in SSL_CERT_FILE where Fusion is started.",
            (Fix("set-env", "SSL_CERT_FILE"),),
        )
    return Finding("tls-refused", f"the certificate of {host} is refused: {error.verify_message}", "Renew it.")
