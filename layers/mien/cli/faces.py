"""`mien faces`: the people enrolled in a store, managed without a server."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import Any, TextIO

import click

from mien import settings
from mien.adapters.searches import open_search
from mien.adapters.stores import open_gallery
from mien.cli.exchange import exported_line, parse_line
from mien.cli.photos import is_photo, photos_in, with_progress
from mien.domain.errors import AlreadyRegistered, MienError, NoFace
from mien.domain.gallery import DEFAULT_COLLECTION, MAX_REFERENCES, GalleryId, Subject, is_collection, is_uid
from mien.domain.keys import DEMO_TENANT
from mien.http.errors import entry_for
from mien.http.schemas import rejection_reason
from mien.http.wire import compact_json
from mien.ports.face_search import FaceSearch
from mien.ports.gallery import Gallery
from mien.usecases.enrol import Enrol, Submission, find_subject
from mien.usecases.forget import Forget
from mien.usecases.probe import FaceReader
from mien.usecases.transfer import Import, export, subjects_of
from mien.vision.embedder import embedding_dimensions, embedding_space
from mien.vision.manifest import MANIFEST_NAME, Manifest, load_manifest

OPERATOR = "operator"
"""Who did it, in receipts of what was done here."""

Line = dict[str, Any]


@dataclass
class Place:
    """The gallery that a command is about, and what it takes to change it, opened when first used."""

    store: str
    gallery_id: GalleryId

    @cached_property
    def gallery(self) -> Gallery:
        gallery = open_gallery(self.store)
        click.get_current_context().call_on_close(gallery.close)
        return gallery

    @cached_property
    def reader(self) -> FaceReader:
        return FaceReader.load(settings.models_folder(), settings.threads())

    @cached_property
    def search(self) -> FaceSearch:
        dimensions = embedding_dimensions(self._manifest.for_task("embedding"))
        return open_search(settings.search_address(), self.gallery, self.space, dimensions)

    @property
    def space(self) -> str:
        return embedding_space(self._manifest)

    @cached_property
    def _manifest(self) -> Manifest:
        return load_manifest(settings.models_folder() / MANIFEST_NAME)


@dataclass(frozen=True)
class Folder:
    """A person's photos on disk."""

    uid: str
    photos: tuple[Path, ...]


@click.group()
@click.option(
    "--store",
    metavar="ADDRESS",
    default=lambda: settings.address_or_local(settings.GALLERY),
    help=f"sqlite:FILE or dynamodb:TABLE; ${settings.GALLERY}, or else the local server's.",
)
@click.option("--tenant", default=DEMO_TENANT, show_default=True, help="Whose people.")
@click.option("--collection", default=DEFAULT_COLLECTION, show_default=True, help="Which of theirs.")
@click.pass_context
def faces(context: click.Context, store: str, tenant: str, collection: str) -> None:
    """Enrol people from folders of photos; list, delete, export, import them.

    Every command prints one JSON line a person, and exits with 1 when something was left undone.
    """
    if not is_collection(collection):
        raise click.BadParameter("1 to 64 of A-Z a-z 0-9 . _ -", param_hint="--collection")
    context.obj = Place(store, GalleryId(tenant, collection))


@faces.command()
@click.argument("folder", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--replace", is_flag=True, help="Replace the faces of people who are enrolled already.")
@click.option("--min-liveness", type=click.FloatRange(0, 1), help="Least liveness score; 0 for scans and old photos.")
@click.option("--retention-days", type=click.IntRange(1), help="Forget them after so many days.")
@click.pass_obj
def enrol(place: Place, folder: Path, replace: bool, min_liveness: float | None, retention_days: int | None) -> None:
    """Enrol the people in FOLDER, each a subfolder of photos, or one photo, named by their uid.

    Who is enrolled already is passed over, so a run that was broken off can be run again.
    """
    people = _people(folder)
    if not people:
        _stop(f"There are no photos in {folder}.")
    retention = timedelta(days=retention_days) if retention_days else None
    use = Enrol(place.reader, place.gallery, place.search, retention)

    def one(person: Folder) -> Line:
        held = place.gallery.find(place.gallery_id, person.uid)
        if held is not None and not replace:
            return {"status": "already_registered", "faces": len(held.face_ids)}
        return _enrol(use.update if held else use.register, place, person, min_liveness)

    _report(with_progress("Enrolling", _each(people, lambda p: p.uid, one), len(people)))


@faces.command()
@click.argument("folder", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--min-liveness", type=click.FloatRange(0, 1), default=0, help="Least liveness score [default: 0].")
@click.pass_obj
def reembed(place: Place, folder: Path, min_liveness: float) -> None:
    """After a change of model, enrol everybody anew from the photos in FOLDER, laid out as for `enrol`.

    Metadata and dates stay. Who has no photo there, or none that will do, stays as they are and is named.
    """
    photos = {person.uid: person for person in _people(folder)}
    everybody = subjects_of(place.gallery, place.gallery_id)
    old = [subject for subject in everybody if subject.space != place.space]
    use = Enrol(place.reader, place.gallery, place.search, settings.retention())

    def one(subject: Subject) -> Line:
        if subject.uid not in photos:
            raise NoFace(f"There is no photo of {subject.uid!r} in {folder}.")
        return _enrol(use.update, place, photos[subject.uid], min_liveness)

    _report(with_progress("Embedding", _each(old, lambda s: s.uid, one), len(old)))


@faces.command("list")
@click.pass_obj
def list_(place: Place) -> None:
    """Name everybody."""
    for subject in subjects_of(place.gallery, place.gallery_id):
        expires = subject.expires_at
        _say(
            {
                "uid": subject.uid,
                "faces": len(subject.face_ids),
                "model": subject.space,
                "created_at": subject.created_at.isoformat(),
                "updated_at": subject.updated_at.isoformat(),
                "expires_at": expires and expires.isoformat(),
                "metadata": subject.metadata,
            }
        )


@faces.command()
@click.argument("uids", nargs=-1, required=True)
@click.pass_obj
def delete(place: Place, uids: tuple[str, ...]) -> None:
    """Delete people; nothing is kept but a receipt."""
    forget = Forget(place.gallery, place.search)

    def one(uid: str) -> Line:
        return {"status": "deleted", "faces": forget(place.gallery_id, uid, OPERATOR)}

    _report(_each(uids, str, one))


@faces.command("export")
@click.argument("uids", nargs=-1)
@click.option("--output", "-o", type=click.File("w", encoding="utf-8"), default="-", help="A file instead of stdout.")
@click.pass_obj
def export_(place: Place, uids: tuple[str, ...], output: TextIO) -> None:
    """Write all that is kept of people, one JSON line each; of everybody when no UID is named.

    The templates are biometric data: keep the file as you would the photos.
    """
    if uids:
        subjects = [find_subject(place.gallery, place.gallery_id, uid) for uid in uids]
    else:
        subjects = list(subjects_of(place.gallery, place.gallery_id))
    for exported in with_progress("Exporting", export(place.gallery, place.gallery_id, subjects), len(subjects)):
        output.write(compact_json(exported_line(exported)) + "\n")


@faces.command("import")
@click.argument("file", type=click.File(encoding="utf-8"))
@click.pass_obj
def import_(place: Place, file: TextIO) -> None:
    """Bring in what `export` wrote. Who is enrolled already is passed over."""
    bring_in = Import(place.gallery, place.search)
    lines = [line for line in file if line.strip()]

    def one(line: str) -> Line:
        enrolled = parse_line(line)
        try:
            bring_in(place.gallery_id, enrolled, OPERATOR)
        except AlreadyRegistered:
            return {"status": "already_registered"}
        return {"status": "imported", "faces": len(enrolled.subject.face_ids)}

    _report(with_progress("Importing", _each(lines, _uid_of, one), len(lines)))


@faces.command()
@click.pass_obj
def reindex(place: Place) -> None:
    """Make the search index ($MIEN_SEARCH) hold what the gallery holds, and nothing else.

    For a gallery that is moved to an index, and daily where faces expire: an index does not know that they do.
    """
    place.search.rebuild(place.gallery_id)


@faces.command()
@click.option("--days", type=click.IntRange(1), default=30, show_default=True, help="How far back.")
@click.pass_obj
def log(place: Place, days: int) -> None:
    """Print the audit log: who did what to whom, and to how many faces."""
    for receipt in place.gallery.receipts(place.gallery_id, datetime.now(UTC) - timedelta(days=days)):
        at = receipt.at.isoformat(timespec="milliseconds")
        _say({"at": at, "action": receipt.action.value, "uid": receipt.uid, "faces": receipt.faces, "by": receipt.by})


def _people(folder: Path) -> list[Folder]:
    people = []
    for entry in sorted(folder.iterdir()):
        if is_photo(entry):
            people.append(Folder(entry.stem, (entry,)))
        elif entry.is_dir() and (photos := photos_in(entry)):
            people.append(Folder(entry.name, tuple(photos)))
    return people


def _enrol(how: Callable[..., Any], place: Place, person: Folder, min_liveness: float | None) -> Line:
    if not is_uid(person.uid):
        return {"status": "invalid_parameter", "message": "A uid has 1 to 128 printable ASCII characters."}
    taken, left = person.photos[:MAX_REFERENCES], person.photos[MAX_REFERENCES:]
    submission = Submission(person.uid, [photo.read_bytes() for photo in taken], min_liveness=min_liveness)
    enrolment = how(place.gallery_id, submission, OPERATOR)
    rejected = [{"photo": taken[r.index].name, "reason": rejection_reason(r)} for r in enrolment.rejected]
    line: Line = {"status": "enrolled", "faces": len(enrolment.subject.face_ids), "rejected": rejected}
    return line | ({"left_out": len(left)} if left else {})


def _each(things: Iterable[Any], uid_of: Callable[[Any], str], one: Callable[[Any], Line]) -> Iterator[Line]:
    """Do one thing after another; what fails is told in its line and does not stop the rest."""
    for thing in things:
        try:
            line = one(thing)
        except OSError as error:
            line = {"status": "unreadable", "message": error.strerror}
        except MienError as error:
            line = {"status": entry_for(error).code, "message": error.message}
        yield {"uid": uid_of(thing)} | line


def _report(lines: Iterable[Line]) -> None:
    done = True
    for line in lines:
        done = done and "message" not in line
        _say(line)
    sys.exit(0 if done else 1)


def _uid_of(line: str) -> str:
    try:
        return str(json.loads(line)["uid"])
    except (ValueError, KeyError, TypeError):
        return ""


def _say(line: Line) -> None:
    click.echo(compact_json(line))


def _stop(message: str) -> None:
    click.echo(message, err=True)
    sys.exit(1)
