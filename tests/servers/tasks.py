"""A server that answers later: tasks of the core protocol (2025-11-25) and of the extension (2026-07-28).

Its tasks are called 1, 2, 3, so that those of two such servers are sure to have the same ids.
"""

import asyncio
from typing import Any

from tests.servers.core import META, Call, Json, Refused, Server, report, text
from tests.servers.run import eras, parser, run

EXTENSION = "io.modelcontextprotocol/tasks"
RELATED = "io.modelcontextprotocol/related-task"


class Later(Server):
    """Tool `work` may be called as a task, `only` has to be; `finish` ends the task with the id it is given."""

    def __init__(self, name: str, chosen: tuple[str, ...]) -> None:
        super().__init__(chosen)
        self.name = name
        self.made: dict[str, Json] = {}
        self.done: dict[str, asyncio.Event] = {}
        self.tokens: dict[str, Any] = {}
        self.tool("work", execution={"taskSupport": "optional"})(self._work)
        self.tool("only", execution={"taskSupport": "required"})(self._work)
        self.tool("finish")(self._finish_one)
        self.methods |= {
            "tasks/get": self._get,
            "tasks/result": self._result,
            "tasks/cancel": self._cancel,
            "tasks/list": self._list,
            "tasks/update": self._update,
        }

    def capabilities(self, era: str) -> Json:
        offered = super().capabilities(era)
        if era == "modern":
            return {**offered, "extensions": {EXTENSION: {}}}
        return {**offered, "tasks": {"list": {}, "cancel": {}, "requests": {"tools": {"call": {}}}}}

    async def _work(self, call: Call, arguments: Json) -> Json:
        wanted = "task" in call.params if call.era == "legacy" else EXTENSION in _extensions(call)
        if not wanted:
            return text(f"{self.name} did it at once")
        task_id = str(len(self.made) + 1)
        self.made[task_id] = task = {"taskId": task_id, "status": "working", "ttl": None, "x-null": None}
        self.done[task_id] = asyncio.Event()
        if "progressToken" in call.meta and call.era == "legacy":
            self.tokens[task_id] = call.meta["progressToken"]
        return {"task": task} if call.era == "legacy" else {"resultType": "task", **task}

    async def _finish_one(self, call: Call, arguments: Json) -> Json:
        task = self._known(arguments["id"])
        if task["taskId"] in self.tokens:
            progress = {"progressToken": self.tokens[task["taskId"]], "progress": 1, "total": 1}
            for session in tuple(self.sessions):
                session.send({"jsonrpc": "2.0", "method": "notifications/progress", "params": progress})
        task["status"] = "completed"
        self.done[task["taskId"]].set()
        for session in tuple(self.sessions):
            session.send({"jsonrpc": "2.0", "method": "notifications/tasks/status", "params": task})
        for listening, wanted in tuple(self.listens.values()):
            if task["taskId"] in wanted.get("taskIds", ()):
                listening.notify("notifications/tasks", {**task, "_meta": {META + "subscriptionId": listening.id}})
        return report(task)

    async def _get(self, call: Call) -> Json:
        return self._known(call.params["taskId"])

    async def _result(self, call: Call) -> Json:
        task = self._known(call.params["taskId"])
        await self.done[task["taskId"]].wait()
        return {**text(f"{self.name} did it"), "_meta": {RELATED: {"taskId": task["taskId"]}}}

    async def _cancel(self, call: Call) -> Json:
        task = self._known(call.params["taskId"])
        task["status"] = "cancelled"
        return task

    async def _update(self, call: Call) -> Json:
        task = self._known(call.params["taskId"])
        task["told"] = call.params["inputResponses"]
        return {}

    async def _list(self, call: Call) -> Json:
        return await self._page(call, "tasks", list(self.made.values()))

    def _known(self, task_id: Any) -> Json:
        if task_id not in self.made:
            raise Refused(-32602, f"no task {task_id} of {self.name}")
        return self.made[task_id]


def _extensions(call: Call) -> Json:
    extensions: Json = call.capabilities.get("extensions") or {}
    return extensions


if __name__ == "__main__":
    options = parser(__doc__).parse_args()
    run(Later(options.name or options.era, eras(options.era)), options.http)
