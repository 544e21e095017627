"""Tasks of both eras, through one composite inside another, of two servers that call their tasks by the same ids."""

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.servers.tasks import EXTENSION, RELATED
from tests.support import graphs
from tests.support.client import Client, Refused
from tests.support.runtime import Runtime, http_server


@contextlib.contextmanager
def running(folder: Path, *, era: str = "dual") -> Iterator[Runtime]:
    with http_server("tasks", "--name", "b", "--era", era) as url:
        children = [graphs.child("a", "tasks", "--name", "a", "--era", era), graphs.remote("b", url)]
        nodes = [*children, graphs.composite("inner"), graphs.composite("all")]
        edges = [graphs.edge("a", "inner"), graphs.edge("b", "inner"), graphs.edge("inner", "all", "")]
        with Runtime(graphs.saved(folder, graphs.graph(nodes, edges)), http=True) as runtime:
            runtime.wait_ready("a", "b")
            yield runtime


def client_of(runtime: Runtime, era: str) -> Client:
    return runtime.client(era, capabilities={"extensions": {EXTENSION: {}}} if era == "modern" else {})


def start(client: Client, child: str, token: str | None = None) -> Any:
    """Have a task made; return what stands for it."""
    more = {"task": {"ttl": 60_000}} if client.era == "legacy" else {}
    params = {"name": f"{child}_work", "arguments": {}, **more}
    answer = client.start("tools/call", params, progress=token).result()
    if client.era == "legacy":
        return answer["task"]
    assert answer["resultType"] == "task"
    return answer


def capabilities(client: Client) -> Any:
    if client.era == "modern":
        return client.request("server/discover")["capabilities"]
    return client.initialized["capabilities"]


@pytest.mark.parametrize("era", ["legacy", "modern"])
def test_a_task_is_made_followed_and_cancelled_at_the_server_it_belongs_to(era: str, tmp_path: Path) -> None:
    with running(tmp_path) as runtime, client_of(runtime, era) as client:
        client.wait_for_tool("a_work")
        client.wait_for_tool("b_work")
        one, other = start(client, "a"), start(client, "b")
        assert one["taskId"] != other["taskId"]
        assert one["x-null"] is None
        for task in (one, other):
            shown = client.request("tasks/get", {"taskId": task["taskId"]})
            assert (shown["taskId"], shown["status"]) == (task["taskId"], "working")
        client.request("tasks/cancel", {"taskId": other["taskId"]})
        states = [client.request("tasks/get", {"taskId": task["taskId"]})["status"] for task in (one, other)]
        assert states == ["working", "cancelled"]
        with pytest.raises(Refused, match="Unknown task: 77"):
            client.request("tasks/get", {"taskId": "77"})


def test_a_legacy_client_waits_for_results_lists_its_own_tasks_and_hears_of_them(tmp_path: Path) -> None:
    with running(tmp_path) as runtime, client_of(runtime, "legacy") as client, client_of(runtime, "legacy") as stranger:
        client.wait_for_tool("b_work")
        start(stranger, "a")
        ids = [start(client, child, token)["taskId"] for child, token in (("a", None), ("b", "mine"))]
        waiting = client.start("tasks/result", {"taskId": ids[1]})
        assert [task["taskId"] for task in client.request("tasks/list")["tasks"]] == ids
        client.call("b_finish", {"id": "1"})
        result = waiting.result()
        assert result["content"][0]["text"] == "b did it"
        assert result["_meta"][RELATED]["taskId"] == ids[1]
        progress = client.wait_to_hear("notifications/progress")
        assert [(told["progressToken"], told["progress"]) for told in progress] == [("mine", 1)]
        assert not stranger.heard("notifications/progress")
        heard = client.wait_to_hear("notifications/tasks/status")
        assert [(task["taskId"], task["status"]) for task in heard] == [(ids[1], "completed")]
        assert not stranger.heard("notifications/tasks/status")


def test_a_modern_client_hears_of_the_tasks_it_listens_to(tmp_path: Path) -> None:
    with running(tmp_path) as runtime, client_of(runtime, "modern") as client:
        client.wait_for_tool("b_work")
        ids = [start(client, child)["taskId"] for child in ("a", "b")]
        stream = client.start("subscriptions/listen", {"notifications": {"taskIds": [ids[1]]}})
        acknowledged = client.wait_to_hear("notifications/subscriptions/acknowledged")
        assert acknowledged[0]["notifications"] == {"taskIds": [ids[1]]}

        def finished() -> bool:
            # The server listens for the task a moment after we were told so.
            client.call("a_finish", {"id": "1"})
            client.call("b_finish", {"id": "1"})
            return bool(client.heard("notifications/tasks"))

        client.wait(finished, 10, "what became of the task")
        assert {(task["taskId"], task["status"]) for task in client.heard("notifications/tasks")} == {
            (ids[1], "completed")
        }
        client.request("tasks/update", {"taskId": ids[1], "inputResponses": {"k": {"action": "accept"}}})
        assert client.request("tasks/get", {"taskId": ids[1]})["told"] == {"k": {"action": "accept"}}
        stream.cancel()


def test_what_is_said_of_tasks_is_true_for_each_client(tmp_path: Path) -> None:
    """Of legacy children a modern client can have no tasks, and so it hears of none; tools that need one are hidden."""
    with (
        running(tmp_path, era="legacy") as runtime,
        client_of(runtime, "legacy") as legacy,
        client_of(runtime, "modern") as modern,
    ):
        for client in (legacy, modern):
            client.wait_for_tool("b_work")
        assert capabilities(legacy)["tasks"] == {"list": {}, "cancel": {}, "requests": {"tools": {"call": {}}}}
        assert "tasks" not in capabilities(modern)
        assert EXTENSION not in capabilities(modern).get("extensions", {})
        assert "a_only" in legacy.tools()
        assert "a_only" not in modern.tools()
        # What belongs to the other era is not passed on, so the answer is one the client understands.
        answer = modern.request("tools/call", {"name": "a_work", "arguments": {}, "task": {"ttl": 1}})
        assert answer["content"][0]["text"] == "a did it at once"
