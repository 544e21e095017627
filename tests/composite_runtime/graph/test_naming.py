import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from composite_runtime.graph.model import Edge
from composite_runtime.graph.naming import namespace_of, qualified, slug
from tests.support.drawn import composite, graph, server


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("Time", "time"),
        ("Dev tools", "dev_tools"),
        ("  Größe!! ", "groe"),
        ("Été", "ete"),
        ("名前", "member"),
        ("", "member"),
    ],
)
def test_a_slug_is_the_name_in_plain_letters(name: str, expected: str) -> None:
    assert slug(name) == expected


@given(st.text())
def test_a_slug_is_always_a_usable_namespace(name: str) -> None:
    assert re.fullmatch(r"[a-z0-9]+(_[a-z0-9]+)*", slug(name))


@pytest.mark.parametrize(
    ("on_edge", "on_node", "expected"),
    [(None, None, "dev_time"), (None, "t", "t"), ("e", "t", "e"), ("", "t", ""), (None, "", "")],
)
def test_the_edge_names_a_member_before_the_node_does_and_the_node_before_its_name(
    on_edge: str | None, on_node: str | None, expected: str
) -> None:
    node = server("time", name="Dev Time", namespace=on_node)

    assert namespace_of(graph(node, composite("dev")), Edge(source="time", target="dev", namespace=on_edge)) == expected


def test_a_member_that_is_missing_is_called_by_its_id() -> None:
    assert namespace_of(graph(), Edge(source="My Time", target="dev")) == "my_time"


def test_an_empty_namespace_adds_nothing() -> None:
    assert qualified("", "now") == "now"
    assert qualified("time", "now") == "time_now"
