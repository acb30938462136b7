"""`mien serve`: the gateway behind a real HTTP server, with a demo key."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import socket
import sys
from datetime import UTC, datetime
from pathlib import Path

import uvicorn

from mien import settings
from mien.adapters.sqlite_keys import SqliteKeyStore
from mien.domain.errors import ConfigurationError
from mien.domain.keys import DEMO_TENANT, ApiKey, KeyStatus, hash_secret, new_secret
from mien.http.routes import FACE_ANALYTICS, ROUTES
from mien.http.wire import KEY_HEADER
from mien.local.functions import LocalFunction, handler_path
from mien.local.gateway import Gateway
from mien.local.webhooks import telling_webhooks

HOST = "127.0.0.1"
BACKLOG = 1024
STOP_SECONDS = 10


def serve(port: int, state: Path, functions: Path, retention_days: int | None = None) -> None:
    """Serve until interrupted. State (keys, faces, the demo key's secret) is kept in the folder `state`.

    Raises:
        ConfigurationError: the port is taken, or a function does not start.

    """
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", datefmt="%H:%M:%S", stream=sys.stderr)
    listener = _listen(port)
    database = (state / settings.local_database().name).resolve()
    secret = demo_key(state, SqliteKeyStore(database))
    gateway = local_gateway(functions, database, retention_days)
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(_run(gateway, listener, secret, telling_webhooks(functions, database, database.parent)))
    print("Stopped.", flush=True)


def local_gateway(functions: Path, database: Path, retention_days: int | None = None) -> Gateway:
    """A gateway over the functions in a folder, with keys, faces and counts in a SQLite file."""
    variables = dict.fromkeys((settings.KEY_STORE, settings.GALLERY, settings.METER), f"sqlite:{database}")
    variables |= {"POWERTOOLS_METRICS_DISABLED": "true", "POWERTOOLS_LOG_LEVEL": "WARNING"}  # a person is watching
    if retention_days:
        variables[settings.RETENTION_DAYS] = str(retention_days)
    concurrency = os.cpu_count() or 1
    names = {route.function for route in ROUTES}
    return Gateway(
        LocalFunction(handler_path(functions, "authorizer"), variables, concurrency=1),
        {name: LocalFunction(handler_path(functions, name), variables, concurrency) for name in names},
    )


def demo_key(state: Path, keys: SqliteKeyStore) -> str:
    """The secret of the demo key, made on the first start and kept in `state`/demo-key, readable by its owner only."""
    file = state / "demo-key"
    secret = file.read_text(encoding="utf-8").strip() if file.exists() else ""
    if not secret:
        secret = new_secret()
        file.touch(mode=0o600)
        file.write_text(secret + "\n", encoding="utf-8")
    if keys.find(hash_secret(secret)) is None:
        now = datetime.now(UTC)
        keys.put(ApiKey(hash_secret(secret), "demo", DEMO_TENANT, "demo", "unlimited", KeyStatus.ACTIVE, now))
    return secret


def _listen(port: int) -> socket.socket:
    # asyncio sends at once only where the protocol is named; else an answer waits for the client's delayed ACK.
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((HOST, port))
        listener.listen(BACKLOG)
    except OSError:
        listener.close()
        raise ConfigurationError(f"Port {port} is taken. Choose another: PORT={port + 1} make run") from None
    return listener


async def _run(
    gateway: Gateway, listener: socket.socket, secret: str, webhooks: contextlib.AbstractAsyncContextManager[None]
) -> None:
    config = uvicorn.Config(
        gateway, lifespan="on", log_level="warning", access_log=False, timeout_graceful_shutdown=STOP_SECONDS
    )
    try:
        await gateway.start()
        print(_welcome(listener.getsockname()[1], secret), flush=True)
        async with webhooks:
            await uvicorn.Server(config).serve(sockets=[listener])
    finally:
        await gateway.stop()
        listener.close()


def _welcome(port: int, secret: str) -> str:
    url = f"http://{HOST}:{port}"
    photo = settings.CHECKOUT / "docs" / "photos" / "astronaut.jpg"
    if photo.is_relative_to(Path.cwd()):
        photo = photo.relative_to(Path.cwd())
    return f"""
Mien is listening on {url}
Demo key: {secret}  (kept in var/demo-key)

Try it:
  curl -X POST "{url}{FACE_ANALYTICS.url_path}" -H "{KEY_HEADER}: {secret}" -F "face_image=@{photo}"

Stop it with Ctrl-C.
"""
