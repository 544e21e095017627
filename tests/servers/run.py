"""The command line every server here has: stdio by default, or `--http PORT`, which prints its URL."""

import argparse
import asyncio
import sys
from collections.abc import Callable

from tests.servers import stdio
from tests.servers.core import Server
from tests.servers.http import HttpFront


def parser(description: str) -> argparse.ArgumentParser:
    """Return a parser of the options that all servers share."""
    options = argparse.ArgumentParser(description=description)
    options.add_argument("--http", type=int, metavar="PORT", help="serve over HTTP on this loopback port, 0 picks one")
    options.add_argument("--era", choices=("legacy", "modern", "dual"), default="dual")
    options.add_argument("--name", default=None, help="what the server calls itself, and its URIs")
    options.add_argument("--mark", default="", help="says nothing; finds the process in a process list")
    return options


def eras(chosen: str) -> tuple[str, ...]:
    return ("legacy", "modern") if chosen == "dual" else (chosen,)


def run(server: Server, port: int | None, front: Callable[[Server], HttpFront] = HttpFront) -> None:
    """Serve until stdin ends, or over HTTP until the process is stopped or its stdin ends."""
    asyncio.run(stdio.serve(server) if port is None else _serve_http(front(server), port))


async def _serve_http(front: HttpFront, port: int) -> None:
    listener = await front.listen(port)
    address = listener.sockets[0].getsockname()
    sys.stdout.write(f"http://127.0.0.1:{address[1]}/mcp\n")
    sys.stdout.flush()
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.buffer.read)
