from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from composite_runtime.drift import NO_DRIFT, Drift, How, compare, merged
from composite_runtime.provider import Offers


def tool(name: str, **fields: Any) -> dict[str, Any]:
    return {"name": name, "inputSchema": {"type": "object"}, **fields}


BEFORE = Offers(
    tools=(tool("forecast", description="Tell the weather."), tool("old")),
    prompts=({"name": "greet"},),
    resources=({"uri": "w://a"},),
    templates=({"uriTemplate": "w://{id}"},),
    capabilities={"tools": {}},
    instructions="Be kind.",
)


def test_the_same_offer_in_another_order_is_no_drift() -> None:
    turned = Offers(
        tools=BEFORE.tools[::-1],
        prompts=BEFORE.prompts,
        resources=BEFORE.resources,
        templates=BEFORE.templates,
        capabilities=BEFORE.capabilities,
        instructions=BEFORE.instructions,
    )
    assert compare(BEFORE, turned) == NO_DRIFT
    assert not compare(BEFORE, turned)


def test_what_was_added_removed_and_changed_is_told_with_the_part_that_differs() -> None:
    schema = {"type": "object", "properties": {"days": {"type": "integer"}}, "required": ["days"]}
    after = Offers(
        tools=(tool("forecast", description="Tell the weather, and send it on.", inputSchema=schema), tool("new")),
        resources=({"uri": "w://a", "mimeType": "text/plain"},),
        templates=BEFORE.templates,
        capabilities={"tools": {"listChanged": True}},
        instructions="Be quick.",
    )
    drift = compare(BEFORE, after)

    assert str(drift).splitlines() == [
        "~ tool forecast",
        "    inputSchema/properties: added " + '{"days": {"type": "integer"}}',
        '    inputSchema/required: added ["days"]',
        '    description: "Tell the weather." -> "Tell the weather, and send it on."',
        "+ tool new",
        "- tool old",
        "- prompt greet",
        "~ resource w://a",
        '    mimeType: added "text/plain"',
        "~ server instructions",
        '    all of it: "Be kind." -> "Be quick."',
        "~ server capabilities",
        "    tools/listChanged: added true",
    ]
    assert [drift.count(how) for how in How] == [1, 2, 4]
    assert drift.summary == (
        "1 tool changed, 1 tool added, 1 tool removed, 1 prompt removed, 1 resource changed, 2 servers changed"
    )


@pytest.mark.parametrize(
    ("before", "after", "words"),
    [
        (["a"], ["a", "b"], 'x: ["a"] -> ["a", "b"]'),
        ([{"a": 1}], [{"a": 2}], "x/0/a: 1 -> 2"),
        ([{"a": 1}], [{"a": 1}, {}], 'x: [{"a": 1}] -> [{"a": 1}, {}]'),
        (1, True, "x: 1 -> true"),
        ({"a/b": 1}, {"a/b": 2}, "x/a~1b: 1 -> 2"),
        ("a" * 200 + "1", "a" * 200 + "2", f'x: …{"a" * 20}1" -> …{"a" * 20}2"'),
    ],
)
def test_the_part_that_differs_is_shown_and_no_more(before: Any, after: Any, words: str) -> None:
    drift = compare(Offers(tools=(tool("t", x=before),)), Offers(tools=(tool("t", x=after),)))
    assert [str(part) for entry in drift.entries for part in entry.parts] == [words]


def test_what_is_nested_too_deeply_to_compare_is_still_told() -> None:
    deep: Any = 1
    other: Any = 2
    for _ in range(100_000):
        deep, other = [[deep]], [[other]]
    drift = compare(Offers(tools=(tool("t", x=deep),)), Offers(tools=(tool("t", x=other),)))
    assert drift.count(How.CHANGED) == 1


def test_comparisons_of_one_server_are_merged() -> None:
    drift = compare(BEFORE, Offers())
    assert merged([drift, NO_DRIFT, drift]) == drift
    assert merged([]) == Drift()


_tools = st.lists(st.sampled_from("abcdef"), unique=True).map(lambda names: tuple(map(tool, names)))


@given(_tools, _tools)
def test_every_difference_is_told_once(before: tuple[Any, ...], after: tuple[Any, ...]) -> None:
    drift = compare(Offers(tools=before), Offers(tools=after))
    old, new = {item["name"] for item in before}, {item["name"] for item in after}

    assert {entry.name for entry in drift.entries if entry.how is How.ADDED} == new - old
    assert {entry.name for entry in drift.entries if entry.how is How.REMOVED} == old - new
    assert len(drift.entries) == len(old ^ new)
