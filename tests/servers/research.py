"""A server whose tool `research` takes its time, as a task of either era, and does in it what its arguments say.

`quick` may be called as a task or without, `plain` never as one.
"""

import asyncio
import itertools
from datetime import UTC, datetime
from typing import Any

from tests.servers.core import META, Call, Json, Refused, Server, text
from tests.servers.run import eras, parser, run

EXTENSION = "io.modelcontextprotocol/tasks"
RELATED = "io.modelcontextprotocol/related-task"
QUESTION: Json = {
    "method": "elicitation/create",
    "params": {
        "mode": "form",
        "message": "Which one is meant?",
        "requestedSchema": {
            "type": "object",
            "properties": {"meaning": {"type": "string", "enum": ["snake", "language"]}},
            "required": ["meaning"],
        },
    },
}
SCHEMA: Json = {
    "type": "object",
    "properties": {
        "topic": {"type": "string"},
        "steps": {"type": "integer", "default": 2},
        "step_ms": {"type": "integer", "default": 100},
        "ttl_ms": {"type": "integer", "description": "How long the task is kept"},
        "poll_ms": {"type": "integer", "default": 50},
        "asks": {"type": "boolean", "default": False},
        "tells": {"type": "boolean", "default": False, "description": "Tell each step, and be slow to be asked"},
        "ends": {"enum": ["well", "refused", "failed"], "default": "well"},
        "stubborn": {"type": "boolean", "default": False, "description": "Cannot be cancelled"},
    },
    "required": ["topic"],
}


class Job:
    """One task: how it stands, what it waits for and what it gave."""

    def __init__(self, task_id: str, arguments: Json, call: Call) -> None:
        self.id = task_id
        self.arguments = arguments
        self.session = call.session
        self.token = call.meta.get("progressToken")
        self.created = datetime.now(UTC)
        self.state: Json = {"status": "working", "statusMessage": "Beginning"}
        self.result: Json | None = None
        self.error: Json | None = None
        self.answer: asyncio.Future[Json] = asyncio.get_running_loop().create_future()
        self.fetching: asyncio.Future[Call] = asyncio.get_running_loop().create_future()
        self.over = asyncio.Event()
        self.polls: list[float] = []
        self.work: asyncio.Task[None] | None = None

    def described(self, era: str, *, with_result: bool = False) -> Json:
        ttl, poll = self.arguments.get("ttl_ms"), self.arguments.get("poll_ms", 50)
        times = {"ttl": ttl, "pollInterval": poll} if era == "legacy" else {"ttlMs": ttl, "pollIntervalMs": poll}
        now = datetime.now(UTC).isoformat()
        told = {"taskId": self.id, **self.state, "createdAt": self.created.isoformat(), "lastUpdatedAt": now, **times}
        if era == "modern" and with_result:
            told |= {"result": self.result} if self.result is not None else {}
            told |= {"error": self.error} if self.error is not None else {}
            told |= {"inputRequests": {"meaning": QUESTION}} if self.state["status"] == "input_required" else {}
        return told


class Research(Server):
    """Keeps its tasks as long as their `ttl_ms` says."""

    name = "research"

    def __init__(self, chosen: tuple[str, ...]) -> None:
        super().__init__(chosen)
        self.jobs: dict[str, Job] = {}
        self.ids = itertools.count(1)
        self.tool("research", inputSchema=SCHEMA, execution={"taskSupport": "required"})(self._research)
        self.tool("quick", inputSchema=SCHEMA, execution={"taskSupport": "optional"})(self._research)
        self.tool("plain", inputSchema=SCHEMA)(self._plain)
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

    async def _plain(self, call: Call, arguments: Json) -> Json:
        if "task" in call.params:
            raise Refused(-32601, "plain is never a task")
        return text("at once")

    async def _research(self, call: Call, arguments: Json) -> Json:
        name = call.params["name"]
        wanted = (
            "task" in call.params if call.era == "legacy" else EXTENSION in (call.capabilities.get("extensions") or {})
        )
        if not wanted:
            if name == "research":
                raise Refused(-32601, "research can only be called as a task")
            return text("at once")
        job = Job(f"job-{next(self.ids)}", arguments, call)
        self.jobs[job.id] = job
        job.work = asyncio.get_running_loop().create_task(self._work(job))
        shown = job.described(call.era)
        return {"task": shown} if call.era == "legacy" else {"resultType": "task", **shown}

    async def _work(self, job: Job) -> None:
        arguments = job.arguments
        steps = arguments.get("steps", 2)
        for step in range(1, steps + 1):
            self._tell(job, "working", f"Step {step} of {steps}")
            self._progress(job, step, steps)
            await asyncio.sleep(arguments.get("step_ms", 100) / 1000)
        if arguments.get("asks"):
            self._tell(job, "input_required", "It is not clear what is meant")
            meaning = await self._asked(job)
            self._tell(job, "working", f"Going on with {meaning}")
        match arguments.get("ends", "well"):
            case "refused":
                job.error = {"code": -32000, "message": "The archive is closed"}
                self._tell(job, "failed", "The archive is closed")
            case "failed":
                job.result = {**text("Nothing was found"), "isError": True}
                self._tell(job, "failed" if job.session.era == "legacy" else "completed", "Nothing was found")
            case _:
                job.result = {**text(f"All about {arguments['topic']}"), "_meta": {RELATED: {"taskId": job.id}}}
                self._tell(job, "completed", "")
        job.over.set()

    async def _asked(self, job: Job) -> Any:
        """Return what the client answers: asked for in the stream of its `tasks/result`, or given by `tasks/update`."""
        if job.session.era == "modern":
            answer = await job.answer
        else:
            call = await job.fetching
            answer = await call.ask(
                "elicitation/create", {**QUESTION["params"], "_meta": {RELATED: {"taskId": job.id}}}
            )
        return answer["content"]["meaning"] if answer.get("action") == "accept" else answer.get("action")

    def _tell(self, job: Job, status: str, message: str) -> None:
        job.state = {"status": status, **({"statusMessage": message} if message else {})}
        if not job.arguments.get("tells"):
            return
        for session in tuple(self.sessions):
            if session.era == "legacy":
                told = job.described("legacy")
                session.send({"jsonrpc": "2.0", "method": "notifications/tasks/status", "params": told})
        for listening, wanted in tuple(self.listens.values()):
            if job.id in wanted.get("taskIds", ()):
                told = {**job.described("modern", with_result=True), "_meta": {META + "subscriptionId": listening.id}}
                listening.notify("notifications/tasks", told)

    def _progress(self, job: Job, progress: int, total: int) -> None:
        if job.token is not None and job.session.era == "legacy":
            params = {"progressToken": job.token, "progress": progress, "total": total}
            job.session.send({"jsonrpc": "2.0", "method": "notifications/progress", "params": params})

    async def _get(self, call: Call) -> Json:
        job = self._known(call)
        job.polls.append(asyncio.get_running_loop().time())
        return job.described(call.era, with_result=True)

    async def _result(self, call: Call) -> Json:
        job = self._known(call)
        if not job.fetching.done():
            job.fetching.set_result(call)
        await job.over.wait()
        if job.error is not None:
            raise Refused(job.error["code"], job.error["message"])
        if job.result is None:
            raise Refused(-32602, "it was cancelled")
        return job.result

    async def _cancel(self, call: Call) -> Json:
        job = self._known(call)
        if job.arguments.get("stubborn"):
            raise Refused(-32602, "it cannot be stopped now")
        if job.work is not None:
            job.work.cancel()
        self._tell(job, "cancelled", "As you wished")
        job.over.set()
        return job.described("legacy") if call.era == "legacy" else {}

    async def _update(self, call: Call) -> Json:
        job = self._known(call)
        if not job.answer.done():
            job.answer.set_result(call.params["inputResponses"]["meaning"])
        return {}

    async def _list(self, call: Call) -> Json:
        return await self._page(call, "tasks", [job.described("legacy") for job in self.jobs.values()])

    def _known(self, call: Call) -> Job:
        job = self.jobs.get(call.params["taskId"])
        if job is not None and (ttl := job.arguments.get("ttl_ms")) is not None:
            age = (datetime.now(UTC) - job.created).total_seconds()
            if age * 1000 > ttl:
                del self.jobs[job.id]
                job = None
        if job is None:
            raise Refused(-32602, "Task not found")
        return job


if __name__ == "__main__":
    options = parser(__doc__).parse_args()
    run(Research(eras(options.era)), options.http)
