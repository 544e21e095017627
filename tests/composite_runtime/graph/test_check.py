import time
from collections.abc import Callable
from functools import partial

import pytest
from hypothesis import given

from composite_runtime.errors import GraphError
from composite_runtime.graph.check import Level, Problem, check, served_composite
from composite_runtime.graph.model import Edge, Graph, HttpTransport, Limits, ServerNode, ServingLimits
from tests.support.drawn import composite, graph, graphs, server


def rules(drawn: Graph, tools: dict[str, list[str]] | None = None) -> list[tuple[str, str | None]]:
    return [(problem.rule, problem.node) for problem in check(drawn, tools)]


@given(graphs)
def test_any_graph_can_be_checked(drawn: Graph) -> None:
    problems = check(drawn, {node.id: ["tool"] for node in drawn.nodes})

    assert all(problem.message and problem.fix for problem in problems)


def test_a_sound_graph_has_no_problems() -> None:
    assert check(graph(server("a"), server("b"), composite("c"), edges="a>c b>c")) == []


def test_errors_come_before_warnings() -> None:
    levels = [problem.level for problem in check(graph(composite("empty"), server("a"), edges="a>nobody"))]

    assert levels == sorted(levels, key=list(Level).index)
    assert set(levels) == set(Level)


def test_two_nodes_with_one_id_are_found() -> None:
    assert ("duplicate-id", "a") in rules(graph(server("a"), server("a")))


def test_an_edge_to_nowhere_is_found_at_its_other_end() -> None:
    assert ("dangling-edge", "a") in rules(graph(server("a"), edges="a>nobody"))


def test_a_server_with_members_is_found() -> None:
    assert ("edge-into-server", "b") in rules(graph(server("a"), server("b"), edges="a>b"))


def test_the_same_edge_twice_is_found() -> None:
    assert ("repeated-edge", "a") in rules(graph(server("a"), composite("c"), edges="a>c a>c"))


@pytest.mark.parametrize("edges", ["a>a", "a>b b>a", "a>b b>c c>a"])
def test_composites_that_contain_each_other_are_found(edges: str) -> None:
    assert ("cycle", "a") in rules(graph(composite("a"), composite("b"), composite("c"), edges=edges))


@pytest.mark.parametrize("command", ["", "   "])
def test_a_server_without_a_command_is_found(command: str) -> None:
    node = server("a", transport={"type": "stdio", "command": command})

    assert ("empty-command", "a") in rules(graph(node, composite("c"), edges="a>c"))


@pytest.mark.parametrize("url", ["", "localhost:9000", "ftp://host/mcp", "http://", "http://[::1"])
def test_an_address_that_is_none_is_found(url: str) -> None:
    node = server("a", transport={"type": "http", "url": url})

    assert ("bad-url", "a") in rules(graph(node, composite("c"), edges="a>c"))


def test_an_empty_composite_and_an_unused_server_are_warnings() -> None:
    problems = check(graph(server("a"), composite("c")))

    assert {(problem.rule, problem.level) for problem in problems} == {
        ("unused-server", Level.WARNING),
        ("empty-composite", Level.WARNING),
    }


def test_two_members_with_one_namespace_are_a_warning() -> None:
    drawn = graph(server("a", name="Time"), server("b", name="TIME"), composite("c"), edges="a>c b>c")

    assert ("name-clash", "b") in rules(drawn)


def test_members_without_a_namespace_clash_only_in_the_names_they_offer() -> None:
    drawn = graph(
        server("a", namespace=""), server("b", namespace=""), server("z", namespace=""), composite("c"), edges="a>c b>c"
    )

    assert ("name-clash", "b") in rules(drawn, {"a": ["now"], "b": ["now"]})
    assert ("name-clash", "b") not in rules(drawn, {"a": ["now"], "b": ["then"]})


def test_a_disabled_member_clashes_with_nobody() -> None:
    drawn = graph(server("a", name="Time"), server("b", name="Time", enabled=False), composite("c"), edges="a>c b>c")

    assert check(drawn, {"a": ["now"], "b": ["now"]}) == []


def test_a_namespace_that_leaves_no_room_for_names_is_an_error() -> None:
    drawn = graph(server("a", namespace="n" * 64), composite("c"), edges="a>c")

    assert [problem.level for problem in check(drawn)] == [Level.ERROR]


def test_a_public_name_over_64_characters_is_a_warning_with_the_server_that_offers_it() -> None:
    drawn = graph(server("a"), composite("inner"), composite("outer"), edges="a>inner inner>outer")

    problems = check(drawn, {"a": ["t" * 57]})

    assert [(problem.rule, problem.node) for problem in problems] == [("long-name", "a")]
    assert "inner_a_ttt" in problems[0].message


@pytest.mark.parametrize("name", list(Limits.model_fields))
@pytest.mark.parametrize("value", [0, -3])
def test_a_limit_of_a_server_that_lets_nothing_pass_is_an_error(name: str, value: int) -> None:
    drawn = graph(server("a", limits={name: value}), composite("c"), edges="a>c")

    assert [(problem.rule, problem.node, problem.level) for problem in check(drawn)] == [
        ("bad-limit", "a", Level.ERROR)
    ]
    assert name in check(drawn)[0].message


@pytest.mark.parametrize("name", list(ServingLimits.model_fields))
def test_a_limit_of_a_composite_that_lets_nothing_pass_is_an_error(name: str) -> None:
    drawn = graph(server("a"), composite("c", limits={name: 0}), edges="a>c")

    assert [(problem.rule, problem.node, problem.level) for problem in check(drawn)] == [
        ("bad-limit", "c", Level.ERROR)
    ]


@pytest.mark.parametrize("limits", [{"idle_s": 60, "total_s": 30}, {"message_bytes": 1000}])
def test_limits_that_make_little_sense_are_a_warning(limits: dict[str, int]) -> None:
    drawn = graph(server("a", limits=limits), composite("c"), edges="a>c")

    assert [(problem.rule, problem.level) for problem in check(drawn)] == [("bad-limit", Level.WARNING)]


def test_usual_limits_are_no_problem() -> None:
    limits = {"idle_s": 60, "total_s": 60, "parked_calls": 1, "message_bytes": 10**6}
    drawn = graph(server("a", limits=limits), composite("c", limits={"sessions": 1}), edges="a>c")

    assert check(drawn) == []


def test_a_problem_is_a_value() -> None:
    first, second = check(graph(composite("c"))), check(graph(composite("c")))

    assert first == second
    assert isinstance(first[0], Problem)


@pytest.mark.parametrize("wanted", ["inner", "Inner"])
def test_the_composite_named_is_served_by_id_or_name(wanted: str) -> None:
    drawn = graph(composite("inner"), composite("outer"), edges="inner>outer")

    assert served_composite(drawn, wanted).id == "inner"


def test_an_id_comes_before_a_name() -> None:
    drawn = graph(composite("a", name="b"), composite("b", name="a"))

    assert served_composite(drawn, "a").id == "a"


def test_the_only_composite_that_is_nobodys_member_is_served() -> None:
    drawn = graph(composite("inner"), composite("outer"), composite("off", enabled=False), edges="inner>outer")

    assert served_composite(drawn).id == "outer"


def test_several_candidates_are_listed() -> None:
    with pytest.raises(GraphError, match=r"'A' \(id a\), 'B' \(id b\)"):
        served_composite(graph(composite("a"), composite("b")))


def test_a_graph_without_composites_says_what_to_do() -> None:
    with pytest.raises(GraphError, match="draw one and put servers into it"):
        served_composite(graph(server("a")))


def test_an_unknown_composite_is_answered_with_those_there_are() -> None:
    drawn = Graph(id="g", name="G", nodes=(composite("a"),), edges=(Edge(source="a", target="a"),))

    with pytest.raises(GraphError, match=r"no single composite 'x' in 'G'; it has 'A' \(id a\)"):
        served_composite(drawn, "x")


def test_two_thousand_nodes_are_checked_while_somebody_types() -> None:
    nodes = [composite(f"c{n}") for n in range(100)]
    drawn = graph(*nodes, *(server(f"s{n}") for n in range(1900)))
    drawn = drawn.but(
        edges=tuple(Edge(source=f"s{n}", target=f"c{(n // 19 + step) % 100}") for n in range(1900) for step in (0, 1))
    )
    copies = [drawn.but(name=str(n)) for n in range(3)]
    best = min(_seconds(partial(check, copy)) for copy in copies)
    assert best < 0.1


def _seconds(do: Callable[[], object]) -> float:
    start = time.process_time()
    do()
    return time.process_time() - start


def test_a_client_secret_belongs_into_the_keyring_and_to_one_issuer() -> None:
    def rules(**auth: str) -> set[str]:
        transport = HttpTransport.model_validate({"url": "https://a.test/mcp", "auth": auth})
        node = ServerNode(id="a", name="A", transport=transport)
        return {problem.rule for problem in check(Graph(id="g", name="G", nodes=(node,)))} - {"unused-server"}

    assert rules(client_id="me", client_secret="hunter2") == {"plain-secret", "any-issuer"}
    assert rules(client_id="me", client_secret="${secret:me}") == {"any-issuer"}
    assert rules(client_id="me", client_secret="${secret:me}", issuer="https://a.test") == set()
    assert rules(grant="client_credentials", client_id="me") == {"no-client"}
