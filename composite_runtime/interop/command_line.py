"""Command lines people copy from a README: how to start a server, or how to add one to a client."""

import json
import re
import shlex
from collections.abc import Iterator, Sequence
from pathlib import PureWindowsPath

from composite_runtime.errors import ConfigError
from composite_runtime.interop.clients.decode import Dialect, decode_server, without_cmd
from composite_runtime.interop.clients.format import Reading
from composite_runtime.interop.clients.references import DOLLAR, ENV

_RUNNERS = {"npx", "uvx", "uv", "node", "bunx", "bun", "deno", "python", "python3", "pipx", "docker", "podman", "dnx"}
_ASSIGNMENT = re.compile(r"(?P<name>[A-Za-z_]\w*)=(?P<value>.*)", re.DOTALL)
_FLAGS_WITH_VALUE = {
    "-s", "--scope", "-t", "--transport", "-e", "--env", "-H", "--header", "--url", "--bearer-token-env-var", "--type",
    "--client-id", "--callback-port", "--timeout", "--cwd",
}  # fmt: skip


def read_command(text: str | Sequence[str]) -> Reading | None:
    """Return the server a command line starts or adds, None if it is no command line of a kind known here.

    Raises:
        ConfigError: it is one, but something in it is missing or not closed.
    """
    words = list(text) if not isinstance(text, str) else _words(text)
    if not words:
        return None
    env = dict(_leading_assignments(words))
    words = without_cmd(words[len(env) :])
    if not words:
        return None
    if adding := _added_by_client(words):
        return adding
    program = PureWindowsPath(words[0]).name.removesuffix(".cmd").removesuffix(".exe").lower()
    if program not in _RUNNERS and not re.match(r"(?:/|~/|\./|[A-Za-z]:[\\/])", words[0]):
        return None
    raw = {"command": words[0], "args": words[1:], "env": env}
    # A shell would have replaced `$V`; Fusion does it when it starts the server.
    return Reading((decode_server(_name(program, words[1:]), raw, Dialect(references=DOLLAR)),))


def _words(text: str) -> list[str]:
    line = re.sub(r"\s*(?:\\|\^|`)\n\s*", " ", text.strip())
    line = re.sub(r"^(?:\$|>|PS [^>]*>|[A-Za-z]:\\[^>]*>)\s+", "", line)
    if "\n" in line:
        return []
    is_windows = bool(re.search(r"(?:^|\s)\"?[A-Za-z]:\\|\\\\\w", line))
    try:
        words = shlex.split(line, posix=not is_windows)
    except ValueError:
        if not re.match(r"[\w./\\:-]+\s", line):
            return []
        raise ConfigError("a quote in this command is not closed") from None
    return [word[1:-1] if len(word) > 1 and word[0] == word[-1] and word[0] in "'\"" else word for word in words]


def _leading_assignments(words: Sequence[str]) -> Iterator[tuple[str, str]]:
    for word in words:
        match = _ASSIGNMENT.fullmatch(word)
        if match is None:
            return
        yield match["name"], match["value"]


def _added_by_client(words: Sequence[str]) -> Reading | None:
    """Return the server that `claude mcp add …`, `codex mcp add …` or `code --add-mcp …` would add."""
    client = words[0].lower()
    if client in {"code", "code-insiders"} and "--add-mcp" in words:
        return _from_json(words[-1])
    if client not in {"claude", "codex", "gemini", "copilot", "qwen"} or list(words[1:2]) != ["mcp"]:
        return None
    if words[2:3] == ["add-json"]:
        rest = [word for word in words[3:] if not word.startswith("-")]
        return _from_json(rest[1], rest[0]) if len(rest) > 1 else None
    if words[2:3] != ["add"]:
        return None
    return _from_add(list(words[3:]))


def _from_json(text: str, name: str | None = None) -> Reading:
    try:
        raw = json.loads(text)
        return Reading((decode_server(name or str(raw.get("name", "server")), raw),))
    except (ValueError, AttributeError):
        raise ConfigError("the configuration in this command is not valid JSON") from None


def _from_add(words: list[str]) -> Reading:
    options, plain = _sorted_out(words)
    url = next((value for flag, value in options if flag == "--url"), None)
    if not plain or (len(plain) < 2 and url is None):
        raise ConfigError("this command names no server to add: it needs a name and a command or a URL")
    name, *command = plain
    raw: dict[str, object] = {"env": {}, "headers": {}}
    if url is None and re.match(r"https?://", command[0]):
        url = command[0]
    raw |= {"url": url} if url else {"command": command[0], "args": command[1:]}
    for flag, value in options:
        _take_option(raw, flag, value)
    return Reading((decode_server(name, raw, Dialect(references=ENV)),))


def _sorted_out(words: list[str]) -> tuple[list[tuple[str, str]], list[str]]:
    """Return the options with their values and the other words; what follows the command belongs to the command."""
    options: list[tuple[str, str]] = []
    plain: list[str] = []
    while words:
        word = words.pop(0)
        is_remote = len(plain) > 1 and re.match(r"https?://", plain[1])
        if word == "--":
            return options, plain + words
        if word.startswith("-") and (len(plain) < 2 or is_remote):
            flag, is_joined, value = word.partition("=")
            takes_value = flag in _FLAGS_WITH_VALUE and words
            options.append((flag, value if is_joined else words.pop(0) if takes_value else ""))
        else:
            plain.append(word)
    return options, plain


def _take_option(raw: dict[str, object], flag: str, value: str) -> None:
    pairs = raw["env"] if flag in {"-e", "--env"} else raw["headers"]
    separator = "=" if flag in {"-e", "--env"} else ":"
    assert isinstance(pairs, dict)
    if flag in {"-e", "--env", "-H", "--header"}:
        name, _, text = value.partition(separator)
        pairs[name.strip()] = text.strip() if separator == ":" else text
    elif flag in {"-t", "--transport", "--type"} and value in {"http", "sse"}:
        raw["type"] = value
    elif flag == "--bearer-token-env-var":
        pairs["Authorization"] = f"Bearer ${{env:{value}}}"


def _name(program: str, args: Sequence[str]) -> str:
    """Return what a server may be called, from the package it starts."""
    if program in {"docker", "podman"}:
        words = [word for word in _operands(args) if "/" in word or ":" in word]
        found = words[-1] if words else program
    else:
        found = next(iter(_operands(args)), program)
    name = re.sub(r"@[^/]*$|==.*$|(?<!^):[\w.]+$", "", found)
    name = re.sub(r"\.(?:js|mjs|cjs|ts|py)$", "", name.rstrip("/\\")).replace("\\", "/").rpartition("/")[2]
    return re.sub(r"^(?:mcp-server-|server-|mcp-)|(?:-mcp-server|-mcp|-server)$", "", name) or program


def _operands(args: Sequence[str]) -> Iterator[str]:
    words = iter(args)
    for word in words:
        if word in {
            "-e",
            "--env",
            "-v",
            "--volume",
            "--mount",
            "-p",
            "--name",
            "--network",
            "--from",
            "--with",
            "--directory",
        }:
            next(words, None)
        elif not word.startswith("-") and word not in {"run", "tool", "dlx", "exec"}:
            yield word
