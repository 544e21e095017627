"""What is kept of a sign-in: the tokens with the secrets, where no reference reaches them."""

from collections.abc import Iterator

import keyring
import keyring.backends.SecretService
import pytest

from composite_runtime import secrets
from composite_runtime.auth import store
from composite_runtime.auth.challenge import Challenge
from composite_runtime.auth.errors import CannotKeep
from composite_runtime.auth.grant import Client, Grant, lifetime_s
from composite_runtime.errors import SecretMissing

URL = "https://vault.example/mcp"


def grant(token: str = "token-" + "x" * 5000) -> Grant:
    return Grant(
        "https://issuer.example", URL, "https://issuer.example/token", Client("me", "hush-hush"), token, "again"
    )


def test_what_was_kept_is_found_again_and_forgotten() -> None:
    store.keep(URL, grant(), in_file=True)

    assert store.fetch(URL) == grant()
    assert store.entries()[URL].issuer == "https://issuer.example"
    assert "token-" not in store.index_path().read_text()
    assert store.forget(URL)
    assert (store.fetch(URL), store.entries(), store.forget(URL)) == (None, {}, False)


def test_no_secret_of_the_user_and_no_reference_names_a_token() -> None:
    store.keep(URL, grant(), in_file=True)

    assert secrets.names() == {}
    with pytest.raises(SecretMissing):
        secrets.resolve(f"${{secret:{store._name(URL)}}}")


def test_a_token_that_was_read_is_hidden_in_what_is_written() -> None:
    store.keep(URL, grant("token-to-hide"), in_file=True)
    store.fetch(URL)

    assert secrets.redact("Bearer token-to-hide, hush-hush") == "Bearer [token], [token]"


def test_a_missing_keyring_is_told_before_and_after() -> None:
    with pytest.raises(CannotKeep, match="private file"):
        store.check_keyring()
    with pytest.raises(CannotKeep, match="cannot be kept"):
        store.keep(URL, grant())
    assert store.entries() == {}


def test_what_a_server_asked_for_waits_for_the_next_sign_in() -> None:
    store.want(URL, Challenge(True, "https://vault.example/meta", "write", "insufficient_scope"))

    assert store.wanted(URL) == Challenge(True, "https://vault.example/meta", "write")
    store.keep(URL, grant(), in_file=True)
    assert store.wanted(URL) == Challenge()


def test_fresh_tokens_never_take_the_place_of_a_later_sign_in() -> None:
    store.keep(URL, grant("first"), in_file=True)
    store.keep_renewed(URL, grant("first"), grant("fresh"))
    assert store.fetch(URL) == grant("fresh")

    store.keep(URL, grant("anew"), in_file=True)
    store.keep_renewed(URL, grant("fresh"), grant("too late"))
    assert store.fetch(URL) == grant("anew")


@pytest.mark.parametrize("text", ["", "[]", '{"servers": 3}', '{"servers": {"u": {"since": 1}}, "wanted": []}'])
def test_a_broken_file_means_that_nobody_is_signed_in(text: str) -> None:
    store.keep(URL, grant(), in_file=True)
    store.index_path().write_text(text)

    assert (store.entries(), store.wanted(URL)) == ({}, Challenge())
    store.keep(URL, grant(), in_file=True)
    assert store.fetch(URL) is not None


@pytest.mark.parametrize(
    ("told", "seconds"), [(60, 60.0), ("60", 60.0), (None, None), (True, None), ("soon", None), (10**400, None)]
)
def test_lifetimes_are_read_as_servers_write_them(told: object, seconds: float | None) -> None:
    assert lifetime_s({"expires_in": told}) == seconds


@pytest.fixture
def secret_service() -> Iterator[None]:
    before = keyring.get_keyring()
    # Earlier tests made the library keep another backend.
    keyring.set_keyring(keyring.backends.SecretService.Keyring())
    yield
    keyring.set_keyring(before)


@pytest.mark.secretservice
@pytest.mark.usefixtures("secret_service")
def test_the_keyring_keeps_tokens_of_any_length() -> None:
    store.check_keyring()
    store.keep(URL, grant())
    try:
        assert store.fetch(URL) == grant()
        store.keep(URL, grant("short"))
        assert store.fetch(URL) == grant("short")
    finally:
        assert store.forget(URL)
    assert store.fetch(URL) is None
