"""The process that is fuzzed: reads or decodes what it is sent, and says how that went and what it took."""

from __future__ import annotations

import faulthandler
import resource
import time
import traceback
from dataclasses import dataclass
from multiprocessing.connection import Connection

from mien.domain.errors import MienError
from mien.http.images import Form, read_form, read_photos
from mien.vision.decode import decode
from mien.vision.image_header import read_header
from tests.fuzz.inputs import IMAGE, Input


@dataclass(frozen=True, slots=True)
class Outcome:
    """`name` is that of an error of ours, or "ok"; `bug` the traceback of anything else."""

    name: str
    seconds: float
    peak_bytes: int
    bug: str = ""


def run(given: Input) -> Outcome:
    start, name, bug = time.process_time(), "ok", ""
    try:
        if given.kind == IMAGE:
            decode_and_check(given.data)
        else:
            read(read_form(given.kind, given.data))
    except MienError as error:
        name = type(error).__name__
    except Exception as error:
        name, bug = type(error).__name__, traceback.format_exc()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    return Outcome(name, time.process_time() - start, peak, bug)


def decode_and_check(data: bytes) -> None:
    image, header = decode(data), read_header(data)
    sides = (header.size.height, header.size.width)
    assert image.shape == (*(sides if header.orientation < 5 else sides[::-1]), 3)
    assert image.dtype == "uint8"
    assert image.flags.c_contiguous


def read(form: Form) -> None:
    form.text("metadata", 1000)
    assert all(isinstance(photo, bytes) for photo in read_photos(form))


def serve(descriptor: int) -> None:
    """Answer each input that comes over a connection; first, without being asked, one that costs nothing."""
    faulthandler.enable()
    connection: Connection[Outcome, Input] = Connection(descriptor)
    connection.send(run(Input(IMAGE, b"")))
    while True:
        try:
            given = connection.recv()
        except EOFError:
            return
        connection.send(run(given))
