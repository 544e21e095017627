import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from jsonschema import Draft202012Validator

from composite_runtime.errors import GraphError
from composite_runtime.graph import file
from composite_runtime.graph.model import Graph
from composite_runtime.graph.schema import schema
from composite_runtime.paths import resource
from tests.support.drawn import graphs

VALIDATOR = Draft202012Validator(schema())


def test_the_schema_is_one() -> None:
    Draft202012Validator.check_schema(schema())


@given(graphs)
@settings(max_examples=30)
def test_every_saved_graph_is_valid(drawn: Graph) -> None:
    VALIDATOR.validate(json.loads(file.dumps(drawn)))


@pytest.mark.parametrize("path", sorted(resource("examples").glob("*.fusion")), ids=lambda path: path.name)
def test_every_example_is_valid(path: Path) -> None:
    VALIDATOR.validate(json.loads(path.read_text(encoding="utf-8")))


@pytest.mark.parametrize(
    "change",
    [
        {"version": 2},
        {"version": None},
        {"nodes": [{"id": "a", "name": "A"}]},
        {"nodes": [{"id": "a", "type": "server", "name": "A"}]},
        {"nodes": [{"id": "a", "type": "server", "name": "A", "transport": {"command": "echo"}}]},
        {"edges": [{"source": "a"}]},
        {"layout": {"a": {"x": "left", "y": 0}}},
    ],
    ids=json.dumps,
)
def test_what_the_schema_refuses_the_program_refuses_too(change: dict[str, object]) -> None:
    data = {"version": 1, "id": "g", "name": "G", "nodes": [], "edges": [], **change}

    assert not VALIDATOR.is_valid(data)
    with pytest.raises(GraphError):
        file.loads(json.dumps(data))
