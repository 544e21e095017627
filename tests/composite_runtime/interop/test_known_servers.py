"""Servers of the catalogue that need no account are started for real and list their tools."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from composite_runtime.graph import edit, file
from composite_runtime.graph.model import CompositeNode, ServerNode
from composite_runtime.interop import catalogue
from composite_runtime.interop.registry_entry import Text, fill

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

SERVERS: dict[str, dict[str, Text]] = {
    "everything": {},
    "filesystem": {"arg.folder": ["{folder}"]},
    "memory": {"env.MEMORY_FILE_PATH": "{folder}/memory.jsonl"},
    "sequential-thinking": {},
    "time": {},
    "fetch": {},
    "git": {"arg.repository": "{folder}"},
    "playwright": {},
    "chrome-devtools": {},
    "context7": {},
    "duckduckgo": {},
    "aws-docs": {},
    "arxiv": {},
}


@pytest.mark.parametrize("server_id", SERVERS)
def test_a_known_server_lists_its_tools(server_id: str, tmp_path: Path) -> None:
    way = catalogue.known_server(server_id).entry.ways[0]
    if shutil.which(way.command) is None:
        pytest.skip(f"needs {way.needs}")
    folder = tmp_path / "data"
    folder.mkdir()
    subprocess.run(["git", "init", "-q", str(folder)], check=True, timeout=30)
    answers = {key: in_folder(answer, folder) for key, answer in SERVERS[server_id].items()}
    graph = edit.add_node(edit.new_graph(), CompositeNode(id="all", name="All"))
    node = ServerNode(id="one", name="One", transport=fill(way, answers, lambda prompt: prompt.id))
    target = tmp_path / "g.fusion"
    file.save(edit.connect(edit.add_node(graph, node), "one", "all"), target)

    listed = [sys.executable, "-m", "composite_runtime", "list", str(target)]
    answer = subprocess.run(listed, capture_output=True, text=True, timeout=280, cwd=folder)

    assert answer.returncode == 0, answer.stdout + answer.stderr
    assert "one_" in answer.stdout


def in_folder(answer: Text, folder: Path) -> Text:
    if isinstance(answer, str):
        return answer.replace("{folder}", str(folder))
    return [str(in_folder(one, folder)) for one in answer] if isinstance(answer, list) else answer
