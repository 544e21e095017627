"""A server whose lists hold entries that nobody can use, and pages that never end."""

from typing import Any

from tests.servers.core import Call, Json, Server, text
from tests.servers.run import eras, parser, run


async def _fine(call: Call, arguments: Json) -> Json:
    return text("fine")


class Odd(Server):
    """Answers its lists by hand."""

    async def answer(self, call: Call) -> Json:
        if call.method == "tools/list":
            fine = {"name": "fine", "inputSchema": {"type": "object"}}
            broken: list[Any] = ["a text", {"title": "nameless"}, {"name": "schemaless"}]
            return {"tools": [broken[0], fine, *broken[1:]], "nextCursor": "again"}
        return await super().answer(call)


if __name__ == "__main__":
    options = parser(__doc__ or "").parse_args()
    server = Odd(eras(options.era))
    server.tool("fine")(_fine)
    run(server, options.http)
