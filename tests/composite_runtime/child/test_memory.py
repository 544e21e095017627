"""What each child offered last time."""

import json
from pathlib import Path
from typing import Any

import pytest

from composite_runtime.child.memory import Memory
from composite_runtime.provider import Offers
from composite_runtime.wire.era import Era
from tests.support.children import node

OFFERS = Offers(
    tools=({"name": "t", "inputSchema": {"x": None}, "ü": "\ud800"},),
    resources=({"uri": "a:b", "name": "r"},),
    capabilities={"tools": {"listChanged": True}},
    instructions="Be kind.",
)


def test_what_was_kept_is_recalled_as_it_was(tmp_path: Path) -> None:
    memory = Memory(tmp_path)
    memory.keep(node(), Era.LEGACY, {}, OFFERS)
    assert Memory(tmp_path).recall(node(), Era.LEGACY, {}) == OFFERS


def test_what_is_incomplete_is_complete_when_it_is_all_there_was(tmp_path: Path) -> None:
    memory = Memory(tmp_path)
    memory.keep(node(), Era.LEGACY, {}, Offers(complete=False))
    assert memory.recall(node(), Era.LEGACY, {}) == Offers()


def test_each_era_and_each_kind_of_client_has_a_memory_of_its_own(tmp_path: Path) -> None:
    memory = Memory(tmp_path)
    memory.keep(node(), Era.LEGACY, {"roots": {}}, OFFERS)
    assert memory.recall(node(), Era.MODERN, {"roots": {}}) is None
    assert memory.recall(node(), Era.LEGACY, {}) is None
    assert memory.recall(node(), Era.LEGACY, {"roots": {"listChanged": True}}) == OFFERS


def test_a_program_is_known_whatever_its_node_is_called_and_forgotten_when_it_is_another(tmp_path: Path) -> None:
    memory = Memory(tmp_path)
    memory.keep(node("one"), Era.LEGACY, {}, OFFERS)
    assert memory.recall(node("two"), Era.LEGACY, {}) == OFFERS
    assert memory.recall(node("one", tools=["other"]), Era.LEGACY, {}) is None


SPOILT: list[Any] = [
    None,
    5,
    [],
    {},
    {"tools": 5},
    {
        "tools": [{"no": "name"}],
        "prompts": [],
        "resources": [],
        "templates": [],
        "capabilities": {},
        "instructions": None,
    },
    {"tools": [5], "prompts": [], "resources": [], "templates": [], "capabilities": {}, "instructions": None},
    {"tools": [], "prompts": [], "resources": [], "templates": [], "capabilities": [], "instructions": None},
    {"tools": [], "prompts": [], "resources": [], "templates": [], "capabilities": {}, "instructions": 5},
    {"speaks": 5},
    {"speaks": [[], 5, "klingon"]},
]


@pytest.mark.parametrize("content", SPOILT, ids=repr)
def test_a_spoilt_file_is_as_good_as_none(tmp_path: Path, content: Any) -> None:
    memory = Memory(tmp_path)
    memory.keep(node(), Era.LEGACY, {}, OFFERS)
    memory.refuses(node(), Era.MODERN)
    for file in tmp_path.glob("*.json"):
        file.write_text(json.dumps(content))
    assert memory.recall(node(), Era.LEGACY, {}) is None
    assert memory.speaks(node()) == frozenset()


@pytest.mark.parametrize(
    "content", [b"", b"\xff\xfe", b"{", b"[" * 100_000, b"NaN"], ids=lambda value: repr(value)[:12]
)
def test_a_file_that_cannot_be_read_is_as_good_as_none(tmp_path: Path, content: bytes) -> None:
    memory = Memory(tmp_path)
    memory.keep(node(), Era.LEGACY, {}, OFFERS)
    memory.refuses(node(), Era.MODERN)
    for file in tmp_path.glob("*.json"):
        file.write_bytes(content)
    assert memory.recall(node(), Era.LEGACY, {}) is None
    assert memory.speaks(node()) == frozenset()


def test_a_schema_that_is_very_deep_costs_the_memory_and_nothing_else(tmp_path: Path) -> None:
    schema: Any = {}
    for _ in range(700):
        schema = {"properties": {"x": schema}}
    memory = Memory(tmp_path)
    memory.keep(node(), Era.LEGACY, {}, Offers(tools=({"name": "t", "inputSchema": schema},)))
    memory.recall(node(), Era.LEGACY, {})


def test_a_folder_that_cannot_be_written_costs_the_memory_and_nothing_else(tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("not a folder")
    memory = Memory(blocked)
    memory.keep(node(), Era.LEGACY, {}, OFFERS)
    memory.refuses(node(), Era.MODERN)
    assert memory.recall(node(), Era.LEGACY, {}) is None


def test_what_a_child_refused_is_remembered(tmp_path: Path) -> None:
    memory = Memory(tmp_path)
    assert memory.speaks(node()) == frozenset()
    memory.refuses(node(), Era.MODERN)
    assert memory.speaks(node()) == {Era.LEGACY}
    memory.refuses(node(), Era.LEGACY)
    assert memory.speaks(node()) == {Era.MODERN}


def test_no_secret_of_a_node_is_in_its_memory(tmp_path: Path) -> None:
    definition = node()
    secret = definition.but(transport=definition.transport.but(env={"TOKEN": "hunter2"}))
    memory = Memory(tmp_path)
    memory.keep(secret, Era.LEGACY, {}, OFFERS)
    memory.refuses(secret, Era.MODERN)
    assert not any("hunter2" in file.read_text() or "hunter2" in file.name for file in tmp_path.rglob("*.json"))
