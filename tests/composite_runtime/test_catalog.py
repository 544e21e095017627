"""From public names to the members that own them."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from composite_runtime.catalog import Catalog, Member, build, links, with_public_links
from composite_runtime.provider import Offers
from composite_runtime.wire.jsonrpc import Json
from tests.support.providers import member, tool


def offers(tools: tuple[str, ...] = (), resources: tuple[str, ...] = (), **more: Any) -> Offers:
    return Offers(tools=tuple(tool(name) for name in tools), resources=tuple({"uri": uri} for uri in resources), **more)


def catalog(*offered: tuple[Member, Offers]) -> Catalog:
    return build(offered)


def test_names_are_public_and_everything_else_stays_as_it_is() -> None:
    own = {"name": "t", "x-new": None, "annotations": {"readOnlyHint": True}}
    made = catalog((member("a"), Offers(tools=(own,))))
    assert made.offers.tools == ({**own, "name": "a_t"},)
    assert made.tools["a_t"].name == "t"


def test_where_two_names_clash_the_earlier_member_keeps_it_and_both_can_be_called() -> None:
    one, two = member(""), member("")
    made = catalog((one, offers(("t",))), (two, offers(("t",))))
    assert [entry["name"] for entry in made.offers.tools] == ["t", "t_2"]
    assert (made.tools["t"].member, made.tools["t_2"].member) == (one, two)


def test_a_name_that_is_too_long_is_shortened_and_still_leads_home() -> None:
    long = "n" * 200
    made = catalog((member("a"), offers((long, long + "x"))))
    public = [entry["name"] for entry in made.offers.tools]
    assert all(len(name) <= 64 for name in public)
    assert [made.tools[name].name for name in public] == [long, long + "x"]


@given(
    st.lists(
        st.tuples(st.sampled_from(["", "a", "b"]), st.lists(st.text(max_size=70), unique=True, max_size=6)), max_size=5
    )
)
def test_every_public_name_is_unique_fits_and_leads_to_the_tool_it_names(drawn: list[tuple[str, list[str]]]) -> None:
    members = [(member(namespace), offers(tuple(names))) for namespace, names in drawn]
    made = catalog(*members)
    public = [entry["name"] for entry in made.offers.tools]
    assert len(set(public)) == len(public) == sum(len(names) for _, names in drawn)
    assert all(len(name) <= 64 for name in public)
    reached = [(made.tools[name].member, made.tools[name].name) for name in public]
    assert reached == [(one, entry["name"]) for one, offered in members for entry in offered.tools]


APPS: tuple[Json, ...] = (
    {"ui": {"resourceUri": "ui://chart", "visibility": ["app"]}, "x": None},
    {"ui/resourceUri": "ui://chart"},
    {"openai/outputTemplate": "ui://chart"},
)


@pytest.mark.parametrize("meta", APPS, ids=lambda meta: next(iter(meta)))
@pytest.mark.parametrize("second", [(), ("ui://chart",)], ids=["unlisted", "listed"])
def test_each_tool_is_shown_by_the_app_of_its_own_server(second: tuple[str, ...], meta: Json) -> None:
    draw = tool("draw", _meta=meta)
    one, two = member("a"), member("b")
    made = catalog(
        (one, Offers(tools=(draw,), resources=({"uri": "ui://chart"},), capabilities={"resources": {}})),
        (two, Offers(tools=(draw,), resources=tuple({"uri": u} for u in second), capabilities={"resources": {}})),
    )
    moved = json.loads(json.dumps(meta).replace("ui://chart", "ui://fusion~b/chart"))
    assert [entry["_meta"] for entry in made.offers.tools] == [meta, moved]
    for uri, owner in (("ui://chart", one), ("ui://fusion~b/chart", two)):
        route = made.resource(uri)
        assert route is not None
        assert (route.member, route.name) == (owner, "ui://chart")


def test_an_app_that_was_moved_already_is_moved_again_and_still_found() -> None:
    meta = {"ui": {"resourceUri": "ui://fusion~deep/chart"}}
    web = member("web")
    made = catalog((web, Offers(tools=(tool("draw", _meta=meta),), capabilities={"resources": {}})))
    uri = made.offers.tools[0]["_meta"]["ui"]["resourceUri"]
    assert uri == "ui://fusion~web/fusion~deep/chart"
    route = made.resource(uri)
    assert route is not None
    assert route.name == "ui://fusion~deep/chart"


def test_an_app_that_nobody_lists_keeps_its_address() -> None:
    draw = Offers(tools=(tool("draw", _meta=APPS[0]),), capabilities={"resources": {}})
    made = catalog((member("a"), draw), (member("b"), draw))
    assert [entry["_meta"] for entry in made.offers.tools] == [APPS[0]] * 2


@pytest.mark.parametrize("meta", [None, 5, {}, {"ui": None}, {"ui": {"resourceUri": 5}}, {"ui": []}], ids=repr)
def test_what_names_no_app_stays_as_it_is(meta: Any) -> None:
    own = tool("t", _meta=meta)
    assert catalog((member(""), Offers(tools=(own,)))).offers.tools == (own,)


def test_the_third_of_three_that_share_a_uri_is_reached_too() -> None:
    members = [member(name) for name in "abc"]
    made = catalog(*((one, offers(resources=("u:v",))) for one in members))
    uris = [entry["uri"] for entry in made.offers.resources]
    assert uris == ["u:v", "fusion://b/u:v", "fusion://c/u:v"]
    routes = [made.resource(uri) for uri in uris]
    assert [(route.member, route.name) for route in routes if route] == [(one, "u:v") for one in members]


def test_templates_route_what_they_match_and_two_of_a_kind_are_told_apart() -> None:
    one, two = member("one"), member("two")
    template = ({"uriTemplate": "file:///{path}"},)
    capable: Json = {"resources": {}}
    made = catalog(
        (one, Offers(templates=template, capabilities=capable)), (two, Offers(templates=template, capabilities=capable))
    )
    assert [entry["uriTemplate"] for entry in made.offers.templates] == [
        "file:///{path}",
        "fusion://two/file:///{path}",
    ]
    first, second = made.resource("file:///x"), made.resource("fusion://two/file:///x")
    assert first is not None
    assert second is not None
    assert (first.member, first.name) == (one, "file:///x")
    assert (second.member, second.name) == (two, "file:///x")
    assert made.resource("http://x") is None


def test_a_strange_template_hurts_nobody() -> None:
    strange = tuple({"uriTemplate": text} for text in ("{", "}", "{}", "a{b", "((((", "{+x}{?y*}", "*", "\\", "[a-"))
    made = catalog((member("a"), Offers(templates=strange, capabilities={"resources": {}})))
    assert len(made.offers.templates) == len(strange)
    made.resource("file:///x")


@given(st.lists(st.text("ab", max_size=2), min_size=1, max_size=4), st.lists(st.text("abc", max_size=3), max_size=3))
def test_whatever_a_template_expands_to_is_routed_by_it(literals: list[str], values: list[str]) -> None:
    values = (values + [""] * len(literals))[: len(literals) - 1]
    template = "{v}".join(literals)
    uri = "".join(part for pair in zip(literals, [*values, ""], strict=True) for part in pair)
    made = catalog((member("m"), Offers(templates=({"uriTemplate": template},), capabilities={"resources": {}})))
    assert made.resource(uri) is not None


def test_what_a_nested_composite_has_moved_is_never_taken_for_a_members_own() -> None:
    """The nested one offers something of its member `a`; beside it is another member `a`."""
    a, nested = member("a"), member("nested")
    capable: Json = {"resources": {}}
    theirs = Offers(
        resources=({"uri": "fusion://a/u:v"},), templates=({"uriTemplate": "fusion://a/u:{x}"},), capabilities=capable
    )
    made = catalog((a, Offers(resources=({"uri": "u:v"},), capabilities=capable)), (nested, theirs))
    assert [entry["uri"] for entry in made.offers.resources] == ["u:v", "fusion://nested/fusion://a/u:v"]
    for uri, owner, own in (
        ("fusion://nested/fusion://a/u:v", nested, "fusion://a/u:v"),
        ("fusion://nested/fusion://a/u:w", nested, "fusion://a/u:w"),
        ("fusion://a/u:w", a, "u:w"),
    ):
        route = made.resource(uri)
        assert route is not None
        assert (route.member, route.name) == (owner, own)
    assert made.public_uri(nested, "fusion://a/u:w") == "fusion://nested/fusion://a/u:w"


def test_members_of_one_namespace_keep_their_resources_apart() -> None:
    members = [member("x"), member("x"), member("x")]
    made = catalog(*((one, offers(resources=("u:v",))) for one in members))
    uris = [entry["uri"] for entry in made.offers.resources]
    assert len(set(uris)) == 3
    assert [route.member for uri in uris if (route := made.resource(uri))] == members


def test_a_template_does_not_take_for_ever_to_match() -> None:
    greedy = ({"uriTemplate": "{+a}{+b}{+c}{+d}{+e}{+f}x"},)
    made = catalog((member("a"), Offers(templates=greedy, capabilities={"resources": {}})))
    assert made.resource("y" * 100_000) is None


def test_what_a_template_cannot_expand_to_is_not_routed_by_it() -> None:
    made = catalog((member("m"), Offers(templates=({"uriTemplate": "ab{x}ba"},), capabilities={"resources": {}})))
    assert [uri for uri in ("aba", "abba", "abxba", "abxb", "xabba") if made.resource(uri)] == ["abba", "abxba"]


def test_a_moved_uri_leads_to_members_without_a_namespace_and_with_odd_ids() -> None:
    odd = member("a/b")
    plain = member("")
    capable: Json = {"resources": {}}
    made = catalog((odd, Offers(capabilities=capable)), (plain, Offers(capabilities=capable)))
    for one in (odd, plain):
        route = made.resource(made.moved(one, "x:y/z"))
        assert route is not None
        assert (route.member, route.name) == (one, "x:y/z")


def test_capabilities_are_united_and_instructions_say_whose_they_are() -> None:
    made = catalog(
        (member("a"), Offers(capabilities={"tools": {"listChanged": True}}, instructions="Be kind.")),
        (member("b"), Offers(capabilities={"tools": {}, "extensions": {"x": {}}})),
        (member(""), Offers(capabilities={"tools": True}, instructions="Be quick.")),
    )
    assert made.offers.capabilities["extensions"] == {"x": {}}
    assert made.offers.instructions == "a: Be kind.\n\nBe quick."


def test_a_catalog_is_complete_when_every_member_is() -> None:
    assert catalog().offers.complete
    assert not catalog((member("a"), offers()), (member("b"), Offers(complete=False))).offers.complete


def test_links_are_found_in_contents_and_in_the_messages_of_prompts() -> None:
    block = {"type": "resource_link", "uri": "a:1"}
    embedded = {"type": "resource", "resource": {"uri": "a:2", "text": ""}}
    assert [link["uri"] for link in links({"content": [block, embedded]})] == ["a:1", "a:2"]
    assert [link["uri"] for link in links({"messages": [{"content": block}, {"content": embedded}]})] == ["a:1", "a:2"]


def test_a_result_without_a_link_to_rename_is_the_same_object() -> None:
    result: Json = {"content": [{"type": "resource_link", "uri": "a:1"}]}
    assert with_public_links(result, lambda uri: uri) is result


def test_renamed_links_keep_everything_beside_them() -> None:
    result: Json = {
        "content": [{"type": "resource_link", "uri": "a", "x": None}, 5],
        "messages": [{"role": "user", "content": {"type": "resource", "resource": {"uri": "a", "blob": "b"}}}, None],
        "other": 1,
    }
    renamed = with_public_links(result, lambda uri: f"{uri}!")
    assert renamed == {
        "content": [{"type": "resource_link", "uri": "a!", "x": None}, 5],
        "messages": [{"role": "user", "content": {"type": "resource", "resource": {"uri": "a!", "blob": "b"}}}, None],
        "other": 1,
    }
