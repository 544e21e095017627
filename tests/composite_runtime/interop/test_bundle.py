"""A graph as a bundle, and bundles of others."""

import io
import json
import shutil
import subprocess
import zipfile
from pathlib import Path
from typing import Any

import pytest

from composite_runtime.cli import main
from composite_runtime.errors import ConfigError
from composite_runtime.graph import edit, file
from composite_runtime.graph.check import served_composite
from composite_runtime.graph.model import CompositeNode, Graph, HttpTransport, ServerNode, StdioTransport
from composite_runtime.interop import bundle_file
from composite_runtime.interop.bundle import Bundle, bundle
from composite_runtime.interop.registry_entry import fill
from composite_runtime.paths import resource

SAMPLES = Path(__file__).parents[2] / "data" / "clients" / "mcpb"


def graph(*servers: ServerNode) -> Graph:
    made = edit.add_node(edit.new_graph("Desk"), CompositeNode(id="desk", name="Desk & Co"))
    for server in servers:
        made = edit.connect(edit.add_node(made, server), server.id, "desk")
    return made


def made_of(source: Graph) -> Bundle:
    return bundle(source, served_composite(source))


def stdio(node_id: str, command: str, *args: str, **env: str) -> ServerNode:
    return ServerNode(id=node_id, name=node_id, transport=StdioTransport(command=command, args=args, env=env))


def test_a_bundle_holds_the_graph_the_runtime_and_how_to_start_it() -> None:
    source = file.load(resource("examples") / "first.fusion")
    made = made_of(source)

    with zipfile.ZipFile(io.BytesIO(made.content)) as archive:
        names = archive.namelist()
        assert names == sorted(names)
        assert {"manifest.json", "graph.fusion", "pyproject.toml", "src/server.py"} < set(names)
        assert "src/composite_runtime/cli/serve.py" in names
        assert file.loads(archive.read("graph.fusion").decode()) == source
        assert b"pyyaml" in archive.read("pyproject.toml")
        assert json.loads(archive.read("manifest.json")) == made.manifest
    assert made.manifest["manifest_version"] == "0.4"


def test_the_same_graph_gives_the_same_bytes() -> None:
    source = file.load(resource("examples") / "first.fusion")
    assert made_of(source).content == made_of(source).content


def test_what_the_graph_refers_to_is_asked_for() -> None:
    source = graph(
        stdio("a", "npx", "x", "${input:time zone:-UTC}", KEY="${secret:search.key}", HOME_DIR="${env:HOME}"),
        ServerNode(id="b", name="b", transport=HttpTransport(url="https://x.test", headers={"A": "${env:B_TOKEN}"})),
    )
    manifest = made_of(source).manifest

    assert manifest["user_config"] == {
        "input_time_zone": {
            "type": "string",
            "title": "time zone",
            "description": "Value time zone, which the graph refers to.",
            "required": False,
            "default": "UTC",
        },
        "secret_search_key": {
            "type": "string",
            "title": "search.key",
            "description": "Secret search.key, which the graph refers to.",
            "required": True,
            "sensitive": True,
        },
        "env_b_token": {
            "type": "string",
            "title": "B_TOKEN",
            "description": "Value of the environment variable B_TOKEN, which the graph refers to.",
            "required": True,
        },
    }
    assert manifest["server"]["mcp_config"]["env"] == {
        "FUSION_INPUT_TIME_ZONE": "${user_config.input_time_zone}",
        "FUSION_SECRET_SEARCH_KEY": "${user_config.secret_search_key}",
        "B_TOKEN": "${user_config.env_b_token}",
    }


def test_a_secret_in_plain_text_does_not_get_into_a_bundle() -> None:
    with pytest.raises(ConfigError, match="plain text in the variable API_KEY") as caught:
        made_of(graph(stdio("a", "npx", API_KEY="hunter2-hunter2")))
    assert "hunter2" not in str(caught.value)
    assert caught.value.node == "a"


def test_what_other_machines_need_or_lack_is_told() -> None:
    warnings = made_of(graph(stdio("a", "npx", "/home/ada/x"), stdio("b", "uvx", "y"))).warnings
    assert "a needs Node.js on the machine." in warnings
    assert "a uses /home/ada/x, which other machines do not have." in warnings


def test_the_command_line_writes_a_bundle(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    target = tmp_path / "new" / "desk.mcpb"
    assert main(["bundle", str(resource("examples") / "first.fusion"), "-o", str(target), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["bytes"] == target.stat().st_size
    assert list(target.parent.iterdir()) == [target]


@pytest.mark.slow
def test_the_official_tool_accepts_the_bundle(tmp_path: Path) -> None:
    npx = shutil.which("npx")
    if npx is None:
        pytest.skip("needs Node.js")
    source = graph(stdio("a", "npx", "x", "${input:zone:-UTC}", KEY="${secret:search}", MODE="${env:MODE}"))
    target = tmp_path / "manifest.json"
    target.write_text(json.dumps(made_of(source).manifest), encoding="utf-8")

    tool = [npx, "-y", "@anthropic-ai/mcpb@2.1.2", "validate", str(target)]
    answer = subprocess.run(tool, capture_output=True, text=True, timeout=55, cwd=tmp_path)
    assert "validation passes" in answer.stdout, answer.stdout + answer.stderr


def packed(folder: Path, manifest: Any, **files: str) -> Path:
    path = folder / "x.mcpb"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("manifest.json", manifest if isinstance(manifest, str) else json.dumps(manifest))
        for name, text in files.items():
            archive.writestr(name, text)
    return path


def manifest_of(name: str) -> Any:
    return json.loads((SAMPLES / "manifests" / name).read_text(encoding="utf-8"))


@pytest.mark.parametrize(
    "name", ["ok-node-0.2", "ok-python-0.3", "ok-binary-0.3", "ok-uv-0.4", "ok-user-config-all-types", "old-dxt-only"]
)
def test_bundles_of_every_kind_become_ways(name: str, tmp_path: Path) -> None:
    found = bundle_file.look(packed(tmp_path, manifest_of(f"{name}.json")), "linux")

    assert found.name == "fusion-research"
    assert found.way.command
    assert not found.way.is_blocked
    assert not found.folder.exists()


def test_answers_become_arguments_and_secrets_stay_references(tmp_path: Path) -> None:
    found = bundle_file.look(packed(tmp_path, manifest_of("ok-user-config-all-types.json")), "linux")
    transport = fill(found.way, {"dirs": ["/a", "/b"], "key": "hush"}, lambda prompt: f"research.{prompt.id}")

    assert isinstance(transport, StdioTransport)
    assert transport.command == "python3"
    assert transport.args == (
        f"{found.folder}/src/server.py", "/a", "/b", "--n=2", "--key=${secret:research.key}",
    )  # fmt: skip
    assert transport.env == {"PYTHONPATH": f"{found.folder}/lib"}
    assert bundle_file.look(found.path, "win32").way.command == "py"


def test_a_bundle_is_unpacked_into_a_folder_of_its_own(tmp_path: Path, fusion_home: Path) -> None:
    found = bundle_file.look(packed(tmp_path, manifest_of("ok-uv-0.4.json"), **{"src/server.py": "pass"}), "linux")
    bundle_file.unpack(found)
    bundle_file.unpack(found)

    assert (found.folder / "src" / "server.py").read_text(encoding="utf-8") == "pass"
    assert found.folder.parent == fusion_home / "bundles"
    assert [path.name for path in found.folder.parent.iterdir()] == [found.digest]


def test_our_own_bundle_can_be_opened(tmp_path: Path) -> None:
    target = tmp_path / "desk.mcpb"
    target.write_bytes(made_of(file.load(resource("examples") / "first.fusion")).content)

    found = bundle_file.look(target, "linux")
    assert found.title == "Desk"
    assert not found.is_signed
    assert not found.way.is_blocked


@pytest.mark.parametrize("name", ["/etc/passwd", "../x", "a/../../x", "C:\\x", "a\\..\\x"])
def test_a_bundle_that_would_write_elsewhere_is_refused(name: str, tmp_path: Path) -> None:
    path = packed(tmp_path, manifest_of("ok-uv-0.4.json"), **{name: "x"})
    with pytest.raises(ConfigError, match="would not stay inside"):
        bundle_file.look(path, "linux")


def test_a_bundle_with_a_link_is_refused(tmp_path: Path) -> None:
    path = packed(tmp_path, manifest_of("ok-uv-0.4.json"))
    with zipfile.ZipFile(path, "a") as archive:
        info = zipfile.ZipInfo("link")
        info.external_attr = 0o120777 << 16
        archive.writestr(info, "/etc/passwd")
    with pytest.raises(ConfigError, match="would not stay inside"):
        bundle_file.look(path, "linux")


def test_a_bundle_that_would_fill_the_disk_is_refused(tmp_path: Path) -> None:
    path = packed(tmp_path, manifest_of("ok-uv-0.4.json"), big="\0" * (64 << 20))
    with pytest.raises(ConfigError, match="unpacked it would have 64 MiB"):
        bundle_file.look(path, "linux")


@pytest.mark.parametrize(
    ("manifest", "message"),
    [
        ("{", "not valid JSON"),
        ("[]", "no JSON object"),
        ((SAMPLES / "manifests" / "bad-bom.json").read_bytes().decode(), "not valid JSON"),
        ((SAMPLES / "manifests" / "bad-comment.json").read_bytes().decode(), "not valid JSON"),
        ({"manifest_version": "0.5"}, "version 0.5, which is not known"),
        ({"manifest_version": "0.4", "server": {"type": "uv"}}, "does not say how the server is started"),
    ],
)
def test_a_manifest_that_cannot_be_used_is_refused(manifest: Any, message: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=message):
        bundle_file.look(packed(tmp_path, manifest), "linux")


def test_what_is_no_bundle_is_told(tmp_path: Path) -> None:
    path = tmp_path / "x.mcpb"
    path.write_text("hello", encoding="utf-8")
    with pytest.raises(ConfigError, match="no ZIP archive"):
        bundle_file.look(path, "linux")
    with pytest.raises(ConfigError, match="cannot be read"):
        bundle_file.look(tmp_path / "missing.mcpb", "linux")


def test_a_bundle_that_changes_how_programs_start_is_blocked(tmp_path: Path) -> None:
    manifest = manifest_of("ok-uv-0.4.json")
    manifest["server"]["mcp_config"]["env"] = {"LD_PRELOAD": "/tmp/x.so"}
    assert bundle_file.look(packed(tmp_path, manifest), "linux").way.is_blocked


def test_the_import_command_takes_a_bundle(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = packed(tmp_path, manifest_of("ok-uv-0.4.json"), **{"src/server.py": "pass"})
    target = tmp_path / "g.fusion"

    assert main(["import", str(path), "-o", str(target)]) == 0
    assert "fusion-research" in {node.id for node in file.load(target).nodes}
    asking = packed(tmp_path, manifest_of("ok-user-config-all-types.json"))
    assert main(["import", str(asking), "-o", str(target)]) == 1
    assert "Folders is required" in capsys.readouterr().err
