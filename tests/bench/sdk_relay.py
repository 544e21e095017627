"""The obvious composite: one client of the SDK per child behind a server of the SDK. `sdk_relay.py CONFIG [PORT]`."""

import asyncio
import contextlib
import json
import sys
from pathlib import Path

import mcp_types as types
from mcp.client.session import ClientSession
from mcp.client.stdio import StdioServerParameters, stdio_client
from mcp.client.streamable_http import streamable_http_client
from mcp.server.lowlevel.server import Server
from mcp.server.stdio import stdio_server

sessions: dict[str, ClientSession] = {}
offered: list[types.Tool] = []


async def list_tools(context: object, params: object) -> types.ListToolsResult:
    return types.ListToolsResult(tools=offered)


async def call_tool(context: object, params: types.CallToolRequestParams) -> types.CallToolResult:
    child, _, name = params.name.partition("_")
    return await sessions[child].call_tool(name, params.arguments)


async def main(config: str, port: int) -> None:
    async with contextlib.AsyncExitStack() as stack:
        for name, entry in json.loads(Path(config).read_text(encoding="utf-8"))["mcpServers"].items():
            opened = (
                streamable_http_client(entry["url"]) if "url" in entry else stdio_client(StdioServerParameters(**entry))
            )
            streams = await stack.enter_async_context(opened)
            session = sessions[name] = await stack.enter_async_context(ClientSession(streams[0], streams[1]))
            await session.initialize()
            for tool in (await session.list_tools()).tools:
                offered.append(tool.model_copy(update={"name": f"{name}_{tool.name}"}))
        server = Server("relay", version="1", on_list_tools=list_tools, on_call_tool=call_tool)
        if port:
            import uvicorn

            application = server.streamable_http_app()
            await uvicorn.Server(uvicorn.Config(application, port=port, log_level="error")).serve()
        else:
            async with stdio_server() as (reading, writing):
                await server.run(reading, writing, server.create_initialization_options())


asyncio.run(main(sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 0))
