"""Between the eras: what a modern client may and may not do with a call that waits for its input."""

import contextlib
import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.support import graphs
from tests.support.client import Client, Refused
from tests.support.matrix import ANSWERS
from tests.support.runtime import Runtime

ASKING = ("sample", "form", "link", "where", "three")


@pytest.fixture(autouse=True)
def no_process_left() -> None:
    """The runtime outlives the test, and accounts for its processes itself."""


@pytest.fixture(scope="module")
def runtime(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Runtime]:
    folder = tmp_path_factory.mktemp("bridge")
    children = [graphs.child(era, "features", "--name", era, "--era", era) for era in ("legacy", "modern")]
    path = graphs.saved(folder, graphs.flat(*children))
    with Runtime(path, http=True, env={"FUSION_HOME": str(folder / "home")}) as running:
        running.wait_ready("legacy", "modern")
        yield running


@pytest.fixture
def client(runtime: Runtime) -> Iterator[Client]:
    with runtime.client("modern") as connected:
        yield connected


def ask(client: Client, tool: str, arguments: dict[str, Any] | None = None, **more: Any) -> dict[str, Any]:
    return client.request("tools/call", {"name": tool, "arguments": arguments or {}, **more})


def given(result: dict[str, Any]) -> dict[str, Any]:
    """Answer everything a result asks for."""
    return {key: ANSWERS[request["method"]] for key, request in result["inputRequests"].items()}


def told(result: dict[str, Any]) -> Any:
    assert result["resultType"] == "complete"
    return json.loads(result["content"][0]["text"])


def test_calls_that_wait_are_answered_in_any_order(client: Client) -> None:
    waiting = [ask(client, "legacy_form", {"n": n}) for n in range(5)]

    for n in reversed(range(5)):
        answer = {"action": "accept", "content": {"color": str(n)}}
        responses = dict.fromkeys(waiting[n]["inputRequests"], answer)
        done = ask(client, "legacy_form", {"n": n}, inputResponses=responses, requestState=waiting[n]["requestState"])
        assert told(done) == answer


def test_what_is_missing_is_asked_for_again_and_what_is_foreign_ignored(client: Client) -> None:
    first = ask(client, "legacy_three")
    answers = given(first)
    key = next(iter(answers))
    some = {key: answers[key], "foreign": {"action": "accept"}}
    second = ask(client, "legacy_three", inputResponses=some, requestState=first["requestState"])

    assert second["resultType"] == "input_required"
    assert set(second["inputRequests"]) == set(answers) - {key}
    last = ask(client, "legacy_three", inputResponses=given(second), requestState=second["requestState"])
    assert told(last) == {
        "f": ANSWERS["elicitation/create"],
        "s": ANSWERS["sampling/createMessage"],
        "r": ANSWERS["roots/list"],
    }


@pytest.mark.parametrize(
    ("tool", "arguments"), [("legacy_form", {"other": 1}), ("legacy_where", {"n": 1})], ids=["arguments", "tool"]
)
def test_a_state_serves_the_call_it_was_given_for_and_no_other(
    client: Client, tool: str, arguments: dict[str, Any]
) -> None:
    first = ask(client, "legacy_form", {"n": 1})

    with pytest.raises(Refused) as refused:
        ask(client, tool, arguments, inputResponses=given(first), requestState=first["requestState"])
    assert refused.value.code == -32602


def test_a_state_serves_once(client: Client) -> None:
    first = ask(client, "legacy_form")
    more = {"inputResponses": given(first), "requestState": first["requestState"]}
    ask(client, "legacy_form", **more)

    with pytest.raises(Refused) as refused:
        ask(client, "legacy_form", **more)
    assert refused.value.code == -32602


def test_a_childs_own_state_that_was_changed_reaches_the_child_as_it_is(client: Client) -> None:
    """The child seals its states, and is the one to find out."""
    first = ask(client, "modern_rounds")
    second = ask(client, "modern_rounds", inputResponses=given(first), requestState=first["requestState"])

    assert second["resultType"] == "input_required"
    with pytest.raises(Refused):
        ask(client, "modern_rounds", inputResponses=given(second), requestState=second["requestState"] + "x")


@pytest.mark.parametrize("child", ["legacy", "modern"])
@pytest.mark.parametrize("era", ["legacy", "modern"])
@pytest.mark.parametrize("tool", ASKING)
def test_a_client_that_can_be_asked_nothing_gets_an_error_and_is_not_asked(
    runtime: Runtime, era: str, child: str, tool: str
) -> None:
    with runtime.client(era, capabilities={}) as client:
        # A child may also put its disappointment into a result; what it may not do is ask.
        with contextlib.suppress(Refused):
            result = ask(client, f"{child}_{tool}")
            assert result.get("resultType") != "input_required"
        assert client.asked == []
