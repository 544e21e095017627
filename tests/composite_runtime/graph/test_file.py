import difflib
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from composite_runtime.errors import GraphError
from composite_runtime.graph import edit, file
from composite_runtime.graph.check import check
from composite_runtime.graph.model import Box, Graph
from tests.support.drawn import composite, graph, graphs, server

PUBLISHED = """
{"version": 1, "id": "c0ffee00-0000-4000-8000-000000000001", "name": "Dev tools",
 "nodes": [
  {"id": "time", "type": "server", "name": "Time",
   "transport": {"type": "stdio", "command": "uvx", "args": ["mcp-server-time"], "env": {"TZ": "UTC"}}},
  {"id": "docs", "type": "server", "name": "Docs", "namespace": "d",
   "transport": {"type": "http", "url": "http://127.0.0.1:9000/mcp",
                 "headers": {"Authorization": "Bearer ${secret:docs}"}}},
  {"id": "web", "type": "composite", "name": "Web"},
  {"id": "dev", "type": "composite", "name": "Dev tools"}],
 "edges": [
  {"source": "time", "target": "dev"},
  {"source": "docs", "target": "web", "namespace": ""},
  {"source": "web", "target": "dev"}],
 "layout": {"dev": {"x": 0, "y": 0, "width": 640, "height": 360}, "time": {"x": 40, "y": 60}}}
"""


def minimal(**changes: object) -> str:
    return json.dumps({"version": 1, "id": "g", "name": "G", "nodes": [], "edges": [], **changes})


@given(graphs)
def test_a_saved_graph_is_the_graph(drawn: Graph) -> None:
    assert file.loads(file.dumps(drawn)) == drawn


@given(graphs)
def test_saving_what_was_loaded_changes_no_byte(drawn: Graph) -> None:
    text = file.dumps(drawn)

    assert file.dumps(file.loads(text)) == text


@given(graphs.filter(lambda drawn: drawn.nodes), st.data())
def test_renaming_one_node_changes_one_line(drawn: Graph, data: st.DataObject) -> None:
    index = data.draw(st.integers(0, len(drawn.nodes) - 1))
    node = drawn.nodes[index]
    nodes = (*drawn.nodes[:index], node.but(name=node.name + "!"), *drawn.nodes[index + 1 :])

    before, after = file.dumps(drawn).split("\n"), file.dumps(drawn.but(nodes=nodes)).split("\n")

    assert len(before) == len(after)
    assert sum(old != new for old, new in zip(before, after, strict=True)) == 1


def test_moving_one_node_changes_one_line_per_coordinate() -> None:
    before = file.loads(PUBLISHED)
    after = edit.move(before, [("time", Box(x=41, y=61))])

    changed = [
        line
        for line in difflib.unified_diff(file.dumps(before).splitlines(), file.dumps(after).splitlines(), n=0)
        if line[0] in "+-" and line[:3] not in {"+++", "---"}
    ]

    assert len(changed) == 4


def test_the_published_example_loads_and_is_saved_with_the_same_content() -> None:
    assert json.loads(file.dumps(file.loads(PUBLISHED))) == json.loads(PUBLISHED)


def test_what_a_newer_program_wrote_survives() -> None:
    data = json.loads(PUBLISHED)
    data["colour"] = "blue"
    data["nodes"][0]["badge"] = {"text": "new", "sizes": [1, 2.5]}
    data["nodes"][0]["transport"]["shell"] = True
    data["edges"][1]["hidden"] = ["search"]
    data["layout"]["time"]["pinned"] = None

    assert json.loads(file.dumps(file.loads(json.dumps(data)))) == data


def test_defaults_are_left_out() -> None:
    text = file.dumps(graph(server("time"), composite("dev"), edges="time>dev"))

    assert not {"namespace", "enabled", "args", "env", "era", "limits", "layout"} & set(text.split('"'))


def test_text_is_written_as_people_read_it() -> None:
    text = file.dumps(graph(name="Größe 名前"))

    assert "Größe 名前" in text
    assert text.endswith("}\n")


def test_whole_numbers_are_written_without_a_fraction() -> None:
    text = file.dumps(edit.move(graph(server("time")), [("time", Box(x=40.0, y=60.5))]))

    assert '"x": 40,' in text
    assert '"y": 60.5' in text


@pytest.mark.parametrize("name", ["a.fusion", "a.fusion.json", "a.json"])
def test_a_graph_is_saved_and_loaded_under_each_suffix(tmp_path: Path, name: str) -> None:
    drawn = file.loads(PUBLISHED)

    file.save(drawn, tmp_path / name)

    assert file.load(tmp_path / name) == drawn


def test_a_byte_order_mark_does_no_harm(tmp_path: Path) -> None:
    path = tmp_path / "a.fusion"
    path.write_text("\ufeff" + PUBLISHED, encoding="utf-8")

    assert file.load(path).name == "Dev tools"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "line 1, column 1: this is not JSON"),
        ('{"version": 1,\n "id": }', "line 2, column 8: this is not JSON"),
        ("[" * 100_000, "nested too deeply"),
        ("[]", "a graph is a JSON object"),
        ("{}", '"version": 1, but here it is null'),
        (minimal(version="1"), '"version": 1, but here it is "1"'),
        (minimal(version=True), '"version": 1, but here it is true'),
        (minimal(version=2), "saved in format 2, but this program knows formats up to 1; update Fusion"),
        (minimal(nodes=[{"id": "a", "type": "oven", "name": "A"}]), "nodes[0] (node 'a')"),
        (minimal(nodes=[{"id": "a", "type": "server", "name": "A"}]), "nodes[0].transport (node 'a'): field required"),
        (
            minimal(nodes=[{"id": "a", "type": "server", "name": "A", "transport": {"type": "stdio", "command": 7}}]),
            "nodes[0].transport.command (node 'a'): input should be a valid string",
        ),
        (minimal(edges=[{"source": "a"}, {}]), "edges[0].target: field required (and 2 more)"),
        (minimal(layout={"a": {"x": "left", "y": 0}}), "layout.a.x: input should be a valid number"),
    ],
)
def test_a_file_that_is_no_graph_is_refused_with_the_place_and_the_reason(text: str, words: str) -> None:
    with pytest.raises(GraphError) as caught:
        file.loads(text)

    assert words in str(caught.value)


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1e999"])
def test_a_number_json_does_not_have_is_refused(number: str) -> None:
    text = minimal(layout={"a": {"x": 0, "y": 1}}).replace('"y": 1', f'"y": {number}')

    with pytest.raises(GraphError, match="not a number that JSON can hold"):
        file.loads(text)


def test_half_a_character_is_refused_before_it_can_prevent_saving() -> None:
    with pytest.raises(GraphError, match=r"'\\ud800' is half of a character"):
        file.loads(minimal(note="\ud800"))


def test_an_escaped_character_is_read_as_the_character() -> None:
    assert file.loads(minimal(name="😀")).name == "😀"


def test_an_error_names_the_file_and_the_node(tmp_path: Path) -> None:
    path = tmp_path / "broken.fusion"
    path.write_text(minimal(nodes=[{"id": "a", "type": "server", "name": "A"}]), encoding="utf-8")

    with pytest.raises(GraphError, match=r"broken\.fusion: nodes") as caught:
        file.load(path)

    assert caught.value.node == "a"


def test_a_missing_file_is_an_error_of_the_graph(tmp_path: Path) -> None:
    with pytest.raises(GraphError, match=r"none.fusion does not exist"):
        file.load(tmp_path / "none.fusion")


def test_a_folder_that_cannot_be_written_is_an_error_of_the_graph(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way", encoding="utf-8")

    with pytest.raises(GraphError, match="cannot be written"):
        file.save(graph(), tmp_path / "file" / "a.fusion")


def test_what_is_drawn_beside_nodes_goes_through_a_file_unharmed(tmp_path: Path) -> None:
    text = """{
  "version": 1,
  "id": "g",
  "name": "Annotated",
  "nodes": [
    {
      "id": "box",
      "type": "composite",
      "name": "Box",
      "bypassed": true
    }
  ],
  "edges": [],
  "annotations": [
    {
      "id": "frame",
      "type": "frame",
      "title": "Later",
      "colour": "blue",
      "inside": "box",
      "dashes": [
        1,
        2
      ]
    },
    {
      "id": "note",
      "type": "note",
      "text": "# Why\\n- *because*"
    }
  ],
  "layout": {
    "box": {
      "x": 0,
      "y": 0,
      "width": 300,
      "height": 200,
      "collapsed": true,
      "locked": true
    }
  }
}
"""
    path = tmp_path / "annotated.fusion"
    path.write_text(text, encoding="utf-8")
    graph = file.load(path)

    assert file.dumps(graph) == text
    assert check(graph)  # what it says is about the composite alone
    assert {problem.node for problem in check(graph)} == {"box"}


def test_a_wrong_annotation_is_told_with_its_place() -> None:
    bad = '{"version": 1, "id": "g", "name": "G", "annotations": [{"id": "f", "type": "frame", "colour": 7}]}'
    with pytest.raises(GraphError, match=r"annotations\[0\]\.colour"):
        file.loads(bad)
