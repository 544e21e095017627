"""What is hidden before anything is written down, and what stands in its place."""

import base64
import json
from urllib.parse import quote, quote_plus

import pytest

from composite_runtime import secrets
from composite_runtime.auth import store
from composite_runtime.auth.grant import Client, Grant
from composite_runtime.graph.edit import new_graph
from composite_runtime.graph.model import Graph, HttpTransport, ServerNode, StdioTransport
from fusion_desktop.run.hiding import (
    HIDDEN,
    Hiding,
    has_hidden,
    hidden_lines,
    secret_names,
    with_references,
    without_hidden,
)


def graph(**env: str) -> Graph:
    return new_graph().but(nodes=(ServerNode(id="a", name="A", transport=StdioTransport(command="a", env=env)),))


@pytest.mark.parametrize(
    "name", ["password", "apiKey", "api_key", "accessToken", "client_secret", "Authorization", "db-password", "TOKEN"]
)
def test_an_argument_named_like_a_secret_is_hidden_whatever_it_holds(name: str) -> None:
    assert Hiding().hide_arguments({"outer": [{name: "open sesame"}]}) == {"outer": [{name: HIDDEN}]}


@pytest.mark.parametrize("name", ["key", "query", "max_tokens", "text", "public_key", "token_path", "author", "path"])
def test_other_arguments_stay_as_they_are(name: str) -> None:
    assert Hiding().hide_arguments({name: "open sesame"}) == {name: "open sesame"}


def test_what_is_no_text_stays_exactly(monkeypatch: pytest.MonkeyPatch) -> None:
    value = {"n": 2**70, "f": -0.0, "b": True, "none": None, "list": [1.5, "ü\u2028"], "empty": ""}
    assert repr(Hiding().hide_arguments(value)) == repr(value)


def test_a_secret_argument_is_hidden_in_the_answer_too() -> None:
    hiding = Hiding()
    hiding.hide_arguments({"password": "open sesame"})

    assert hiding.hide({"content": [{"text": "you said open sesame!"}]}) == {
        "content": [{"text": f"you said {HIDDEN}!"}]
    }


def test_values_a_graph_refers_to_are_hidden_wherever_they_appear(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CITY_CODE", "value-of-env")
    secrets.store("weather", "sunshine-42", in_file=True)
    hiding = Hiding()
    hiding.learn(graph(A="${env:CITY_CODE}", B="x-${secret:weather}"))

    assert hiding.hide(["say value-of-env", {"sunshine-42": "sunshine-42"}]) == [
        "say ‹env:CITY_CODE›",
        {"‹secret:weather›": "‹secret:weather›"},
    ]


def test_secrets_that_stand_in_the_graph_or_the_environment_are_hidden(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CLOUD_ACCESS_TOKEN", "from-the-environment")
    remote = HttpTransport(url="http://localhost/mcp", headers={"Authorization": "Bearer from-the-header"})
    hiding = Hiding()
    hiding.learn(graph(API_KEY="from-the-graph").but(nodes=(ServerNode(id="r", name="R", transport=remote),)))
    hiding.learn(graph(API_KEY="from-the-graph"))

    shown = hiding.hide("from-the-graph, from-the-header, from-the-environment")
    assert shown == f"{HIDDEN}, {HIDDEN}, ‹env:CLOUD_ACCESS_TOKEN›"


def test_a_reference_without_a_value_hides_nothing_and_breaks_nothing() -> None:
    hiding = Hiding()
    hiding.learn(graph(A="${secret:nobody-has-stored-this}", B="${env:NOT_SET_ANYWHERE}"))

    assert hiding.hide("plain") == "plain"


def test_hidden_members_can_be_asked_for_again() -> None:
    value = {"a": HIDDEN, "b": ["‹env:X›", "stay"], "c": {"d": "‹secret:y›", "e": 1}}

    assert has_hidden(value)
    assert without_hidden(value) == {"b": ["stay"], "c": {"e": 1}}
    assert not has_hidden(without_hidden(value))


def test_what_is_saved_refers_to_what_was_hidden_and_escapes_the_rest() -> None:
    value = {"apiKey": HIDDEN, "say": "‹secret:weather› costs ${money}", "n": 1}

    assert with_references(value) == {"apiKey": "${env:API_KEY}", "say": "${secret:weather} costs $${money}", "n": 1}


def test_lines_of_json_lose_what_is_named_like_a_secret_wherever_it_is_repeated() -> None:
    lines = [
        '{"n": 1.50, "text": "before: open sesame"}',
        '{"message": {"params": {"arguments": {"password": "open sesame"}, "_meta": {"progressToken": "progress-1"}}}}',
        '{"progress": "progress-1"}',
    ]

    first, second, third = hidden_lines(lines)
    assert first == f'{{"n": 1.50, "text": "before: {HIDDEN}"}}'
    assert second == lines[1].replace("open sesame", HIDDEN)
    assert third == lines[2]


@pytest.mark.parametrize(
    "text",
    [
        "GET https://api.example.org/v1?city=Oslo&api_key=pl4nted-secret failed",
        "cannot connect to postgres://app:pl4nted-secret@db/prod",
        "401: Authorization: Bearer pl4nted-secret",
        "login refused for user=app password=pl4nted-secret host=db",
        'upstream said {"error": "no", "access_token": "pl4nted-secret"}',
        '{"client": {"credentials": {"user": "app", "value": "pl4nted-secret"}}}',
    ],
)
def test_what_looks_like_a_secret_in_a_text_is_hidden_and_what_it_repeats(text: str) -> None:
    shown = Hiding().hide_answer({"content": [{"type": "text", "text": text}], "seen": "pl4nted-secret"})

    assert "pl4nted" not in str(shown)
    lines = hidden_lines([f'{{"n": 1, "text": {json.dumps(text)}}}', '{"again": "pl4nted-secret"}'])
    assert not [line for line in lines if "pl4nted" in line]


def test_ordinary_texts_and_schemas_stay_as_they_are() -> None:
    tool = {"inputSchema": {"properties": {"password": {"type": "string", "description": "Your own words"}}}}
    texts = [
        "Basic knowledge of tokens: required", "see https://a.b/?page=2&key=", "Unexpected token: string",
        "The password is required", "a key: value pair", '{"type": "string", "tokens": 5}',
    ]  # fmt: skip

    assert Hiding().hide_answer([tool, texts]) == [tool, texts]


def test_numbers_named_like_a_secret_are_hidden_and_counts_are_not() -> None:
    value = {"password": 12345678, "secret": True, "max_tokens": 100000, "nested": {"pwd": [123456.5]}}

    assert Hiding().hide_arguments(value) == {
        "password": HIDDEN, "secret": True, "max_tokens": 100000, "nested": {"pwd": [HIDDEN]}
    }  # fmt: skip


def test_a_member_is_hidden_because_its_schema_says_so() -> None:
    schema = {"properties": {"pin": {"format": "password"}, "word": {"writeOnly": True}, "size": {"type": "integer"}}}
    names = secret_names({"tools": [{"inputSchema": schema}]})
    assert names == {"pin", "word"}

    hiding = Hiding()
    assert hiding.hide_arguments({"pin": "open sesame", "size": 1}, names) == {"pin": HIDDEN, "size": 1}
    assert hiding.hide_answer("you said open sesame") == f"you said {HIDDEN}"
    lines = [json.dumps({"tools": [{"inputSchema": schema}]}), '{"arguments": {"pin": "open sesame", "size": 1}}']
    assert hidden_lines(lines)[1] == f'{{"arguments": {{"pin": "{HIDDEN}", "size": 1}}}}'


@pytest.mark.parametrize("around", ["", "a", "ab", "user:", "ü"])
def test_a_secret_is_found_within_what_is_encoded(around: str) -> None:
    hiding = Hiding()
    hiding.hide_arguments({"password": 'p"l4nted/+secret'})
    inside = around + 'p"l4nted/+secret' + around
    forms = [
        base64.b64encode(inside.encode()).decode(),
        base64.urlsafe_b64encode(inside.encode()).decode(),
        json.dumps(json.dumps({"text": inside})),
        quote(inside),
        quote_plus(inside),
    ]
    for form in forms:
        assert HIDDEN in str(hiding.hide(f"x {form} y")), form


def test_a_token_of_a_sign_in_is_hidden(fusion_home: object) -> None:
    client = Client("me", "pl4nted-client")
    grant = Grant(
        "https://issuer.example", "http://localhost/mcp", "https://issuer.example/token", client,
        "pl4nted-access", "pl4nted-refresh",
    )  # fmt: skip
    store.keep("http://localhost/mcp", grant, in_file=True)
    hiding = Hiding()
    remote = HttpTransport(url="http://localhost/mcp")
    hiding.learn(new_graph().but(nodes=(ServerNode(id="r", name="R", transport=remote),)))

    assert hiding.hide("pl4nted-access pl4nted-refresh pl4nted-client") == f"{HIDDEN} {HIDDEN} {HIDDEN}"
