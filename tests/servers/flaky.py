"""A child whose first process dies in the middle of a call, and whose second one answers it.

`--name` is a file that gets a line for each call: when it began, and when it was answered or the process died.
"""

import asyncio
import os
import time
from pathlib import Path

from tests.servers.core import Call, Json, Server, text
from tests.servers.run import eras, parser, run


class Flaky(Server):
    """`weather` may be asked twice."""

    def __init__(self, mark: Path, chosen: tuple[str, ...]) -> None:
        super().__init__(chosen)

        @self.tool("weather", annotations={"idempotentHint": True})
        async def weather(call: Call, arguments: Json) -> Json:
            began, is_first = time.time(), not mark.exists()
            await asyncio.sleep(arguments["dies_after_s" if is_first else "takes_s"])
            with mark.open("a", encoding="utf-8") as file:
                file.write(f"{began} {time.time()}\n")
            if is_first:
                os._exit(3)
            return text("sunny")


if __name__ == "__main__":
    options = parser(__doc__ or "").parse_args()
    run(Flaky(Path(options.name), eras(options.era)), options.http)
