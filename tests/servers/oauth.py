"""A remote server behind a real authorization server, both the SDK's own, in one process on loopback.

`POST /control` changes how they behave and returns what they have seen.
"""

import asyncio
import json
import secrets
import socket
import sys
import time
from dataclasses import asdict, dataclass, field
from typing import Any

import uvicorn
from mcp.server.auth.provider import (
    AccessToken,
    AuthorizationCode,
    AuthorizationParams,
    RefreshToken,
    construct_redirect_uri,
)
from mcp.server.auth.settings import AuthSettings, ClientRegistrationOptions, RevocationOptions
from mcp.server.mcpserver import MCPServer
from mcp.shared.auth import OAuthClientInformationFull, OAuthToken
from starlette.middleware.base import BaseHTTPMiddleware, RequestResponseEndpoint
from starlette.requests import Request
from starlette.responses import JSONResponse, Response


@dataclass
class State:
    """How the servers behave, and what they have seen."""

    lifetime_s: int = 3600
    consents: bool = True
    slow_s: float = 0.0
    token_status: int = 200
    issuer: str = ""
    registered: int = 0
    granted: int = 0
    refreshed: int = 0
    reused: int = 0
    revoked: int = 0
    resources: list[str | None] = field(default_factory=list)
    seen: list[str] = field(default_factory=list)


class Provider:
    """Lets everybody in who consents; refresh tokens are good once, as OAuth 2.1 wants of public clients."""

    def __init__(self, issuer: str) -> None:
        self.issuer = issuer
        self.state = State()
        self.clients: dict[str, OAuthClientInformationFull] = {}
        self.codes: dict[str, AuthorizationCode] = {}
        self.access: dict[str, AccessToken] = {}
        self.refresh: dict[str, RefreshToken] = {}
        self.used: set[str] = set()

    async def get_client(self, client_id: str) -> OAuthClientInformationFull | None:
        return self.clients.get(client_id)

    async def register_client(self, client_info: OAuthClientInformationFull) -> None:
        self.state.registered += 1
        assert client_info.client_id
        self.clients[client_info.client_id] = client_info

    async def authorize(self, client: OAuthClientInformationFull, params: AuthorizationParams) -> str:
        if not self.state.consents:
            return construct_redirect_uri(str(params.redirect_uri), error="access_denied", state=params.state)
        code = f"code-{secrets.token_urlsafe(24)}"
        self.codes[code] = AuthorizationCode(
            code=code,
            client_id=client.client_id or "",
            redirect_uri=params.redirect_uri,
            redirect_uri_provided_explicitly=params.redirect_uri_provided_explicitly,
            expires_at=time.time() + 60,
            scopes=params.scopes or ["tools"],
            code_challenge=params.code_challenge,
            resource=params.resource,
        )
        return construct_redirect_uri(str(params.redirect_uri), code=code, state=params.state)

    async def load_authorization_code(
        self, client: OAuthClientInformationFull, authorization_code: str
    ) -> AuthorizationCode | None:
        return self.codes.get(authorization_code)

    async def exchange_authorization_code(
        self, client: OAuthClientInformationFull, authorization_code: AuthorizationCode
    ) -> OAuthToken:
        del self.codes[authorization_code.code]
        self.state.granted += 1
        self.state.resources.append(authorization_code.resource)
        return self._tokens(client.client_id or "", authorization_code.scopes, authorization_code.resource)

    async def load_refresh_token(self, client: OAuthClientInformationFull, refresh_token: str) -> RefreshToken | None:
        if refresh_token in self.used:
            # What a careful server does: somebody has stolen it, so nobody may use what came of it.
            self.state.reused += 1
            self.access.clear()
            self.refresh.clear()
        return self.refresh.get(refresh_token)

    async def exchange_refresh_token(
        self, client: OAuthClientInformationFull, refresh_token: RefreshToken, scopes: list[str]
    ) -> OAuthToken:
        self.state.refreshed += 1
        self.used.add(refresh_token.token)
        self.refresh.pop(refresh_token.token, None)
        return self._tokens(client.client_id or "", scopes, refresh_token.resource)

    async def load_access_token(self, token: str) -> AccessToken | None:
        self.state.seen.append(token)
        found = self.access.get(token)
        return found if found is not None and (found.expires_at or 0) > time.time() else None

    async def revoke_token(self, token: AccessToken | RefreshToken) -> None:
        self.state.revoked += 1
        self.access.pop(token.token, None)
        self.refresh.pop(token.token, None)

    def _tokens(self, client_id: str, scopes: list[str], resource: str | None) -> OAuthToken:
        # As long as those of large providers, which no single entry of some keyrings can hold.
        access, refresh = f"access-{secrets.token_hex(1100)}", f"refresh-{secrets.token_hex(600)}"
        expires_at = int(time.time()) + self.state.lifetime_s
        more: dict[str, Any] = {"client_id": client_id, "scopes": scopes, "resource": resource}
        self.access[access] = AccessToken(token=access, expires_at=expires_at, **more)
        self.refresh[refresh] = RefreshToken(token=refresh, **more)
        return OAuthToken(
            access_token=access,
            token_type="Bearer",
            expires_in=self.state.lifetime_s,
            scope=" ".join(scopes),
            refresh_token=refresh,
        )


class Behaviour(BaseHTTPMiddleware):
    """What a server does that is slow, down, or not who it says."""

    provider: Provider

    async def dispatch(self, request: Request, call_next: RequestResponseEndpoint) -> Response:
        state = self.provider.state
        if request.url.path == "/token":
            await asyncio.sleep(state.slow_s)
            if state.token_status != 200:
                return Response(status_code=state.token_status)
        if request.url.path == "/.well-known/oauth-authorization-server" and state.issuer:
            base = self.provider.issuer
            return JSONResponse(
                {
                    "issuer": state.issuer,
                    "authorization_endpoint": f"{base}/authorize",
                    "token_endpoint": f"{base}/token",
                    "registration_endpoint": f"{base}/register",
                    "response_types_supported": ["code"],
                    "code_challenge_methods_supported": ["S256"],
                }
            )
        return await call_next(request)


def controlled(provider: Provider, server: MCPServer[Any]) -> None:
    @server.custom_route("/control", methods=["POST"])
    async def control(request: Request) -> Response:
        wanted = json.loads(await request.body() or b"{}")
        for name in wanted.pop("forget", []):
            getattr(provider, name).clear()
        for name, value in wanted.items():
            setattr(provider.state, name, value)
        return JSONResponse(asdict(provider.state))


def main() -> None:
    place = socket.create_server(("127.0.0.1", 0))
    base = f"http://127.0.0.1:{place.getsockname()[1]}"
    provider = Provider(base)
    server: MCPServer[Any] = MCPServer(
        "Vault",
        auth_server_provider=provider,
        auth=AuthSettings.model_validate(
            {
                "issuer_url": base,
                "resource_server_url": f"{base}/mcp",
                "validate_token_resource": True,
                "required_scopes": ["tools"],
                "client_registration_options": ClientRegistrationOptions(
                    enabled=True, valid_scopes=["tools"], default_scopes=["tools"]
                ),
                "revocation_options": RevocationOptions(enabled=True),
            }
        ),
    )

    @server.tool()
    def open_vault(number: int) -> str:
        """Say what lies in a drawer."""
        return f"gold bar {number}"

    controlled(provider, server)
    app = server.streamable_http_app(host="127.0.0.1")
    Behaviour.provider = provider
    app.add_middleware(Behaviour)
    runner = uvicorn.Server(uvicorn.Config(app, log_level="warning", lifespan="on", timeout_graceful_shutdown=1))
    print(f"{base}/mcp", flush=True)  # noqa: T201  # who starts it reads where it is

    async def until_alone() -> None:
        work = asyncio.get_running_loop().create_task(runner.serve(sockets=[place]))
        await asyncio.to_thread(sys.stdin.read)
        runner.should_exit = True
        await work

    asyncio.run(until_alone())


if __name__ == "__main__":
    main()
