"""A child whose first process dies in the middle of a call, and whose second one answers it."""

import asyncio
import os
from pathlib import Path

from tests.servers.core import Call, Json, Server, text
from tests.servers.run import eras, parser, run


class Flaky(Server):
    """`weather` may be asked twice. `--name` is a file that tells whether a process has died already."""

    def __init__(self, mark: Path, chosen: tuple[str, ...]) -> None:
        super().__init__(chosen)

        @self.tool("weather", annotations={"idempotentHint": True})
        async def weather(call: Call, arguments: Json) -> Json:
            if not mark.exists():
                mark.touch()
                await asyncio.sleep(arguments["dies_after_s"])
                os._exit(3)
            await asyncio.sleep(arguments["takes_s"])
            return text("sunny")


if __name__ == "__main__":
    options = parser(__doc__ or "").parse_args()
    run(Flaky(Path(options.name), eras(options.era)), options.http)
