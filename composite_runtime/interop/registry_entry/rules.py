"""What an entry may not do, and what is a secret although it does not say so."""

import re
from collections.abc import Iterator
from urllib.parse import urlsplit

from composite_runtime.interop.registry_entry.values import Finding, Severity, Template

RUNNERS = {"npm": "npx", "pypi": "uvx", "oci": "docker", "nuget": "dnx"}

_IDENTIFIERS = {
    "npm": re.compile(r"(?:@[a-z0-9~-][\w.~-]*/)?[a-z0-9~][\w.~-]*", re.IGNORECASE),
    "pypi": re.compile(r"[A-Za-z0-9](?:[\w.-]*[A-Za-z0-9])?"),
    "oci": re.compile(r"[a-z0-9][\w.:-]*(?:/[\w.-]+)*(?::[\w.-]+)?(?:@sha256:[0-9a-f]{64})?"),
    "nuget": re.compile(r"[A-Za-z0-9][\w.-]*"),
}
_VERSION = re.compile(r"[0-9A-Za-z][\w.+!-]*")
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_HEADER = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_DIGEST = re.compile(r"[0-9a-f]{64}")

# The last two parts of the host names from which each kind of package comes.
_HOSTS = {"npm": ("npmjs", "org"), "pypi": ("pypi", "org"), "nuget": ("nuget", "org")}

_LOADS_CODE = re.compile(
    r"PATH|HOME|SHELL|IFS|ENV|LD_\w+|DYLD_\w+|NODE_(?:OPTIONS|PATH|EXTRA_CA_CERTS|TLS_REJECT_UNAUTHORIZED)|BUN_OPTIONS"
    r"|PYTHON(?:PATH|STARTUP|HOME|USERBASE)|BASH_ENV|PERL5(?:LIB|OPT|DB)|RUBY(?:OPT|LIB)|(?:JAVA_TOOL|JDK_JAVA|_JAVA)_OPTIONS"
    r"|CLASSPATH|DOTNET_STARTUP_HOOKS|COR(?:ECLR)?_\w+|NPM_CONFIG_\w+|UV_\w+|PIP_\w+|GIT_(?:SSH\w*|CONFIG\w*|EXEC_PATH"
    r"|PROXY_COMMAND|ASKPASS|EDITOR)|COMSPEC|PATHEXT|USERPROFILE|(?:LOCAL)?APPDATA|XDG_(?:CONFIG|DATA)_HOME|DOCKER_\w+"
    r"|SSL_CERT_\w+|\w*_PROXY",
    re.IGNORECASE,
)
_POWERFUL = re.compile(
    r"--(?:privileged|cap-add|device|device-cgroup-rule|security-opt|pid|ipc|uts|userns|volume-driver|registry|index-url|extra-index-url|default-index|index"
    r"|find-links|with|with-editable|with-requirements|from|node-options|call|script-shell|userconfig|globalconfig"
    r"|entrypoint|volumes-from|env-file)(?:=.*)?|-c|-f"
)
_SECRET = re.compile(
    r"token(?!s|iz|[-_ ]?(?:limit|count|budget))|secret|passw(?:or)?d|pwd|api[-_ ]?key|access[-_ ]?key|credential"
    r"|connection[-_ ]?string|dsn|private[-_ ]?key|\bpat\b|authorization|database[-_]?ur[li]",
    re.IGNORECASE,
)
_LOOPBACK = {"localhost", "127.0.0.1", "::1"}
_INVISIBLE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]")


def shown(text: object, limit: int = 500) -> str:
    """Return a text of an entry as it may be shown: without characters that are invisible or turn the text around."""
    return _INVISIBLE.sub("", text)[:limit] if isinstance(text, str) else ""


def is_secret_name(name: str) -> bool:
    """Return whether something of this name is a secret, as far as a name can tell."""
    return bool(_SECRET.search(name))


def changes_how_programs_start(variable: str) -> bool:
    """Return whether a variable decides which code programs load or where they connect to."""
    return bool(_LOADS_CODE.fullmatch(variable))


def is_tag(version: str) -> bool:
    """Return whether a version can be the tag of an image."""
    return bool(re.fullmatch(r"\w[\w.-]{0,127}", version))


def is_variable(name: str) -> bool:
    """Return whether an environment variable can have this name."""
    return bool(_VARIABLE.fullmatch(name))


def is_header(name: str) -> bool:
    """Return whether an HTTP header can have this name."""
    return bool(_HEADER.fullmatch(name))


def of_package(kind: str, identifier: str, version: str, base_url: object) -> Iterator[Finding]:
    """Yield what is wrong with where a package comes from."""
    if not _IDENTIFIERS[kind].fullmatch(identifier):
        yield Finding(Severity.BLOCK, f"{shown(identifier, 60)!r} is not the name of a package")
    if version and kind != "oci" and not _VERSION.fullmatch(version):
        yield Finding(Severity.BLOCK, f"{shown(version, 40)!r} is not one exact version")
    if base_url and not _is_home(kind, base_url):
        yield Finding(Severity.BLOCK, f"the package comes from {shown(str(base_url), 80)}, not from its usual registry")
    if not version and kind != "oci":
        yield Finding(Severity.WARNING, "no version is given: each start may run a newer one")
    if kind == "oci" and "@sha256:" not in identifier:
        tag = identifier.rpartition("/")[2].partition(":")[2] or version
        if tag in {"", "latest"}:
            yield Finding(Severity.WARNING, "the image is not pinned to a version: each start may run a newer one")


def _is_home(kind: str, base_url: object) -> bool:
    parts = urlsplit(base_url) if isinstance(base_url, str) else None
    if parts is None or parts.scheme != "https" or parts.username is not None:
        return False
    return kind in _HOSTS and tuple((parts.hostname or "").split(".")[-2:]) == _HOSTS[kind]


def of_runner(kind: str, hint: object) -> Iterator[Finding]:
    """Yield what is wrong with the program an entry wants to be started by."""
    if not hint or hint == RUNNERS[kind] or (kind == "oci" and hint == "podman"):
        return
    is_word = isinstance(hint, str) and re.fullmatch(r"[a-z]+", hint)
    message = f"the entry asks to be started by {shown(str(hint), 40)!r}; {RUNNERS[kind]} is used"
    yield Finding(Severity.WARNING if is_word else Severity.BLOCK, message)


def of_bundle(address: str, digest: str) -> Iterator[Finding]:
    """Yield what is wrong with where a bundle comes from."""
    if urlsplit(address).scheme != "https" or not _DIGEST.fullmatch(digest):
        yield Finding(Severity.BLOCK, "a bundle needs an https address and a SHA-256 to be checked against")


def of_argument(kind: str, name: str, value: Template, *, for_runner: bool) -> Iterator[Finding]:
    """Yield what is wrong with an argument; `value` is its template."""
    fixed = "".join(part for part in value if isinstance(part, str))
    words = (name, fixed) if name else (fixed,)
    if for_runner and any(_POWERFUL.fullmatch(word.strip()) for word in words):
        yield Finding(Severity.BLOCK, f"the argument {shown(name or fixed, 40)} lets the entry run or mount anything")
    if kind == "oci" and for_runner:
        yield from _of_container(name, fixed)


def _of_container(name: str, fixed: str) -> Iterator[Finding]:
    flag, _, joined = fixed.partition("=") if not name else (name.rstrip("="), "", fixed)
    if flag in {"--network", "--net"} and joined == "host":
        yield Finding(Severity.WARNING, "the container shares the network of this computer")


def of_variable(name: str, *, is_fixed: bool) -> Iterator[Finding]:
    """Yield what is wrong with a variable an entry sets."""
    if not is_variable(name):
        yield Finding(Severity.BLOCK, f"{shown(name, 40)!r} is not the name of an environment variable")
    elif changes_how_programs_start(name):
        severity = Severity.BLOCK if is_fixed else Severity.WARNING
        yield Finding(severity, f"the entry sets {name}, which changes how programs start")


def of_address(address: str, *, is_template: bool) -> Iterator[Finding]:
    """Yield what is wrong with the address of a remote server."""
    try:
        parts = urlsplit(address)
        host = parts.hostname or ""
    except ValueError:
        yield Finding(Severity.BLOCK, f"{shown(address, 80)!r} is not a URL")
        return
    if is_template and address.startswith("{"):
        return
    if parts.scheme != "https" and not (parts.scheme == "http" and host in _LOOPBACK):
        yield Finding(Severity.BLOCK, f"{shown(address, 80)!r} is not an https address")
    if parts.username is not None or "@" in parts.netloc:
        yield Finding(Severity.BLOCK, "the address holds a user name, which may hide where it leads")
