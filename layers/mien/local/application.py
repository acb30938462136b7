"""What listens on a laptop's port: the gateway, the door for uploads beside it, and the watcher of what landed."""

from __future__ import annotations

from mien.local.gateway import Gateway, Receive, Scope, Send
from mien.local.upload_door import UPLOAD_PATH, UploadDoor
from mien.local.watcher import Watcher


class Application:
    """The ASGI application."""

    def __init__(self, gateway: Gateway, door: UploadDoor, watcher: Watcher) -> None:
        self._gateway, self._door, self._watcher = gateway, door, watcher

    async def start(self) -> None:
        """Load the API's functions and watch. Raises ConfigurationError."""
        await self._gateway.start()
        self._watcher.start()

    async def stop(self) -> None:
        """End every process."""
        await self._watcher.stop()
        await self._gateway.stop()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._live(receive, send)
        elif scope["path"] == UPLOAD_PATH:
            await self._door(scope, receive, send)
        else:
            await self._gateway(scope, receive, send)

    async def _live(self, receive: Receive, send: Send) -> None:
        """Stop the functions when the HTTP server stops, before it passes the signal on."""
        while (message := await receive())["type"] == "lifespan.startup":
            await send({"type": "lifespan.startup.complete"})
        if message["type"] == "lifespan.shutdown":
            await self.stop()
            await send({"type": "lifespan.shutdown.complete"})
