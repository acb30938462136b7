"""`mien tune`: how fast a deployment answers, and what that costs, as it is or with more and less memory."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from statistics import median, quantiles
from time import perf_counter

import click
import requests
from rich.console import Console
from rich.table import Table

from mien.cli.doctor import SECONDS, demo_key, root_of
from mien.cli.sample_photos import group, jpeg, no_face, one_face
from mien.domain.prices import Architecture, Work
from mien.http.routes import FACE_ANALYTICS
from mien.http.wire import KEY_HEADER

WARM_UP = 3
SMALLEST_MB, LARGEST_MB = 128, 10_240
_MB_PER_GB = 1024


@dataclass(frozen=True, slots=True)
class Times:
    """Milliseconds of the calls with one photo: as the caller saw them, and as the answers say of themselves."""

    faces: int
    first: float
    seen: Sequence[float]
    said: Sequence[float]


class MemorySizes(click.ParamType[tuple[int, ...]]):
    """Numbers of megabytes with commas between."""

    name = "MB[,MB...]"

    def convert(
        self, value: str | tuple[int, ...], param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[int, ...]:
        if isinstance(value, tuple):
            return value
        sizes = tuple(int(size) if size.strip().isdecimal() else 0 for size in value.split(","))
        if not all(SMALLEST_MB <= size <= LARGEST_MB for size in sizes):
            self.fail(f"{value!r} are not numbers from {SMALLEST_MB} to {LARGEST_MB} with commas between.", param, ctx)
        return sizes


@click.command()
@click.argument("url")
@click.option("--key", envvar="MIEN_KEY", help="The secret of an API key; $MIEN_KEY, or else the local server's.")
@click.option("--calls", default=20, show_default=True, type=click.IntRange(2), help="Timed calls of each photo.")
@click.option("--memory", type=MemorySizes(), default=(), help="What the function has; with --function, what to try.")
@click.option(
    "--architecture",
    type=click.Choice([each.value for each in Architecture]),
    default=Architecture.X86_64.value,
    show_default=True,
    help="To reckon the cost by; with --function it is asked for.",
)
@click.option("--function", "function_name", metavar="NAME", help="The analytics function, to try other memory sizes.")
def tune(
    url: str, key: str | None, calls: int, memory: tuple[int, ...], architecture: str, function_name: str | None
) -> None:
    """Time face_analytics of the deployment at URL, and say what a thousand such calls cost.

    Each photo, of one face, six and none, is sent a few times to warm up and then --calls times, one after another; the
    calls are billed, and the key's plan must allow their rate. With --function and AWS credentials the function gets
    each size of --memory in turn, and in the end, whatever happens, the one it had. Cost is reckoned from the time that
    answers say they took.
    """
    if not function_name and len(memory) > 1:
        raise click.UsageError("To try several memory sizes name the --function.")
    session = requests.Session()
    session.headers[KEY_HEADER] = key or demo_key()
    target = f"{root_of(url)}{FACE_ANALYTICS.url_path}"
    with session:
        if function_name:
            _try_sizes(session, target, calls, memory, function_name)
        else:
            kind = Architecture(architecture) if memory else None
            _print(list(_measure(session, target, calls)), next(iter(memory), None), kind)


def _try_sizes(session: requests.Session, target: str, calls: int, sizes: Sequence[int], name: str) -> None:
    from mien.adapters.aws import client
    from mien.adapters.lambda_function import LambdaFunction

    function = LambdaFunction(client("lambda"), name)
    if not sizes:
        now = function.size()
        _print(list(_measure(session, target, calls)), now.memory_mb, now.architecture)
        return
    with function.restored() as before:
        click.echo(f"{name} has {before.memory_mb} MB, and will again.", err=True)
        for size in sizes:
            function.give(size)
            _print(list(_measure(session, target, calls)), size, before.architecture)


def _measure(session: requests.Session, target: str, calls: int) -> Iterator[Times]:
    photos = {1: jpeg(one_face(640, 480)), 6: jpeg(group(6, 1920, 1080)), 0: jpeg(no_face(640, 480))}
    for faces, photo in photos.items():
        first, _ = _call(session, target, photo, faces)
        for _ in range(WARM_UP):
            _call(session, target, photo, faces)
        times = [_call(session, target, photo, faces) for _ in range(calls)]
        yield Times(faces, first, [seen for seen, _ in times], [said for _, said in times])


def _call(session: requests.Session, target: str, photo: bytes, faces: int) -> tuple[float, float]:
    """Milliseconds as seen from here, and as the answer says of itself."""
    start = perf_counter()
    try:
        answer = session.post(target, files={"face_image": ("photo.jpg", photo, "image/jpeg")}, timeout=SECONDS)
        took = (perf_counter() - start) * 1000
        body = answer.json()
    except requests.RequestException as error:
        raise click.ClickException(f"{target} gives no answer of Mien's: {type(error).__name__}.") from None
    if answer.status_code != 200:
        raise click.ClickException(f"{target} answers {answer.status_code}: {body.get('message', '')}")
    if body["face_count"] != faces:
        raise click.ClickException(f"{target} sees {body['face_count']} faces in a photo of {faces}.")
    return took, float(body["latency_ms"])


def _print(rows: Sequence[Times], memory_mb: int | None, architecture: Architecture | None) -> None:
    title = f"{memory_mb} MB, {architecture}" if memory_mb else "memory not known"
    table = Table("faces", "first ms", "median ms", "p95 ms", "its own median ms", "its own p95 ms", "$ a thousand")
    table.title = title
    for row in rows:
        figures = [row.first, median(row.seen), _p95(row.seen), median(row.said), _p95(row.said)]
        cost = f"{_dollars_a_thousand(row, memory_mb, architecture):.4f}" if memory_mb and architecture else ""
        table.add_row(str(row.faces), *(f"{figure:.0f}" for figure in figures), cost)
    Console(width=None if sys.stdout.isatty() else 160).print(table)


def _p95(times: Sequence[float]) -> float:
    return quantiles(times, n=20, method="inclusive")[-1]


def _dollars_a_thousand(row: Times, memory_mb: int, architecture: Architecture) -> float:
    seconds = sum(row.said) / len(row.said) / 1000
    return 1000 * Work(gb_seconds=memory_mb / _MB_PER_GB * seconds, architecture=architecture).dollars
