"""Calls over HTTP whose connection breaks, with the client of the official SDK."""

import asyncio
from pathlib import Path
from urllib.parse import urlsplit

import httpx2
import pytest
from mcp import ClientSession
from mcp.client.streamable_http import streamable_http_client

from tests.support import graphs
from tests.support.breaking import breaking
from tests.support.runtime import Runtime


@pytest.mark.slow
async def test_a_call_of_the_official_client_survives_the_loss_of_all_its_connections(tmp_path: Path) -> None:
    graph = graphs.saved(tmp_path, graphs.flat(graphs.child("well", "features")))
    with Runtime(graph, http=True) as runtime:
        await asyncio.to_thread(runtime.wait_ready, "well")
        inner = urlsplit(runtime.url).port
        assert inner is not None
        headers = {"authorization": f"Bearer {runtime.token}"}
        async with breaking(inner) as (port, cut), httpx2.AsyncClient(headers=headers) as http:
            url = f"http://127.0.0.1:{port}/mcp"
            async with (
                streamable_http_client(url, http_client=http) as (read, write),
                ClientSession(read, write) as session,
            ):
                await session.initialize()
                steps: list[float] = []

                async def progress(step: float, total: float | None, message: str | None) -> None:
                    steps.append(step)
                    if len(steps) == 2:
                        cut()

                calling = session.call_tool("well_sleep", {"seconds": 1.5, "beats": 5}, progress_callback=progress)
                result = await asyncio.wait_for(calling, 20)

    assert (result.is_error, steps) == (False, [0, 1, 2, 3, 4, 5])
