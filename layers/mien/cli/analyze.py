"""`mien analyze`: the faces of photos on disk, without a server."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.table import Table

from mien import settings
from mien.cli.draw import draw_faces
from mien.cli.photos import photos_in, with_progress
from mien.domain.errors import MienError, UndecodableImage
from mien.domain.face_filter import FaceFilter
from mien.domain.faces import ImageAnalysis
from mien.http.errors import entry_for
from mien.http.schemas import face_body
from mien.http.wire import compact_json
from mien.usecases.analyse_image import AnalyseImage


@dataclass(frozen=True)
class Photo:
    """A file, and its place beneath the folder it was found in."""

    file: Path
    place: Path


@dataclass(frozen=True)
class Outcome:
    """What became of one photo."""

    photo: Path
    result: ImageAnalysis | MienError


@click.command()
@click.argument("photos", nargs=-1, required=True, metavar="PHOTO|FOLDER...", type=click.Path(path_type=Path))
@click.option("--table", is_flag=True, help="Print a table instead of JSON lines.")
@click.option("--draw", metavar="DIR", type=click.Path(path_type=Path), help="Write copies with the faces drawn in.")
def analyze(photos: tuple[Path, ...], table: bool, draw: Path | None) -> None:
    """Analyse photos, and the photos in folders, one JSON line each.

    One bad file does not stop the rest. Exits with 0 when every photo was analysed, 1 when some were not.
    """
    found = list(_photos(photos))
    if not found:
        click.echo(f"There are no photos in {', '.join(map(str, photos))}.", err=True)
        sys.exit(1)
    outcomes = with_progress("Analysing", _analyse_all(found, draw), len(found))
    failures = _print_table(outcomes) if table else _print_lines(outcomes)
    sys.exit(1 if failures else 0)


def _photos(given: Iterable[Path]) -> Iterator[Photo]:
    """Photos as given; of folders, every file beneath whose name ends like a photo's."""
    for path in given:
        if path.is_dir():
            yield from (Photo(file, file.relative_to(path)) for file in photos_in(path))
        else:
            yield Photo(path, Path(path.name))


def _analyse_all(photos: list[Photo], draw: Path | None) -> Iterator[Outcome]:
    analyse = AnalyseImage.load(settings.models_folder(), settings.threads())
    for photo in photos:
        yield _analyse(analyse, photo.file, draw and draw / photo.place)


def _analyse(analyse: AnalyseImage, file: Path, drawn: Path | None) -> Outcome:
    try:
        data = file.read_bytes()
        analysis = analyse(data, FaceFilter())
    except OSError as error:
        return Outcome(file, UndecodableImage(f"The file cannot be read: {error.strerror}."))
    except MienError as error:
        return Outcome(file, error)
    if drawn is not None:
        draw_faces(data, analysis, drawn)
    return Outcome(file, analysis)


def _print_lines(outcomes: Iterator[Outcome]) -> int:
    failures = 0
    for outcome in outcomes:
        failures += isinstance(outcome.result, MienError)
        click.echo(compact_json(_line(outcome)))
    return failures


def _line(outcome: Outcome) -> dict[str, Any]:
    if isinstance(outcome.result, MienError):
        error = {"code": entry_for(outcome.result).code, "message": outcome.result.message}
        return {"file": str(outcome.photo), "status": "error", "error": error}
    size = outcome.result.size
    faces = [face_body(face, size) for face in outcome.result.faces]
    image = {"width": size.width, "height": size.height}
    return {"file": str(outcome.photo), "status": "success", "face_count": len(faces), "faces": faces, "image": image}


def _print_table(outcomes: Iterator[Outcome]) -> int:
    table = Table("photo", "face", "age", "gender", "emotion", "live", "yaw/pitch/roll", "quality")
    failures = 0
    for outcome in outcomes:
        if isinstance(outcome.result, MienError):
            failures += 1
            table.add_row(str(outcome.photo), f"[red]{outcome.result}[/red]")
        elif not outcome.result.faces:
            table.add_row(str(outcome.photo), "no face")
        else:
            _add_faces(table, outcome.photo, outcome.result)
    Console(width=None if sys.stdout.isatty() else 160).print(table)
    return failures


def _add_faces(table: Table, photo: Path, analysis: ImageAnalysis) -> None:
    for number, face in enumerate(analysis.faces):
        box = face.detection.box
        table.add_row(
            str(photo) if number == 0 else "",
            f"{box.width:.0f}×{box.height:.0f} at {box.x1:.0f},{box.y1:.0f}",
            f"{face.age.years:.0f} ({face.age.low:.0f}-{face.age.high:.0f})",
            f"{face.gender.value} {face.gender.probability:.0%}",
            f"{face.emotion.value} {face.emotion.probability:.0%}",
            f"{face.liveness.score:.2f}",
            f"{face.pose.yaw:.0f}/{face.pose.pitch:.0f}/{face.pose.roll:.0f}",
            f"{face.quality.score:.2f}",
        )
