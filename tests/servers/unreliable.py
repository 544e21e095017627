"""A child for the chaos test: says who it is and what it was asked, and hangs or dies when it is told to."""

import asyncio
import os

from tests.servers.core import Call, Json, Server, report, text
from tests.servers.run import eras, parser, run


class Unreliable(Server):
    """Each answer names the child and repeats the question, so that no answer can be taken for another's."""

    def __init__(self, name: str, chosen: tuple[str, ...]) -> None:
        super().__init__(chosen)
        self.name = name

        @self.tool("who")
        async def who(call: Call, arguments: Json) -> Json:
            await asyncio.sleep(arguments.get("seconds", 0))
            return report({"name": name, "nonce": arguments["nonce"], "pid": os.getpid()})

        @self.tool("steps")
        async def steps(call: Call, arguments: Json) -> Json:
            for step in range(arguments["count"]):
                call.progress(step, message=f"{name} {arguments['nonce']}")
                await asyncio.sleep(0)
            return report({"name": name, "nonce": arguments["nonce"], "pid": os.getpid()})

        @self.tool("hang")
        async def hang(call: Call, arguments: Json) -> Json:
            await asyncio.Event().wait()
            return {}

        @self.tool("die")
        async def die(call: Call, arguments: Json) -> Json:
            os._exit(1)

        @self.tool("grow")
        async def grow(call: Call, arguments: Json) -> Json:
            added = f"grown{len(self.tools)}"
            self.tools[added] = self.tools["who"]
            self.changed("notifications/tools/list_changed")
            return text(added)


if __name__ == "__main__":
    options = parser(__doc__ or "").parse_args()
    run(Unreliable(options.name or "unreliable", eras(options.era)), options.http)
