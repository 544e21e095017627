"""A server that answers with nothing, and one whose structured content is not what its schema says."""

from tests.servers.core import Call, Json, Server, text
from tests.servers.run import eras, parser, run

COUNT = {"type": "object", "properties": {"count": {"type": "integer"}}}

if __name__ == "__main__":
    options = parser(__doc__ or "").parse_args()
    server = Server(eras(options.era))

    @server.tool("nothing")
    async def nothing(call: Call, arguments: Json) -> Json:
        return {"content": []}

    @server.tool("wrong", outputSchema=COUNT)
    async def wrong(call: Call, arguments: Json) -> Json:
        return {"content": [], "structuredContent": {"count": "many"}}

    @server.tool("unstructured", outputSchema=COUNT)
    async def unstructured(call: Call, arguments: Json) -> Json:
        return text("three")

    run(server, options.http)
