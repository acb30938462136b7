"""`mien serve`: the gateway behind a real HTTP server, with a demo key."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import socket
import sys
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import uvicorn

from mien import settings
from mien.adapters.sqlite_keys import SqliteKeyStore
from mien.adapters.sqlite_seen import SqliteSeenFiles
from mien.adapters.stores import open_folder
from mien.domain.errors import ConfigurationError
from mien.domain.keys import DEMO_TENANT, ApiKey, KeyStatus, hash_secret, new_secret
from mien.domain.uploads import RESULTS, UPLOADS
from mien.http.routes import FACE_ANALYTICS, ROUTES
from mien.http.wire import KEY_HEADER
from mien.local.application import Application
from mien.local.functions import QUIET, LocalFunction, handler_path
from mien.local.gateway import Gateway
from mien.local.photo_taker import FUNCTION, PhotoTaker
from mien.local.upload_door import UPLOAD_PATH, UploadDoor
from mien.local.watcher import Watcher
from mien.local.webhooks import telling_webhooks

HOST = "127.0.0.1"
BACKLOG = 1024
STOP_SECONDS = 10


@dataclass(frozen=True, slots=True)
class Keeping:
    """How long things are kept, in days, where they are not kept for ever; and whether photos stay once answered."""

    faces: int | None = None
    results: int | None = None
    photos: bool = True


def serve(port: int, state: Path, functions: Path, keeping: Keeping = Keeping()) -> None:
    """Serve until interrupted. State is kept in the folder `state`: keys, faces, the demo key's secret, photos that
    land and their results.

    Raises:
        ConfigurationError: the port is taken, or a function does not start.

    """
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", datefmt="%H:%M:%S", stream=sys.stderr)
    listener = _listen(port)
    database = (state / settings.local_database().name).resolve()
    secret = demo_key(state, SqliteKeyStore(database))
    url = f"http://{HOST}:{listener.getsockname()[1]}"
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(_run(functions, database, url, keeping, listener, secret))
    print("Stopped.", flush=True)


def local_application(functions: Path, database: Path, url: str, keeping: Keeping) -> Application:
    """The functions in a folder behind their gateway. Keys, faces and counts are in a SQLite file, photos and results
    beside it; `url` is where the application will listen.
    """
    state = database.parent
    place = f"{state}#{url}{UPLOAD_PATH}"
    variables = _variables(f"sqlite:{database}", f"folder:{place}", keeping)
    cores = os.cpu_count() or 1
    names = {route.function for route in ROUTES}
    gateway = Gateway(
        LocalFunction(handler_path(functions, "authorizer"), variables, concurrency=1),
        {name: LocalFunction(handler_path(functions, name), variables, cores) for name in names},
    )
    store = open_folder(place)
    workers = max(cores // 2, 1)  # whoever calls the API waits, photos that landed do not
    taker = PhotoTaker(LocalFunction(handler_path(functions, FUNCTION), variables, workers), SqliteSeenFiles(database))
    retention = timedelta(days=keeping.results) if keeping.results else None
    return Application(gateway, UploadDoor(store), Watcher(store, taker, workers, retention))


def _variables(database: str, photos: str, keeping: Keeping) -> dict[str, str]:
    stores = (settings.KEY_STORE, settings.GALLERY, settings.METER, settings.UPLOAD_LOG, settings.ANNOUNCER)
    variables = dict.fromkeys(stores, database) | QUIET
    variables |= {settings.PHOTOS: photos, settings.KEEP_PHOTOS: "on" if keeping.photos else "off"}
    if keeping.faces:
        variables[settings.RETENTION_DAYS] = str(keeping.faces)
    if keeping.results:
        variables[settings.RESULT_DAYS] = str(keeping.results)
    return variables


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
    functions: Path, database: Path, url: str, keeping: Keeping, listener: socket.socket, secret: str
) -> None:
    application = local_application(functions, database, url, keeping)
    config = uvicorn.Config(
        application, lifespan="on", log_level="warning", access_log=False, timeout_graceful_shutdown=STOP_SECONDS
    )
    try:
        await application.start()
        print(_welcome(url, secret, database.parent / UPLOADS), flush=True)
        async with telling_webhooks(functions, database, database.parent):
            await uvicorn.Server(config).serve(sockets=[listener])
    finally:
        await application.stop()
        listener.close()


def _welcome(url: str, secret: str, uploads: Path) -> str:
    photo = _from_here(settings.CHECKOUT / "docs" / "photos" / "astronaut.jpg")
    return f"""
Mien is listening on {url}
Demo key: {secret}  (kept in var/demo-key)
Playground: {url}/#key={secret}  (what follows the # stays in the browser)
Photos dropped into {_from_here(uploads)}/ are answered in {_from_here(uploads.parent / RESULTS)}/

Try it:
  curl -X POST "{url}{FACE_ANALYTICS.url_path}" -H "{KEY_HEADER}: {secret}" -F "face_image=@{photo}"

Stop it with Ctrl-C.
"""


def _from_here(path: Path) -> Path:
    return path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path
