"""From the JSON of an entry to the ways to run it, the best first."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

from composite_runtime.interop.registry_entry import rules
from composite_runtime.interop.registry_entry.builder import Builder
from composite_runtime.interop.registry_entry.values import Argument, Finding, Origin, Severity, Template, Way

_RANK: dict[str, int] = {"npm": 0, "pypi": 0, "remote": 1, "oci": 2, "nuget": 3, "mcpb": 4}

# What every command gets anyway, and what the runners themselves take.
_OWN_WORDS = {"-y", "--yes", "-i", "--rm", "run", "--interactive", "--"}
_RUNNER_FLAG = re.compile(r"-p|--python|--package|--offline|--quiet|-q|--no-cache|--refresh|--prerelease")
_SETTING = re.compile(r"([A-Za-z_][A-Za-z0-9_]*)=")
_ANY_VARIABLE = re.compile(r"(\{[A-Za-z_][\w-]*\})")


@dataclass(frozen=True)
class Entry:
    """What an entry says about a server, fit to be shown."""

    name: str
    title: str
    description: str
    version: str
    status: str
    status_message: str
    website: str
    ways: tuple[Way, ...]

    @classmethod
    def read(cls, data: Mapping[str, Any]) -> "Entry":
        """Return the entry in a `server.json`, or in an answer of a registry."""
        server = _server(data)
        meta = data.get("_meta") if isinstance(data.get("_meta"), dict) else {}
        official = (meta or {}).get("io.modelcontextprotocol.registry/official") or {}
        official = official if isinstance(official, dict) else {}
        detail = server.get("versionDetail")
        version = server.get("version") or (detail.get("version") if isinstance(detail, dict) else "")
        name = rules.shown(server.get("name"), 200)
        website = rules.shown(server.get("websiteUrl"), 300)
        return cls(
            name=name,
            title=rules.shown(server.get("title"), 100) or name.rpartition("/")[2],
            description=rules.shown(server.get("description")),
            version=rules.shown(version, 60),
            status=rules.shown(official.get("status") or server.get("status"), 20) or "active",
            status_message=rules.shown(official.get("statusMessage")),
            website=website if website.startswith("https://") else "",
            ways=ways(data),
        )


def ways(data: Mapping[str, Any]) -> tuple[Way, ...]:
    """Return every way to run the server of an entry, the best first and those that are blocked last."""
    server = _server(data)
    packages, remotes = server.get("packages"), server.get("remotes")
    found = [_package(item) for item in packages if isinstance(item, dict)] if isinstance(packages, list) else []
    if isinstance(remotes, list):
        found += [_remote(item) for item in remotes if isinstance(item, dict)]
    return tuple(sorted(found, key=lambda way: (way.is_blocked, way.transport == "sse", _RANK.get(way.origin, 9))))


def _server(data: Mapping[str, Any]) -> dict[str, Any]:
    server = data.get("server")
    return cast(dict[str, Any], _renamed(dict(server if isinstance(server, dict) else data)))


def _renamed(value: Any, *, are_names: bool = False) -> Any:
    """Return the value with the keys of older entries spelled as today; names that people chose stay."""
    if isinstance(value, list):
        return [_renamed(item) for item in value]
    if not isinstance(value, dict):
        return value
    result = {}
    for key, item in value.items():
        head, *tail = key.split("_")
        today = key if are_names or not head else head + "".join(word.title() for word in tail)
        result[today] = _renamed(item, are_names=today in {"variables", "_meta"} and not are_names)
    return result


def _package(package: Mapping[str, Any]) -> Way:
    kind, identifier, version = (_text(package.get(key)) for key in ("registryType", "identifier", "version"))
    if kind == "mcpb":
        return _bundle(identifier, _text(package.get("fileSha256")))
    if kind not in rules.RUNNERS:
        found = Finding(Severity.BLOCK, f"Fusion cannot start packages of the type {rules.shown(kind, 20)!r}")
        return Way(origin="unknown", transport="stdio", label=rules.shown(identifier, 80), findings=(found,))
    build = Builder(kind)
    build.add(rules.of_package(kind, identifier, version, package.get("registryBaseUrl")))
    build.add(rules.of_runner(kind, package.get("runtimeHint")))
    transport = package.get("transport")
    reached = _text(transport.get("type")) if isinstance(transport, dict) else "stdio"
    if reached not in {"", "stdio"}:
        message = "this package has to be started by hand and is then reached over HTTP: start it, then add its URL"
        build.add([Finding(Severity.BLOCK, message)])
    build.variables(package.get("environmentVariables"))
    command = "podman" if package.get("runtimeHint") == "podman" else rules.RUNNERS[kind]
    return Way(
        origin=cast(Origin, kind),
        transport=reached or "stdio",
        label=f"{command} {rules.shown(identifier, 80)}",
        command=command,
        arguments=tuple(_command_line(build, kind, package, _pinned(kind, identifier, version))),
        env=build.env,
        prompts=build.prompts,
        findings=tuple(build.findings),
    )


def _pinned(kind: str, identifier: str, version: str) -> str:
    if not version:
        return identifier
    if kind == "oci":
        # Older entries give the tag of an image as its version.
        has_tag = "@" in identifier or ":" in identifier.rpartition("/")[2]
        return identifier if has_tag or not rules.is_tag(version) else f"{identifier}:{version}"
    return f"{identifier}=={version}" if kind == "pypi" else f"{identifier}@{version}"


def _command_line(build: Builder, kind: str, package: Mapping[str, Any], pinned: str) -> list[Argument]:
    for_runner = build.arguments(package.get("runtimeArguments"), "runtime", for_runner=True)
    own = build.arguments(package.get("packageArguments"), "arg", for_runner=False)
    identifier = _text(package.get("identifier"))
    # Entries repeat words that belong to every command, and the package itself.
    repeated = _OWN_WORDS | {identifier, pinned, f"{identifier}@{_text(package.get('version'))}"}
    for_runner = [argument for argument in for_runner if argument.literal not in repeated]
    if kind == "oci":
        for_runner = _with_variables_moved(build, for_runner)
        passed_on = [_fixed("-e", name) for name in build.env]
        return [*_each("run", "-i", "--rm"), *passed_on, *for_runner, *_each(pinned), *own]
    if kind == "nuget":
        return [*_each(pinned, "--yes"), *for_runner, *_each("--"), *own]
    misplaced = [argument for argument in for_runner if not _is_for_runner(argument)]
    if misplaced:
        build.warn("arguments that look like the server's own were listed for its runner; they follow the package here")
    for_runner = [argument for argument in for_runner if argument not in misplaced]
    yes = _each("-y") if kind == "npm" else []
    return [*yes, *for_runner, *_each(pinned), *misplaced, *own]


def _is_for_runner(argument: Argument) -> bool:
    first = argument.tokens[0][0]
    return isinstance(first, str) and bool(_RUNNER_FLAG.fullmatch(first))


def _each(*words: str) -> list[Argument]:
    return [_fixed(word) for word in words]


def _fixed(*words: str) -> Argument:
    return Argument(tuple((word,) for word in words))


def _with_variables_moved(build: Builder, arguments: list[Argument]) -> list[Argument]:
    """Return the arguments without `-e NAME=value`: a container runtime takes a value from its own environment."""
    kept = []
    for argument in arguments:
        head = argument.tokens[1][0] if argument.tokens[0] in {("-e",), ("--env",)} and argument.tokens[1:] else None
        setting = _SETTING.match(head) if isinstance(head, str) else None
        if setting is None or setting[1] in build.env:
            kept.append(argument)
            continue
        build.add(rules.of_variable(setting[1], is_fixed=True) if not list(argument.refs) else ())
        rest = setting.string[setting.end() :]
        value = argument.tokens[1][1:]
        build.env[setting[1]] = (rest, *value) if rest or not value else value
    return kept


def _bundle(address: str, digest: str) -> Way:
    note = Finding(Severity.INFO, "the command comes from the manifest inside the bundle")
    return Way(
        origin="mcpb",
        transport="stdio",
        label=rules.shown(address, 80),
        findings=(*rules.of_bundle(address, digest), note),
        download=(address, digest),
    )


def _remote(remote: Mapping[str, Any]) -> Way:
    build = Builder("remote")
    reached = _text(remote.get("type") or remote.get("transportType")) or "streamable-http"
    address = _text(remote.get("url"))
    variables = remote.get("variables") if isinstance(remote.get("variables"), dict) else {}
    plain = _ANY_VARIABLE.sub("x", address) if not address.startswith("{") else address
    build.add(rules.of_address(plain, is_template=bool(variables)))
    # Real entries mark these optional, and a URL with a hole in it leads nowhere.
    url = build.template(address, variables, "url", is_required=True)
    if reached == "sse":
        build.warn("this is the old transport; the same address may offer streamable HTTP as well")
    elif reached not in {"streamable-http", "http"}:
        build.add([Finding(Severity.BLOCK, f"Fusion cannot connect over {rules.shown(reached, 20)!r}")])
    return Way(
        origin="remote",
        transport="sse" if reached == "sse" else "http",
        label=rules.shown(address, 80),
        url=url,
        headers=_headers(build, remote.get("headers")),
        prompts=build.prompts,
        findings=tuple(build.findings),
    )


def _headers(build: Builder, specs: Any) -> dict[str, Template]:
    headers: dict[str, Template] = {}
    for spec in specs if isinstance(specs, list) else []:
        name = _text(spec.get("name")) if isinstance(spec, dict) else ""
        if not rules.is_header(name):
            build.add([Finding(Severity.BLOCK, f"{rules.shown(name, 40)!r} is not the name of a header")])
        elif spec.get("value") is not None:
            headers[name] = build.template(_text(spec["value"]), spec.get("variables"), f"header.{name}")
        else:
            if name.lower() == "authorization":
                build.warn("enter the whole value of Authorization, which often begins with 'Bearer '")
            headers[name] = (build.prompt(f"header.{name}", name, spec),)
    return headers


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""
