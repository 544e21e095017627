"""Entries of other catalogues, brought into the registry's form: Docker's, Smithery's, and catalogues of server cards.

What they say is trusted no more than a registry's entry: each passes the same rules, and asks for the same things.
"""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from composite_runtime.errors import ConfigError
from composite_runtime.graph.model import StdioTransport
from composite_runtime.interop.clients.format import FoundServer
from composite_runtime.interop.registry_entry import rules
from composite_runtime.secrets import escape

_CARD = "application/mcp-server-card+json"
_FORMATS = {"integer": "number", "number": "number", "boolean": "boolean"}
_PLACE = re.compile(r"\{\{\s*(?P<path>[\w.-]+)(?P<filters>(?:\|[\w-]+)*)\s*\}\}")
_VARIABLE = re.compile(r"\$\{(?P<name>[A-Za-z_]\w*)\}")
_COMMAND = re.compile(r"""\bcommand\s*:\s*(?P<q>["'`])(?P<command>[^"'`]+)(?P=q)""")
_ARGS = re.compile(r"\bargs\s*:\s*\[(?P<args>[^\]]*)\]")
_ENV = re.compile(r"\benv\s*:\s*\{(?P<env>[^}]*)\}")
_PAIR = re.compile(r"""["']?(?P<name>[A-Za-z_]\w*)["']?\s*:\s*(?:config\.(?P<key>\w+)|(?P<text>"[^"]*"|'[^']*'))""")


def in_data(data: Mapping[str, Any]) -> tuple[dict[str, Any], ...]:
    """Return the entries in a document of another catalogue, in the registry's form; none if it is no such document."""
    if isinstance(listed := data.get("entries"), list) and any(_is_card(entry) for entry in listed):
        return tuple(_card(entry) for entry in listed if _is_card(entry))
    if isinstance(registry := data.get("registry"), dict) and any(_is_docker(entry) for entry in registry.values()):
        return tuple(_docker(str(name), entry) for name, entry in registry.items() if _is_docker(entry))
    if isinstance(data.get("name"), str) and _is_docker(data) and ("about" in data or "run" in data or "meta" in data):
        return (_docker(data["name"], _flattened(data)),)
    return ()


def smithery(data: Mapping[str, Any]) -> FoundServer:
    """Return the server of a `smithery.yaml` whose command is written plainly; the program around it is never run.

    Raises:
        ConfigError: the command is not plain.
    """
    name, start = str(data.get("name") or "server"), _mapping(data.get("startCommand"))
    asked = _mapping(_mapping(start.get("configSchema")).get("properties"))
    text = str(start.get("commandFunction") or "")
    command, args = _COMMAND.search(text), _ARGS.search(text)
    words = _words_of(args["args"]) if args else []
    if command is None or words is None:
        raise ConfigError(
            f"{name} is started by a program text that Fusion does not run: enter its command as its README says"
        )
    env: dict[str, str] = {}
    for pair in _PAIR.finditer(found["env"] if (found := _ENV.search(text)) else ""):
        env[pair["name"]] = _reference(name, pair["key"]) if pair["key"] else escape(pair["text"][1:-1])
    notes = tuple(f"It asks for {key}: {_mapping(spec).get('description') or 'a value'}" for key, spec in asked.items())
    return FoundServer(
        name, StdioTransport(command=command["command"], args=tuple(map(escape, words)), env=env), notes=notes
    )


def _reference(server: str, key: str) -> str:
    is_secret = rules.is_secret_name(re.sub(r"(?<=[a-z])(?=[A-Z])", "_", key))
    name = re.sub(r"[^A-Za-z0-9_-]+", "-", server)
    return f"${{secret:{name}.{key}}}" if is_secret else f"${{input:{key}}}"


def _is_card(entry: Any) -> bool:
    return isinstance(entry, dict) and entry.get("type") == _CARD


def _card(entry: Mapping[str, Any]) -> dict[str, Any]:
    """Return the card an entry holds, or one that says what its address tells."""
    if isinstance(card := entry.get("data"), dict):
        return card
    url = str(entry.get("url") or "")
    name = str(entry.get("identifier") or "server").rpartition(":")[2]
    # A card lies below the address of its server.
    remote = {"type": "streamable-http", "url": url.removesuffix("/server-card")}
    return {"name": name, "title": name, "remotes": [remote]}


# Docker


def _is_docker(entry: Any) -> bool:
    return isinstance(entry, dict) and (isinstance(entry.get("image"), str) or isinstance(entry.get("remote"), dict))


def _flattened(data: Mapping[str, Any]) -> dict[str, Any]:
    """Return a file of the registry's repository as an entry of the catalogue it is made into."""
    about, run, config = (_mapping(data.get(key)) for key in ("about", "run", "config"))
    parameters = _mapping(config.get("parameters"))
    return {
        **data,
        **{key: about[key] for key in ("title", "description") if key in about},
        **run,
        "secrets": config.get("secrets"),
        "env": config.get("env"),
        "config": [{**parameters, "name": data["name"]}],
    }


def _docker(name: str, entry: Mapping[str, Any]) -> dict[str, Any]:
    params = _parameters(name, entry)
    made: dict[str, Any] = {"name": name, "title": entry.get("title") or name, "description": entry.get("description")}
    secrets = {str(one["env"]): one for one in _listed(entry.get("secrets")) if one.get("env")}
    if isinstance(remote := entry.get("remote"), dict):
        made["remotes"] = [_docker_remote(remote, secrets)]
        return made
    variables = [
        {"name": env, "isSecret": True, "isRequired": True, "placeholder": one.get("example") or ""}
        for env, one in secrets.items()
    ]
    for one in _listed(entry.get("env")):
        value, used = _filled(str(one.get("value") or ""), params)
        given = {"value": value, "variables": used} if one.get("value") else {"placeholder": one.get("example") or ""}
        variables.append({"name": str(one.get("name") or ""), **given})
    volumes = [argument for text in _texts(entry.get("volumes")) for argument in _volume(text, params)]
    made["packages"] = [
        {
            "registryType": "oci",
            "identifier": entry["image"],
            "transport": {"type": "stdio"},
            "runtimeArguments": volumes,
            "packageArguments": [_argument(text, params) for text in _texts(entry.get("command"))],
            "environmentVariables": variables,
        }
    ]
    return made


def _docker_remote(remote: Mapping[str, Any], secrets: Mapping[str, Any]) -> dict[str, Any]:
    headers = []
    for header, value in _mapping(remote.get("headers")).items():
        names = [match["name"] for match in _VARIABLE.finditer(str(value))]
        used = {name: {"isRequired": True, "isSecret": name in secrets} for name in names}
        headers.append({"name": header, "value": _VARIABLE.sub(r"{\g<name>}", str(value)), "variables": used})
    return {"type": remote.get("transport_type") or "streamable-http", "url": remote.get("url"), "headers": headers}


def _parameters(name: str, entry: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Return what the entry asks for, by the path its templates use."""
    found: dict[str, dict[str, Any]] = {}
    for config in _listed(entry.get("config")):
        required = config.get("required") if isinstance(config.get("required"), list) else []
        for key, spec in _mapping(config.get("properties")).items():
            spec = _mapping(spec)
            default = spec.get("default")
            is_list = spec.get("type") == "array"
            found[f"{config.get('name') or name}.{key}"] = {
                "description": spec.get("description") or "",
                "isRequired": key in (required or ()),
                "isRepeated": is_list,
                "format": _FORMATS.get(str(spec.get("type")), "string"),
                **({"default": str(default)} if isinstance(default, str | int | float) else {}),
            }
    return found


def _filled(text: str, params: Mapping[str, dict[str, Any]], **more: Any) -> tuple[str, dict[str, Any]]:
    """Return a template in the registry's spelling, and its variables."""
    used: dict[str, Any] = {}

    def variable(match: re.Match[str]) -> str:
        key = match["path"].rpartition(".")[2].replace("-", "_")
        spec = params.get(match["path"], {"isRequired": True})
        # One answer fills all places of a parameter.
        used[key] = {**spec, **more, "shared": match["path"]}
        return f"{{{key}}}"

    return _PLACE.sub(variable, text), used


def _argument(text: str, params: Mapping[str, dict[str, Any]]) -> dict[str, Any]:
    value, used = _filled(text, params, **({"format": "filepath"} if "volume" in text else {}))
    is_list = any(spec.get("isRepeated") for spec in used.values())
    return {"type": "positional", "value": value, "variables": used, "isRepeated": is_list}


def _volume(text: str, params: Mapping[str, dict[str, Any]]) -> Iterator[dict[str, Any]]:
    value, used = _filled(text, params, format="filepath")
    if "|volume" in text:
        # The same folder inside as outside, so that paths mean the same to both.
        value = f"{value}:{value}"
    is_list = any(spec.get("isRepeated") for spec in used.values())
    yield {"type": "named", "name": "-v", "value": value, "variables": used, "isRepeated": is_list}


def _words_of(text: str) -> list[str] | None:
    try:
        words = json.loads(f"[{text.replace(chr(39), chr(34)).rstrip().rstrip(',')}]")
    except ValueError:
        return None
    return words if all(isinstance(word, str) for word in words) else None


def _mapping(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _listed(value: Any) -> list[dict[str, Any]]:
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


def _texts(value: Any) -> list[str]:
    return [one for one in value if isinstance(one, str)] if isinstance(value, list) else []
