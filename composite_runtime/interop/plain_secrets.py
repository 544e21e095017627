"""Finding secrets that stand in a server's settings as plain text, and moving them out.

Names decide for variables and headers, the form of the value decides everywhere: tokens of well-known makes, passwords
in URLs, keys in arguments. What is found is offered to be moved; a person may say no.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from composite_runtime.graph.model import HttpTransport, SseTransport, StdioTransport
from composite_runtime.secrets import references, unescape

Transport: TypeAlias = StdioTransport | HttpTransport | SseTransport

_SECRET_NAME = re.compile(
    r"(?:^|[_-])(?:tokens?|secrets?|passwords?|passwd|pwd|passphrase|pat|credentials?|cookie|jwt|bearer|authorization|auth"
    r"|dsn|connection[_-]?string|(?:api|access|private|secret|auth|service|account|license|encryption|master)[_-]?keys?"
    r"|apikey|key)$|^x-api-key$",
    re.IGNORECASE,
)
_HARMLESS_NAME = re.compile(r"(?:max|min|num|count|limit|budget|public)[_-]|(?:_path|_file|_dir|_url|_name|_id)$", re.I)
_TOKEN = re.compile(
    r"\b(?:gh[pousr]_\w{16,}|github_pat_\w{20,}|glpat-[\w-]{16,}|sk-[\w-]{16,}|[srp]k_(?:live|test)_\w{12,}|xox[abeprs]-[\w-]{8,}"
    r"|xapp-[\w-]{8,}|tvly-[\w-]{12,}|hf_\w{16,}|npm_\w{20,}|ntn_\w{16,}|secret_\w{20,}|lin_api_\w{16,}|figd_[\w-]{16,}"
    r"|fc-[0-9a-f]{16,}|AKIA[0-9A-Z]{16}|AIza[\w-]{30,}|ya29\.[\w-]{16,}|(?<![\w-])eyJ[\w-]{8,}+\.[\w-]{8,}+\.[\w-]*|pplx-\w{16,})"
    r"|-----BEGIN [A-Z ]*PRIVATE KEY-----"
)
_URL_PASSWORD = re.compile(r"(?P<head>\b[a-z][a-z0-9+.-]*://[^\s:/@]*:)(?P<secret>[^\s/@]+)(?=@)", re.IGNORECASE)
_URL_KEY = re.compile(r"(?P<head>[?&](?:[\w-]*(?:key|token|secret|password))=)(?P<secret>[^&#\s]+)", re.IGNORECASE)
_SCHEME = re.compile(r"(?P<head>(?:Bearer|Basic|Token|ApiKey)\s+)(?P<secret>\S.*)", re.IGNORECASE | re.DOTALL)
_OPTION = re.compile(r"--?(?P<name>[A-Za-z][\w-]*)(?:=(?P<value>.+))?", re.DOTALL)
_SETTING = re.compile(r"(?P<head>(?P<name>[A-Za-z_]\w*)=)(?P<secret>.+)", re.DOTALL)
_HEADER = re.compile(r"(?P<head>(?P<name>[A-Za-z][\w-]*):\s*)(?P<secret>\S.*)", re.DOTALL)
_BEARER = re.compile(r"\b(?:Bearer|Basic)\s+(?P<secret>(?=[^\s\"']*[\d=])[\w.~+/=-]{8,})")
_ADDRESS_KEY = re.compile(
    r"[?&][\w-]*(?:key|token|secret|password|signature)=(?P<secret>[^&#\s\"'<>()\\]+)", re.IGNORECASE
)
_ASSIGNED = re.compile(
    r"\b(?:password|passwd|pwd|secret|token|api[_-]?key)\s*(?:=|:\s)\s*(?P<secret>(?=[A-Za-z]*[^A-Za-z\s,;&\"'])[^\s,;&\"']{6,})",
    re.IGNORECASE,
)
_ADDRESS_PASSWORD = re.compile(r"://[^\s:/@]{0,100}:(?P<secret>[^\s/@\"'<>]{1,200})(?=@)")
_QUOTED = re.compile(
    r'"(?!progress)[\w-]*(?:password|passwd|pwd|secret|token|api[_-]?key)\\?"\s*:\s*\\?"(?P<secret>[^"\\]{6,})',
    re.IGNORECASE,
)
# Each with words one of which must be there in small letters: looking for those takes a hundredth of the time.
_WITHIN = (
    (_TOKEN, ("_", "sk-", "xox", "xapp-", "glpat-", "tvly-", "fc-", "akia", "aiza", "ya29.", "eyj", "-----begin")),
    (_ADDRESS_PASSWORD, ("://",)),
    (_BEARER, ("bearer", "basic")),
    (_ADDRESS_KEY, ("key=", "token=", "secret=", "password=", "signature=")),
    (_QUOTED, ("pass", "pwd", "secret", "token", "key")),
    (_ASSIGNED, ("pass", "pwd", "secret", "token", "key")),
)
_SHORTEST = 8
_NOTHING = {"", "true", "false", "none", "null", "example", "xxx", "your_key", "your-api-key", "changeme"}


@dataclass(frozen=True)
class PlainSecret:
    """A secret in plain text: where it is, and how to call it. Printing this does not show its value."""

    place: str
    name: str
    value: str = field(repr=False)
    is_argument: bool = False


@dataclass(frozen=True)
class Moved:
    """A transport that refers to its secrets, and the secrets it refers to."""

    transport: Transport
    secrets: tuple[PlainSecret, ...]


def looks_secret(name: str, value: str) -> bool:
    """Return whether a variable, header or option of this name and value is likely to be a secret."""
    if value.strip().lower() in _NOTHING or references(value):
        return False
    if _TOKEN.search(value) or _URL_PASSWORD.search(value):
        return True
    return bool(_SECRET_NAME.search(name)) and not _HARMLESS_NAME.search(name) and not value.isdigit()


def within(text: str) -> Iterator[str]:
    """Yield what is likely to be secret in a text of any kind: an address, a header, an error message."""
    if len(text) < _SHORTEST:
        return
    small = text.lower()
    for pattern, words in _WITHIN:
        for match in pattern.finditer(text) if any(word in small for word in words) else ():
            found = match.groupdict().get("secret") or match[0]
            if not references(found):
                yield found


def move(transport: Transport, server: str) -> Moved:
    """Return the transport with `${secret:NAME}` for each secret in it; `server` begins their names."""
    mover = _Mover(server)
    if isinstance(transport, StdioTransport):
        env = mover.pairs(transport.env, "the variable")
        args = tuple(mover.arguments(transport.args))
        changed: Transport = transport.but(args=args, env={**env, **mover.variables})
    else:
        headers = mover.pairs(transport.headers, "the header")
        changed = transport.but(url=mover.url(transport.url), headers=headers)
    return Moved(changed, tuple(mover.found))


class _Mover:
    def __init__(self, server: str) -> None:
        self._server = server
        self.found: list[PlainSecret] = []
        self.variables: dict[str, str] = {}

    def pairs(self, values: Mapping[str, str], what: str) -> dict[str, str]:
        return {name: self._named(name, value, f"{what} {name}") for name, value in values.items()}

    def _named(self, name: str, value: str, place: str) -> str:
        if not looks_secret(name, value):
            return value
        for pattern in (_SCHEME, _URL_PASSWORD):
            if match := pattern.fullmatch(value) if pattern is _SCHEME else pattern.search(value):
                return self._part(match, name, place)
        return self._reference(name, value, place)

    def url(self, url: str) -> str:
        for pattern in (_URL_PASSWORD, _URL_KEY):
            match = pattern.search(url)
            if match and not references(match["secret"]):
                url = self._part(match, "url", "the URL")
        return url

    def arguments(self, args: tuple[str, ...]) -> Iterator[str]:
        previous = ""
        for number, arg in enumerate(args, start=1):
            yield self._argument(previous, arg, f"argument {number}")
            previous = arg

    def _argument(self, previous: str, arg: str, place: str) -> str:
        option, before = _OPTION.fullmatch(arg), _OPTION.fullmatch(previous)
        if option is not None and option["value"] is None:
            return arg
        if option is not None and looks_secret(option["name"], option["value"]):
            head = arg.removesuffix(option["value"])
            return head + self._reference(option["name"], option["value"], place, is_argument=True)
        if previous in {"-e", "--env"} and (setting := _SETTING.fullmatch(arg)):
            return self._container_variable(setting, arg, place)
        if before is not None and before["value"] is None and looks_secret(before["name"], arg):
            header = _HEADER.fullmatch(arg)
            return (
                self._part(header, header["name"], place, is_argument=True)
                if header
                else self._reference(before["name"], arg, place, is_argument=True)
            )
        return self._loose(previous, arg, place)

    def _loose(self, previous: str, arg: str, place: str) -> str:
        header = _HEADER.fullmatch(arg) if previous in {"--header", "-H"} else None
        if header and looks_secret(header["name"], header["secret"]):
            return self._part(header, header["name"], place, is_argument=True)
        if (password := _URL_PASSWORD.search(arg)) and not references(arg):
            return self._part(password, "password", place, is_argument=True)
        if (token := _TOKEN.search(arg)) and not references(arg):
            reference = self._reference("token", token[0], place, is_argument=True)
            return arg[: token.start()] + reference + arg[token.end() :]
        return arg

    def _container_variable(self, setting: re.Match[str], arg: str, place: str) -> str:
        """Return `NAME` for `-e NAME=value`: a container runtime then takes the value from its own environment."""
        if not looks_secret(setting["name"], setting["secret"]):
            return arg
        self.variables[setting["name"]] = self._reference(setting["name"], setting["secret"], place)
        return setting["name"]

    def _part(self, match: re.Match[str], name: str, place: str, *, is_argument: bool = False) -> str:
        text, (start, end) = match.string, match.span("secret")
        return text[:start] + self._reference(name, match["secret"], place, is_argument=is_argument) + text[end:]

    def _reference(self, name: str, value: str, place: str, *, is_argument: bool = False) -> str:
        word = re.sub(r"[^A-Za-z0-9_-]+", "-", f"{name}").strip("-") or "secret"
        plain = unescape(value)
        taken = {secret.name: secret.value for secret in self.found}
        full = f"{self._server}.{word}"
        number = 2
        while taken.get(full, plain) != plain:
            full, number = f"{self._server}.{word}-{number}", number + 1
        self.found.append(PlainSecret(place, full, plain, is_argument))
        return f"${{secret:{full}}}"
