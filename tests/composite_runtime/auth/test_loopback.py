"""The page the browser comes back to: takes one answer, that of its own sign-in."""

import asyncio

import pytest

from composite_runtime.auth.errors import SignInFailed
from composite_runtime.auth.loopback import listening
from tests.support import person


async def test_only_what_carries_the_state_of_the_sign_in_is_taken() -> None:
    async with listening(None) as callback:
        base = callback.redirect_uri.removesuffix("/callback")
        assert base.startswith("http://127.0.0.1:")
        for path in ("/", "/callback", "/callback?code=stolen&state=guessed"):
            assert "no sign-in" in (page := await asyncio.to_thread(person.browse, base + path)) or "nothing" in page
        visit = asyncio.get_running_loop().run_in_executor(
            None, person.browse, f"{callback.redirect_uri}?code=c&state={callback.state}"
        )
        brought, outcome = await callback.came()
        outcome.set_result("it was <b>refused</b>")

        assert brought["code"] == "c"
        assert "&lt;b&gt;" in await visit


async def test_a_browser_that_connects_and_says_nothing_holds_nobody_up() -> None:
    async with asyncio.timeout(5):
        async with listening(None) as callback:
            port = int(callback.redirect_uri.split(":")[2].split("/")[0])
            _, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.close()


@pytest.mark.parametrize("wanted", ["https://127.0.0.1/callback", "http://example.org/callback", "http://0.0.0.0/x"])
async def test_nobody_listens_where_others_could_reach_it(wanted: str) -> None:
    with pytest.raises(SignInFailed, match="cannot be the redirect address"):
        async with listening(wanted):
            pass


async def test_a_fixed_address_is_used_as_it_is_and_told_when_it_is_taken() -> None:
    async with listening(None) as first:
        taken = first.redirect_uri.replace("/callback", "/back")
        with pytest.raises(SignInFailed, match="nobody can listen"):
            async with listening(taken):
                pass
    async with listening(taken) as second:
        assert second.redirect_uri == taken
