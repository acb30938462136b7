"""Photos in folders, and progress for whoever waits."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TypeVar

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

SUFFIXES = {".jpg", ".jpeg", ".png", ".webp"}

Done = TypeVar("Done")


def photos_in(folder: Path) -> list[Path]:
    """Every file beneath a folder whose name ends like a photo's, in order of their names."""
    return sorted(file for file in folder.rglob("*") if is_photo(file))


def is_photo(file: Path) -> bool:
    """Whether a file's name ends like a photo's."""
    return file.suffix.lower() in SUFFIXES and file.is_file()


def with_progress(what: str, done: Iterable[Done], total: int) -> Iterator[Done]:
    """A bar on stderr while a person watches; nothing in a pipe."""
    console = Console(stderr=True)
    columns = (TextColumn(what), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        yield from progress.track(done, total=total)
