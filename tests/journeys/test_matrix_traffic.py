"""What happens beside and during a call: progress, cancellation, logs, changes, and questions to the client."""

import json
from typing import Any

import pytest

from tests.servers.core import META
from tests.servers.features import FORM, ODD
from tests.support.client import Pending, Refused
from tests.support.matrix import ANSWERS, Cell

LISTS = {"tools": "toolsListChanged", "prompts": "promptsListChanged", "resources": "resourcesListChanged"}


@pytest.fixture(autouse=True)
def no_process_left() -> None:
    """The bench outlives the test, and accounts for its processes itself."""


class Watch:
    """What one client hears from now on, of what was asked for in the way of its era."""

    def __init__(self, cell: Cell, wanted: dict[str, Any]) -> None:
        self._cell = cell
        self._wanted = wanted
        self._stream: Pending | None = None
        self._from = 0

    def __enter__(self) -> "Watch":
        client = self._cell.client
        if client.era == "modern":
            before = len(client.heard("notifications/subscriptions/acknowledged"))
            self._stream = client.start("subscriptions/listen", {"notifications": self._wanted})
            client.wait_to_hear("notifications/subscriptions/acknowledged", before + 1)
        else:
            for uri in self._wanted.get("resourceSubscriptions", ()):
                client.request("resources/subscribe", {"uri": uri})
        self._from = len(client.received)
        return self

    def __exit__(self, *_: object) -> None:
        if self._stream is not None:
            self._stream.cancel()
        for uri in self._wanted.get("resourceSubscriptions", ()):
            if self._stream is None:
                self._cell.client.request("resources/unsubscribe", {"uri": uri})

    def heard(self, method: str) -> list[dict[str, Any]]:
        """Return what came; on a modern stream each message must name its subscription."""
        news = [m.get("params") or {} for m in self._cell.client.received[self._from :] if m.get("method") == method]
        if self._stream is None:
            return news
        key = META + "subscriptionId"
        mine = [params for params in news if params.get("_meta", {}).get(key) == self._stream.id]
        return [{k: v for k, v in params.items() if k != "_meta"} for params in mine]

    def wait(self, method: str) -> list[dict[str, Any]]:
        self._cell.client.wait(lambda: bool(self.heard(method)), 5, method)
        return self.heard(method)


def start(cell: Cell, tool: str, arguments: dict[str, Any], token: Any) -> Pending:
    return cell.client.start("tools/call", {"name": cell.named(tool), "arguments": arguments}, progress=token)


# Progress


@pytest.mark.parametrize("token", ["mine", 7, "ünï"])
def test_progress_comes_whole_in_order_and_never_after_the_result(cell: Cell, token: Any) -> None:
    token = f"{token}-{cell.name}" if isinstance(token, str) else token
    before = len(cell.client.received)
    pending = start(cell, "progress", {"count": 40}, token)
    pending.result()

    cell.call("echo")
    came = cell.client.received[before:]
    told = [m["params"] for m in came if m.get("method") == "notifications/progress"]
    expected = [{"progressToken": token, "progress": n, "total": 40, "message": f"step {n}", **ODD} for n in range(40)]
    assert told == expected
    last = max(index for index, m in enumerate(came) if m.get("method") == "notifications/progress")
    assert last < next(index for index, m in enumerate(came) if m.get("id") == pending.id)


def test_no_progress_comes_unasked(cell: Cell) -> None:
    before = len(cell.client.heard("notifications/progress"))
    cell.call("progress")

    cell.call("echo")
    assert len(cell.client.heard("notifications/progress")) == before


# Cancellation


def test_a_cancelled_call_is_cancelled_at_its_child_and_at_no_other(cell: Cell) -> None:
    key = f"{cell.client.era}-{cell.front}-{cell.name}"
    other = start(cell, "sleep", {"key": "not " + key, "seconds": 0.2}, "not " + key)
    pending = start(cell, "sleep", {"key": key}, key)
    pending.wait_for_progress()
    pending.cancel()

    cell.client.wait(lambda: key in cell.told("cancelled"), 5, "the cancellation")
    assert other.result()["content"][0]["text"] == "awake"
    assert "not " + key not in cell.told("cancelled")


# Logs


def logs(cell: Cell, level: str | None) -> list[dict[str, Any]]:
    """Call the tool that logs at four levels, having asked for logs in the way of the era; return what came."""
    before = len(cell.client.heard("notifications/message"))
    if cell.client.era == "modern":
        cell.client.log_level = level
    elif level is not None:
        cell.client.request("logging/setLevel", {"level": level})
    try:
        cell.call("log")
    finally:
        cell.client.log_level = None
    return cell.client.heard("notifications/message")[before:]


@pytest.mark.parametrize(("level", "expected"), [("debug", 4), ("warning", 2), ("emergency", 0)])
def test_logs_come_at_the_level_the_client_asked_for(cell: Cell, level: str, expected: int) -> None:
    came = logs(cell, level)

    levels = ["debug", "info", "warning", "error"][4 - expected :]
    assert [entry["level"] for entry in came] == levels
    for entry in came:
        assert entry["data"] == {"level": entry["level"], "none": None}
        assert {key: entry[key] for key in ODD} == ODD
        assert entry["logger"].endswith("child")


def test_a_modern_client_that_asks_for_no_logs_gets_none(cell: Cell) -> None:
    if cell.client.era == "modern":
        logs(cell, "debug")
        assert logs(cell, None) == []


# Changes


@pytest.mark.parametrize("what", LISTS)
def test_a_changed_list_is_told_and_is_true_by_then(cell: Cell, what: str) -> None:
    with Watch(cell, {LISTS[what]: True}) as watch:
        added = cell.call("change", {"what": what})["content"][0]["text"]
        watch.wait(f"notifications/{what}/list_changed")
        names = [item["name"] for item in cell.client.list_all(f"{what}/list", what)]

    assert any(name.endswith(added) for name in names)


def test_a_storm_of_changes_is_told_in_a_breath(cell: Cell) -> None:
    with Watch(cell, {"toolsListChanged": True}) as watch:
        added = cell.call("change", {"what": "tools", "times": 200})["content"][0]["text"]
        cell.client.wait(lambda: cell.named(added) in cell.client.tools(), 5, "the new tool")
        watch.wait("notifications/tools/list_changed")

    limit = 200 if cell.front == "direct" else 10
    assert len(watch.heard("notifications/tools/list_changed")) <= limit


def test_a_client_hears_only_the_changes_it_asked_for(cell: Cell) -> None:
    if cell.client.era == "modern":
        with Watch(cell, {"promptsListChanged": True}) as watch:
            cell.call("change", {"what": "tools"})
            cell.call("change", {"what": "prompts"})
            watch.wait("notifications/prompts/list_changed")

        assert watch.heard("notifications/tools/list_changed") == []


def test_a_subscribed_resource_is_told_when_it_changes(cell: Cell) -> None:
    uri, other = f"{cell.name}://note", f"{cell.name}://pixel"
    with Watch(cell, {"resourceSubscriptions": [uri]}) as watch:
        cell.call("change", {"what": "", "uri": other})
        cell.call("change", {"what": "", "uri": uri})
        came = watch.wait("notifications/resources/updated")
        assert came == [{"uri": uri, **ODD}]

    cell.call("change", {"what": "", "uri": uri})
    cell.call("echo")
    assert watch.heard("notifications/resources/updated") == came


def test_changed_roots_are_told_to_children_of_the_era_that_has_them(cell: Cell) -> None:
    if cell.client.era == "legacy" and cell.mirrored == "legacy":
        cell.client.notify("notifications/roots/list_changed")
        cell.client.wait(lambda: "notifications/roots/list_changed" in cell.told("heard"), 5, "the changed roots")


# Questions to the client


def asked(cell: Cell, tool: str) -> tuple[Any, list[tuple[str, dict[str, Any]]]]:
    """Call a tool that asks the client; return what it made of the answers, and what it asked."""
    cell.client.asked.clear()
    result = cell.call(tool)
    text = cell.bare(result)["content"][0]["text"]
    return json.loads(text), [*cell.client.asked]


def test_a_child_samples_and_gets_the_whole_answer(cell: Cell) -> None:
    answer, ((method, params),) = asked(cell, "sample")

    assert answer == ANSWERS["sampling/createMessage"]
    assert method == "sampling/createMessage"
    assert params["messages"] == [{"role": "user", "content": {"type": "text", "text": "What is it?"}}]
    assert params["modelPreferences"] == {"hints": [{"name": "x"}], "costPriority": 0.1}
    assert (params["maxTokens"], params["temperature"]) == (100, 0.5)


def test_a_child_asks_for_a_form_and_gets_the_whole_answer(cell: Cell) -> None:
    answer, ((method, params),) = asked(cell, "form")

    assert answer == ANSWERS["elicitation/create"]
    assert (method, params["message"], params["requestedSchema"]) == ("elicitation/create", "Which color?", FORM)


def test_a_child_asks_to_open_a_page(cell: Cell) -> None:
    before = len(cell.client.heard("notifications/elicitation/complete"))
    answer, ((method, params),) = asked(cell, "link")

    assert answer == {"action": "accept"}
    assert (method, params["mode"], params["message"]) == ("elicitation/create", "url", "Sign in")
    assert params["url"] == "https://example.com/sign-in?a=1&b=2"
    if cell.client.era == "legacy":
        # Older clients need a name for it, and are told when it is done.
        complete = cell.client.wait_to_hear("notifications/elicitation/complete", before + 1)
        assert complete[-1]["elicitationId"] == params["elicitationId"]
    else:
        assert "elicitationId" not in params


def test_a_child_asks_for_the_roots(cell: Cell) -> None:
    answer, ((method, _),) = asked(cell, "where")

    assert method == "roots/list"
    assert answer == ANSWERS["roots/list"]


def test_a_child_asks_three_things_at_once(cell: Cell) -> None:
    answers, questions = asked(cell, "three")

    assert answers == {
        "f": ANSWERS["elicitation/create"],
        "s": ANSWERS["sampling/createMessage"],
        "r": ANSWERS["roots/list"],
    }
    assert sorted(method for method, _ in questions) == ["elicitation/create", "roots/list", "sampling/createMessage"]


def test_a_child_asks_again_after_an_answer(cell: Cell) -> None:
    answers, questions = asked(cell, "rounds")

    assert answers == [{"color": "rot"}, {"color": "rot"}]
    assert [params["message"] for _, params in questions] == ["Color 1?", "Color 2?"]


def test_a_prompt_and_a_resource_may_ask_too(cell: Cell) -> None:
    cell.client.asked.clear()
    prompt = cell.client.converse("prompts/get", {"name": cell.named("ask")})
    resource = cell.client.converse("resources/read", {"uri": f"{cell.name}://secret"})

    assert json.loads(prompt["messages"][0]["content"]["text"]) == ANSWERS["elicitation/create"]
    assert json.loads(resource["contents"][0]["text"]) == ANSWERS["elicitation/create"]
    assert [method for method, _ in cell.client.asked] == ["elicitation/create"] * 2


def test_a_client_that_refuses_fails_the_call_with_its_own_words(cell: Cell, monkeypatch: pytest.MonkeyPatch) -> None:
    if cell.client.era == "modern":
        return

    def refuse(method: str, params: dict[str, Any]) -> dict[str, Any]:
        raise Refused({"code": -1, "message": "the user said no", "data": {"why": None}})

    monkeypatch.setattr(cell.client, "_answer", refuse)
    with pytest.raises(Refused) as refused:
        cell.call("form")

    assert refused.value.error == {"code": -1, "message": "the user said no", "data": {"why": None}}


def test_a_state_that_was_never_handed_out_is_refused(cell: Cell) -> None:
    if cell.client.era == "legacy" or cell.front == "direct" or cell.era != "legacy":
        return
    params = {"name": cell.named("form"), "arguments": {}, "requestState": "b:made-up", "inputResponses": {"r1": {}}}
    with pytest.raises(Refused) as refused:
        cell.client.request("tools/call", params)

    assert refused.value.code == -32602
