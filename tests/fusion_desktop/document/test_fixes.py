import pytest

from composite_runtime.graph import check
from composite_runtime.graph.check import Level, Problem
from composite_runtime.graph.model import Edge, Graph, HttpTransport, ServerNode
from fusion_desktop.document.fixes import fix_for
from tests.fusion_desktop.graphs import composite, desk, graph, server


def with_edges(made: Graph, *edges: Edge) -> Graph:
    return made.but(edges=(*made.edges, *edges))


def clash() -> Graph:
    return graph(
        (composite("box"), (0, 0, 600, 300)),
        (server("a", "Same"), (40, 80)),
        (server("b", "Same"), (300, 80)),
        edges="a>box b>box",
    )


def errors(problems: list[Problem]) -> int:
    return sum(problem.level is Level.ERROR for problem in problems)


CASES = {
    "dangling-edge": with_edges(desk(), Edge(source="nobody", target="box")),
    "repeated-edge": with_edges(desk(), Edge(source="inner", target="box")),
    "edge-into-server": with_edges(desk(), Edge(source="loose", target="inner")),
    "cycle": with_edges(
        graph((composite("a"), (0, 0)), (composite("b"), (400, 0)), edges="a>b"), Edge(source="b", target="a")
    ),
    "name-clash": clash(),
    "unused-server": desk(),
    "empty-composite": graph((composite("box"), (0, 0))),
    "bad-url": graph(
        (ServerNode(id="web", name="Web", transport=HttpTransport(url="example.org/mcp")), (0, 0)),
        (composite("box"), (300, 0)),
    ),
}


@pytest.mark.parametrize("rule", CASES)
def test_a_fix_takes_its_problem_away_and_adds_no_error(rule: str) -> None:
    before = check.check(CASES[rule])
    problem = next(problem for problem in before if problem.rule == rule)

    fix = fix_for(CASES[rule], problem)

    assert fix is not None
    assert fix.words
    after = check.check(fix.graph)
    assert problem not in after
    assert errors(after) <= errors(before)


def test_no_fix_is_offered_where_only_the_author_can_know() -> None:
    made = graph((server("a"), (0, 0)))
    (problem,) = check.check(made)

    assert problem.rule == "unused-server"
    assert fix_for(made, problem) is None
