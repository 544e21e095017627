"""Entries of the registry, good, old, careless and hostile, become ways to run a server."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from composite_runtime.errors import FusionError
from composite_runtime.graph.model import HttpTransport, SseTransport, StdioTransport
from composite_runtime.interop.registry_entry import Entry, Missing, Prompt, Text, Way, fill, ways

SAMPLES = Path(__file__).parents[2] / "data" / "clients" / "registry"
NPM = {"registryType": "npm", "identifier": "ok", "version": "1.0.0", "transport": {"type": "stdio"}}
OCI = {"registryType": "oci", "identifier": "a/b:1"}


def load(name: str) -> Any:
    return json.loads((SAMPLES / name).read_text(encoding="utf-8"))


def best(name: str) -> Way:
    return ways(load(name))[0]


def one(package: dict[str, Any]) -> Way:
    return ways({"name": "a/b", "packages": [package]})[0]


def answers(way: Way) -> dict[str, Text]:
    """Something for every prompt."""

    def answer(prompt: Prompt) -> Text:
        if prompt.is_secret:
            return "hush"
        plain = {"number": "1", "boolean": True, "filepath": "/d", "string": "https://v.test"}[prompt.kind]
        chosen: Any = prompt.default or (prompt.choices[0] if prompt.choices else plain)
        return [chosen, chosen] if prompt.is_repeated else chosen

    return {prompt.id: answer(prompt) for prompt in way.prompts.values()}


def name_of(prompt: Prompt) -> str:
    return prompt.id


def stdio(way: Way, given_answers: dict[str, Text]) -> StdioTransport:
    transport = fill(way, given_answers, name_of)
    assert isinstance(transport, StdioTransport)
    return transport


def messages(way: Way) -> str:
    return " | ".join(f"{finding.severity}: {finding.message}" for finding in way.findings)


@pytest.mark.parametrize("path", sorted(SAMPLES.rglob("*.json")), ids=lambda path: path.name)
def test_no_sample_fails_and_no_answer_to_a_secret_gets_into_a_node(path: Path) -> None:
    data = json.loads(path.read_text(encoding="utf-8"))
    for item in data.get("servers", [data]):
        entry = Entry.read(item)
        for way in entry.ways:
            if not way.is_blocked and not way.download:
                assert "hush" not in fill(way, answers(way), name_of).model_dump_json()


def test_a_package_is_pinned_and_its_flags_depend_on_answers() -> None:
    way = best("time.json")

    assert stdio(way, {}) == StdioTransport(command="uvx", args=("mcp-server-time==2026.10.19",))
    assert stdio(way, {"arg.local-timezone": "Europe/Warsaw"}).args[1:] == ("--local-timezone", "Europe/Warsaw")
    assert way.needs == "uv"


def test_what_is_required_is_asked_for_and_lists_are_spread() -> None:
    way = best("filesystem.json")
    with pytest.raises(Missing, match="is required") as caught:
        stdio(way, {})
    assert caught.value.prompt in way.prompts
    assert stdio(way, {"arg.allowed_dir": ["/a b", "/c"]}).args[-2:] == ("/a b", "/c")


def test_secrets_of_a_container_go_through_its_environment() -> None:
    way = best("oci-secrets.json")
    given_answers = answers(way)
    transport = stdio(way, given_answers)

    assert "secret" not in " ".join(transport.args)
    assert transport.env["API_TOKEN"] == "${secret:runtime.e.token}"
    assert transport.env["DB_TYPE"] == "postgres"
    assert transport.env["DSN"] == "pg://https://v.test:${secret:env.DSN.p}@h"
    without = stdio(way, {**given_answers, "runtime.e.token": ""})
    assert "API_TOKEN" not in without.args
    assert "API_TOKEN" not in without.env


def test_what_a_person_types_is_text() -> None:
    transport = stdio(best("time.json"), {"arg.local-timezone": "${env:AWS_SECRET}"})
    assert transport.args[-1] == "$${env:AWS_SECRET}"


def test_choices_and_numbers_are_checked() -> None:
    way = best("oci-secrets.json")
    with pytest.raises(Missing, match="must be one of postgres, mysql"):
        stdio(way, {**answers(way), "runtime.e.db_type": "oracle"})
    with pytest.raises(Missing, match="must be a number"):
        stdio(way, {**answers(way), "arg.port": "many"})


def test_remotes_ask_for_their_headers_and_for_what_is_missing_in_their_url() -> None:
    way = best("dirty/variable-needed-but-not-required.json")
    with pytest.raises(Missing, match="organization is required"):
        fill(way, {}, name_of)
    assert fill(way, {"url.organization": "acme"}, name_of) == HttpTransport(url="https://mcp.example.test/acme")

    bearer = best("dirty/header-needs-bearer-prefix.json")
    assert "'Bearer '" in messages(bearer)
    filled = fill(bearer, {"header.Authorization": "x"}, name_of)
    assert isinstance(filled, HttpTransport)
    assert filled.headers == {"Authorization": "${secret:header.Authorization}"}


def test_a_url_that_is_a_variable_must_become_a_url() -> None:
    way = best("dirty/url-starts-with-variable.draft.json")
    with pytest.raises(Missing, match="is not a URL"):
        fill(way, {"url.baseUrl": "ftp://x"}, name_of)
    assert fill(way, {"url.baseUrl": "https://h:8443"}, name_of) == HttpTransport(url="https://h:8443/mcp")


def test_careless_entries_are_put_right() -> None:
    repeated = stdio(best("dirty/identifier-repeated-in-runtime-args.json"), {})
    assert repeated.args[0] == "mcp-server-git==2026.10.19"
    assert "mcp-server-git" not in repeated.args
    assert "$${GIT_REPO}" in repeated.args

    misplaced = best("dirty/package-args-in-runtime-args.json")
    assert "follow the package here" in messages(misplaced)
    args = stdio(misplaced, {"runtime.read-only": True, "runtime.project-ref": "p"}).args
    assert args == ("-y", "@modelcontextprotocol/server-memory@2026.8.31", "--read-only", "--project-ref", "p")

    renamed = best("dirty/script-name-differs.json")
    assert stdio(renamed, {}).args == ("-p", "3.13", "serena-agent==1.5.3", "start-mcp-server")

    unpinned = best("dirty/no-transport-no-version.json")
    assert "each start may run a newer one" in messages(unpinned)
    assert stdio(unpinned, {}).args == ("-y", "exa-mcp-server")


def test_older_spellings_are_read() -> None:
    old = load("dirty/old-snake-case-2025-07-09.json")
    package, remote = ways(old)
    assert Entry.read(old).version == "1.0.0"
    assert package.prompts["env.TZ"].is_required
    assert not package.prompts["env.TZ"].is_secret
    assert isinstance(fill(remote, {}, name_of), SseTransport)
    assert stdio(best("dirty/mixed-case-keys.json"), {}).command == "uvx"


def test_a_secret_in_an_argument_is_warned_about() -> None:
    way = best("dirty/arg-and-env-duplicate-secret-not-flagged.json")
    assert "apiClientSecret is handed over in an argument" in messages(way)
    assert way.prompts["env.MDB_MCP_CONNECTION_STRING"].is_secret


def test_a_bundle_has_to_be_opened_first() -> None:
    way = best("mcpb.json")
    assert way.download is not None
    with pytest.raises(FusionError, match="bundle"):
        fill(way, {}, name_of)


def test_the_hostile_sample_is_blocked_and_its_texts_are_tamed() -> None:
    entry = Entry.read(load("dirty/hostile.json"))
    assert all(way.is_blocked for way in entry.ways)
    assert "\u202e" not in entry.title
    for way in entry.ways:
        with pytest.raises(FusionError, match="blocked"):
            fill(way, answers(way), name_of)


HOSTILE: list[dict[str, Any]] = [
    NPM | {"runtimeHint": "/bin/sh"},
    NPM | {"version": "1 && x"},
    NPM | {"version": "--registry=http://x"},
    NPM | {"identifier": "--registry"},
    NPM | {"identifier": "x; rm -rf ~"},
    NPM | {"identifier": "../x"},
    NPM | {"registryBaseUrl": "http://evil.test"},
    NPM | {"registryBaseUrl": "https://registry.evil.test"},
    NPM | {"registryBaseUrl": "https://evil.test#.registry.test"},
    NPM | {"environmentVariables": [{"name": "LD_PRELOAD", "value": "/x"}]},
    NPM | {"environmentVariables": [{"name": "NODE_OPTIONS", "value": "--require x"}]},
    NPM | {"environmentVariables": [{"name": "path", "value": "/x"}]},
    NPM | {"environmentVariables": [{"name": "https_proxy", "value": "http://x"}]},
    NPM | {"environmentVariables": [{"name": "A=B", "value": "/x"}]},
    NPM | {"runtimeArguments": [{"type": "named", "name": "--registry", "value": "http://evil"}]},
    NPM | {"runtimeArguments": [{"type": "named", "name": "--registry=", "value": "http://evil"}]},
    NPM | {"runtimeArguments": [{"type": "positional", "value": "--registry=http://evil"}]},
    NPM | {"runtimeArguments": [{"type": "positional", "value": "-c"}]},
    NPM | {"runtimeArguments": [{"type": "named", "name": "--call", "value": "x"}]},
    NPM | {"registryType": "pypi", "runtimeArguments": [{"type": "named", "name": "--with", "value": "x"}]},
    NPM | {"registryType": "pypi", "runtimeArguments": [{"type": "named", "name": "--index-url", "value": "x"}]},
    NPM | {"registryType": "cargo"},
    NPM | {"transport": {"type": "streamable-http", "url": "http://127.0.0.1:1/mcp"}},
    OCI | {"runtimeArguments": [{"type": "named", "name": "-v", "value": "/:/host"}]},
    OCI | {"runtimeArguments": [{"type": "named", "name": "--volume=", "value": "/:/host"}]},
    OCI | {"runtimeArguments": [{"type": "positional", "value": "--volume=/:/host"}]},
    OCI | {"runtimeArguments": [{"type": "named", "name": "-v", "value": "/var/run/docker.sock:/s"}]},
    OCI | {"runtimeArguments": [{"type": "named", "name": "--mount", "value": "type=bind,source=/,target=/h"}]},
    OCI | {"runtimeArguments": [{"type": "named", "name": "--privileged", "value": ""}]},
    OCI | {"runtimeArguments": [{"type": "named", "name": "--privileged", "format": "boolean"}]},
    OCI | {"runtimeArguments": [{"type": "named", "name": "--entrypoint", "value": "sh"}]},
    OCI | {"identifier": "--privileged"},
    OCI | {"identifier": "a b"},
    {"registryType": "mcpb", "identifier": "https://x/y.mcpb"},
    {"registryType": "mcpb", "identifier": "http://x/y.mcpb", "fileSha256": "0" * 64},
]


def words(*texts: str) -> dict[str, Any]:
    return OCI | {"runtimeArguments": [{"type": "positional", "value": text} for text in texts]}


def volume(value: str, **more: Any) -> dict[str, Any]:
    return OCI | {"runtimeArguments": [{"type": "named", "name": "-v", "value": value, **more}]}


HOSTILE += [
    words("-v/:/host"),
    words("-itv/:/host"),
    words("-v", "/:/host"),
    words("--mount", "type=bind,source=/,target=/h"),
    words("--mount=type=volume,volume-opt=device=/etc,volume-opt=o=bind,target=/h"),
    words("--tmpfs", "-v/:/host"),
    words("--device-cgroup-rule=a *:* rwm"),
    *map(
        volume, ("//:/h", "/./:/h", "/home/../:/h", "/etc:/h", "~/.ssh:/h", "/home/me/.aws:/h", "C:\\:/h", "$HOME:/h")
    ),
    volume("{folder}:/h", variables={"folder": {"default": "/"}}),
]


@pytest.mark.parametrize(
    ("value", "is_warned"), [("data:/data", False), ("{folder}:/h", False), ("/srv/data:/data", True)]
)
def test_a_folder_a_container_gets_is_chosen_by_a_person_or_told(value: str, is_warned: bool) -> None:
    way = one(volume(value, variables={"folder": {"default": "/home/me/papers"}}))
    assert not way.is_blocked
    assert ("of this computer" in messages(way)) is is_warned


@pytest.mark.parametrize("package", HOSTILE, ids=lambda package: json.dumps(package)[-60:])
def test_a_package_that_would_run_more_than_itself_is_blocked_with_a_reason(package: dict[str, Any]) -> None:
    way = one(package)
    assert way.is_blocked
    assert "block" in messages(way)


def test_a_decent_package_is_not_blocked() -> None:
    for package in (NPM, OCI, NPM | {"registryBaseUrl": "https://registry." + "npmjs" + ".org"}):
        assert not one(package).is_blocked


@pytest.mark.parametrize(
    "remote",
    [
        {"type": "streamable-http", "url": "http://evil.test/mcp"},
        {"type": "streamable-http", "url": "file:///etc/passwd"},
        {"type": "streamable-http", "url": "https://good.test@evil.test/mcp"},
        {"type": "streamable-http", "url": "https://[bad"},
        {"type": "ws", "url": "https://ok.test/mcp"},
        {"type": "streamable-http", "url": "https://ok.test/mcp", "headers": [{"name": "X\r\nY", "value": "1"}]},
    ],
)
def test_a_remote_that_leads_elsewhere_is_blocked(remote: dict[str, Any]) -> None:
    assert ways({"name": "a/b", "remotes": [remote]})[0].is_blocked


JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.text(max_size=5)),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(
            st.sampled_from(
                [
                    *("packages", "remotes", "registryType", "identifier", "version", "transport", "type", "url"),
                    *("headers", "name", "value", "variables", "format", "environmentVariables", "choices", "default"),
                    *("packageArguments", "runtimeArguments", "registry_type", "server", "_meta"),
                ]
            ),
            inner,
            max_size=5,
        ),
    ),
    max_leaves=12,
)


@given(st.dictionaries(st.sampled_from(["packages", "remotes", "server", "name", "_meta"]), JSON))
def test_junk_never_fails(data: dict[str, Any]) -> None:
    Entry.read(data)


@given(st.lists(JSON, max_size=3), st.lists(JSON, max_size=3))
def test_junk_in_a_package_never_fails(arguments: list[Any], variables: list[Any]) -> None:
    package = NPM | {"packageArguments": arguments, "runtimeArguments": arguments, "environmentVariables": variables}
    for way in ways(
        {"packages": [package, OCI | package], "remotes": [{"url": "https://x.test", "headers": variables}]}
    ):
        if not way.is_blocked:
            fill(way, answers(way), name_of)


@pytest.mark.parametrize(
    ("name", "flag", "wanted"),
    [
        ("API_KEY", None, True),
        ("API_KEY", False, False),
        ("MAX_TOKENS", None, False),
        ("GITHUB_TOKEN", None, True),
        ("DATABASE_URI", None, True),
        ("MODE", None, False),
        ("KEYBOARD", None, False),
    ],
)
def test_a_secret_is_known_by_its_mark_or_its_name(name: str, flag: bool | None, wanted: bool) -> None:
    variable = {"name": name} | ({} if flag is None else {"isSecret": flag})
    assert one(NPM | {"environmentVariables": [variable]}).prompts[f"env.{name}"].is_secret is wanted
