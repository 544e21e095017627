"""What servers say before they end, and what it means: one table, from the most telling words to the least."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

from composite_runtime.doctor.findings import Finding, Fix


@dataclass(frozen=True)
class Saying:
    """Words in a server's output. `{name}` in the texts stands for the pattern's group of that name."""

    fault: str
    pattern: re.Pattern[str]
    message: str
    remedy: str
    fixes: tuple[tuple[str, str], ...] = field(default=())


def _saying(fault: str, pattern: str, message: str, remedy: str, *fixes: tuple[str, str]) -> Saying:
    return Saying(fault, re.compile(pattern, re.IGNORECASE | re.MULTILINE), message, remedy, fixes)


_PIN = ("pin-version", "mcp<2")

SAYINGS: tuple[Saying, ...] = (
    # Python's SDK 2 renamed what nearly every older server imports, and many servers do not pin the SDK.
    _saying(
        "python-sdk-too-new",
        r"No module named '?mcp\.server\.fastmcp|cannot import name '\w+' from 'mcp[.']"
        r"|'Server' object has no attribute '(?:list|call|read|get|set|subscribe)_\w+'",
        "it was written for version 1 of the Python MCP SDK, and version 2 is installed",
        "Pin the SDK: with uvx, add --with 'mcp<2' before the server's name; else install 'mcp<2' in its environment. "
        "A newer version of the server may not need it.",
        _PIN,
    ),
    _saying(
        "python-module-missing",
        r"ModuleNotFoundError: No module named '(?P<module>[^']+)'|^\S*python\S*: No module named (?P<main>[\w.]+)",
        "its Python has no module {module}{main}",
        "Install the package that brings it into the environment this Python belongs to, or run the server with uvx.",
        ("install-module", "{module}{main}"),
    ),
    _saying(
        "python-too-old",
        r"requires (?:a different )?Python[:\s]*[<>=!~\d., ]*\d|depends on Python[<>=\d.,]+|does not satisfy Python"
        r"|^\s+match \S+:[\s\S]{0,200}SyntaxError: invalid syntax",
        "it needs another version of Python",
        "Install a Python it accepts; with uvx, add --python 3.12 (or another version) before the server's name.",
        ("update", "python"),
    ),
    _saying(
        "npm-package-missing",
        r"npm (?:ERR!|error) (?:code )?E?404[\s\S]*?'(?P<package>@?[^'\s]+?)@[^'@]*' (?:is not in|could not be found)"
        r"|npm (?:ERR!|error) (?:code )?E404",
        "npm knows no package {package}",
        "Correct the name of the package in the arguments; a private one needs a login (`npm login`) first.",
        ("edit-arguments", "{package}"),
    ),
    _saying(
        "npm-version-missing",
        r"npm (?:ERR!|error) (?:code ETARGET|notarget No matching version found for (?P<package>\S+?)\.?$)",
        "npm has the package, but not the version that is asked for",
        "Ask for a version that exists, or for none.",
        ("edit-arguments", "{package}"),
    ),
    _saying(
        "npx-asks",
        r"npx canceled due to missing packages|Ok to proceed\? \(y\)",
        "npx wants to ask whether it may install the package, and there is nobody to ask",
        "Add -y as the first argument.",
        ("add-argument", "-y"),
    ),
    _saying(
        "npm-no-executable",
        r"npm (?:ERR!|error) could not determine executable to run",
        "the npm package has no program that npx could run",
        "Name the program: npx -y --package PACKAGE PROGRAM. The package may also be a library and no server.",
        ("edit-arguments", ""),
    ),
    _saying(
        "uvx-executable-missing",
        r"executable named `(?P<program>[^`]+)` is not provided by package `(?P<package>[^`]+)`"
        r"(?:[\s\S]*?following executables are available:\s*- (?P<other>\S+))?",
        "the Python package {package} has no program {program}",
        "Name one it has: uvx --from PACKAGE PROGRAM.",
        ("use-program", "{other}"),
    ),
    _saying(
        "offline",
        r"network was disabled|ENOTCACHED|code E(?:NOTFOUND|AI_AGAIN|TIMEDOUT|CONNREFUSED)\b"
        r"|getaddrinfo (?:ENOTFOUND|EAI_AGAIN)|dns error|Temporary failure in name resolution"
        r"|error sending request for url",
        "it wants to fetch something, and the network does not answer",
        "Check the connection to the Internet and, in a company, the proxy (HTTPS_PROXY in the server's environment).",
    ),
    _saying(
        "uvx-package-missing",
        r"No solution found when resolving (?:tool )?dependencies"
        r"(?:[\s\S]*?Because (?:(?P<package>\S+) was not found in|there is no version of (?P<version>\S+)))?",
        "uv finds no package {package}{version}",
        "Correct the name or the version of the package in the arguments.",
        ("edit-arguments", "{package}{version}"),
    ),
    _saying(
        "node-too-old",
        r"ERR_UNKNOWN_BUILTIN_MODULE|No such built-in module: node:"
        r"|ReferenceError: (?:fetch|File|crypto|ReadableStream) is not defined"
        r"|SyntaxError: Unexpected (?:token '?(?:\?|\?\?=|\|\|=|\.|with|\{)'?$|identifier '?assert)"
        r"|does not provide an export named|EBADENGINE|requires? Node(?:\.js)? ?(?:version )?(?:>=?|v?\d)",
        "it needs a newer Node.js than the one that runs it",
        "Install the current long-term version of Node.js, or name the path of a newer one.",
        ("update", "node"),
    ),
    _saying(
        "node-module-missing",
        r"(?:Error: Cannot find module|Cannot find package) '(?P<module>[^']+)'|ERR_MODULE_NOT_FOUND",
        "its Node.js does not find {module}",
        "Check the path in the arguments; for a server from source, run `npm install` and its build first.",
        ("edit-arguments", "{module}"),
    ),
    _saying(
        "docker-permission",
        r"permission denied while trying to connect to the docker"
        r"|dial unix \S*docker\.sock: connect: permission denied",
        "Docker runs, but you may not use it",
        "Add yourself to the group docker (`sudo usermod -aG docker $USER`) and log in anew.",
        ("join-group", "docker"),
    ),
    _saying(
        "docker-not-running",
        r"Cannot connect to the Docker daemon|error during connect: .*docker|failed to connect to the docker API",
        "Docker is installed, but does not run",
        "Start Docker (Docker Desktop, or `sudo systemctl start docker`).",
        ("start", "docker"),
    ),
    _saying(
        "docker-image-missing",
        r"pull access denied for (?P<image>\S+?),|manifest for (?P<tag>\S+) not found|manifest unknown|"
        r"No such image: (?P<none>\S+)",
        "Docker finds no image {image}{tag}{none}",
        "Correct the image's name or tag; a private one needs `docker login` first.",
        ("edit-arguments", "{image}{tag}{none}"),
    ),
    _saying(
        "port-in-use",
        r"EADDRINUSE[^\n]*?(?:(?::|port )(?P<port>\d{2,5}))?$|Address already in use|address already in use"
        r"|port (?P<other>\d{2,5}) is (?:already )?in use|Only one usage of each socket address",
        "it wants to listen on a port that another program holds",
        "End the other program (perhaps an older run of this server), or give this one another port.",
        ("free-port", "{port}{other}"),
    ),
    _saying(
        "certificate-refused",
        r"CERTIFICATE_VERIFY_FAILED|UNABLE_TO_(?:VERIFY_LEAF_SIGNATURE|GET_ISSUER_CERT)|SELF_SIGNED_CERT_IN_CHAIN"
        r"|self[- ]signed certificate|invalid peer certificate",
        "it does not trust the certificate of a host it talks to",
        "In a company, name the company's certificates: NODE_EXTRA_CA_CERTS or SSL_CERT_FILE in its environment.",
        ("set-env", "SSL_CERT_FILE"),
    ),
    _saying(
        "library-too-old",
        r"version `(?P<library>GLIBC\w*_[\d.]+)' not found|cannot open shared object file|Library not loaded",
        "it needs a library of the system that is missing or too old",
        "Install the library it names, or use the server's container image.",
    ),
    _saying(
        "disk-full",
        r"ENOSPC|No space left on device|disk quota exceeded",
        "the disk is full",
        "Make room, then try again.",
        ("free-space", ""),
    ),
    _saying(
        "out-of-memory",
        r"JavaScript heap out of memory|MemoryError|Cannot allocate memory|ENOMEM",
        "it ran out of memory",
        "Give it less to do, or more memory.",
    ),
    _saying(
        "credential-wanted",
        r"(?:missing|required|must (?:be )?(?:set|provide)|not (?:set|provided|found|defined)|please (?:set|provide))"
        r"[^\n]{0,80}?\b(?-i:(?P<after>[A-Z][A-Z0-9]*_[A-Z0-9_]*[A-Z0-9]))\b"
        r"|\b(?-i:(?P<before>[A-Z][A-Z0-9]*_[A-Z0-9_]*[A-Z0-9]))\b[^\n]{0,60}?"
        r"(?:missing|required|must be|not (?:set|provided|found|defined)|is empty)"
        r"|KeyError: '(?-i:(?P<key>[A-Z][A-Z0-9_]+))'",
        "it wants the environment variable {after}{before}{key}",
        "Store the value as a secret and enter ${secret:NAME} for this variable in the server's environment.",
        ("set-env", "{after}{before}{key}"),
    ),
    _saying(
        "argument-wanted",
        r"^usage: |the following arguments are required: (?P<args>[^\n]+)|unrecognized arguments?: (?P<unknown>[^\n]+)"
        r"|error: unknown option '(?P<option>[^']+)'|missing required argument|unexpected argument '(?P<odd>[^']+)'",
        "it does not accept its arguments",
        "Compare the arguments with the server's documentation; its own words are below.",
        ("edit-arguments", ""),
    ),
    _saying(
        "command-in-script-missing",
        r"(?:sh|bash|zsh|dash)(?:: line)?:? ?\d*:? (?P<command>[\w./-]+): (?:command )?not found"
        r"|/usr/bin/env: ['‘]?(?P<env>[\w./-]+?)['’]?: No such file"
        r"|'(?P<windows>[^']+)' is not recognized as an internal or external command",
        "it starts {command}{env}{windows}, which is not on the PATH it gets",
        "Install it, or add the folder it lies in to PATH in the server's environment.",
        ("add-to-path", ""),
    ),
    _saying(
        "browser-missing",
        r"Executable doesn't exist at|playwright install|Could not find (?:Chrome|Chromium|browser)",
        "it drives a browser, and the browser is not installed",
        "Install it with the words the server gives, such as `npx playwright install`.",
        ("install", "browser"),
    ),
    _saying(
        "file-not-allowed",
        r"EACCES: permission denied,? ?(?:\w+)? ?'?(?P<path>[^'\n]*)"
        r"|PermissionError: \[Errno 13\] [^:]*:? ?'?(?P<py>[^'\n]*)",
        "it may not use {path}{py}",
        "Give yourself the right to the file or folder, or choose another one in the arguments.",
        ("allow", "{path}{py}"),
    ),
    _saying(
        "file-missing",
        r"can't open file '(?P<script>[^']+)'|FileNotFoundError: [^\n]*'(?P<path>[^']+)'"
        r"|ENOENT: no such file or directory,? ?(?:\w+)? ?'?(?P<js>[^'\n]*)",
        "it does not find {script}{path}{js}",
        "Correct the path in the arguments; give it whole, since servers are not started in the folder you expect.",
        ("edit-arguments", "{script}{path}{js}"),
    ),
)

SERVES_HTTP = re.compile(
    r"(?:running|listening|started|serving|available|ready)[^\n]*?(?P<url>https?://[\w.\[\]:-]+(?:/[\w./-]*)?)"
    r"|listening on (?:port )?(?P<port>\d{2,5})",
    re.IGNORECASE,
)


def understood(lines: Iterable[str]) -> Finding | None:
    """Return what the words of a server mean, or None when they are not known here."""
    text = "\n".join(lines)
    for saying in SAYINGS:
        match = saying.pattern.search(text)
        if match is not None:
            return _finding(saying, match)
    return None


def serves_http(lines: Iterable[str]) -> Finding | None:
    """Return a finding when a server says that it listens for HTTP instead of speaking on its pipes."""
    match = SERVES_HTTP.search("\n".join(lines))
    if match is None:
        return None
    url = match["url"] or f"http://127.0.0.1:{match['port']}/mcp"
    return Finding(
        "serves-http",
        f"it listens at {url} instead of speaking on its stdin and stdout",
        "Start it in stdio mode (often an argument such as `stdio` or `--transport stdio`), or enter the URL as a"
        " remote server.",
        (Fix("edit-arguments"), Fix("set-transport", f"http {url}")),
    )


def _finding(saying: Saying, match: re.Match[str]) -> Finding:
    groups = {name: value or "" for name, value in match.groupdict().items()}
    message = saying.message.format(**groups).strip()
    fixes = tuple(Fix(action, value.format(**groups)) for action, value in saying.fixes)
    return Finding(saying.fault, " ".join(message.split()), saying.remedy, fixes)
