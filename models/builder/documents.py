"""Model cards, NOTICE, figures and pages of the docs, and what GET /models answers: made from what is measured.

`python -m models.builder.documents`. A test compares them with what is committed.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from mien import settings
from mien.http.about import CATALOGUE_NAME
from mien.vision.manifest import MANIFEST_NAME, Manifest, ModelSpec, load_manifest
from models.builder.catalogue import catalogue
from models.builder.figures import is_confusion, with_figures, with_images
from models.builder.pages import accuracy_page, models_page, words

ROOT = settings.CHECKOUT
CARDS = ROOT / "models" / "cards"
DOCS = ROOT / "docs"
NOTICE = ROOT / "NOTICE"
README = ROOT / "README.md"
CATALOGUE = ROOT / "layers" / "mien" / "http" / CATALOGUE_NAME
FIGURES = ROOT / "bench" / "results" / "accuracy.json"
PRECISION = ROOT / "bench" / "results" / "precision.json"
IMAGES = ROOT / "bench" / "results" / "image.json"

MIT = """Permission is hereby granted, free of charge, to any person obtaining a copy of this software and associated
documentation files (the "Software"), to deal in the Software without restriction, including without limitation the
rights to use, copy, modify, merge, publish, distribute, sublicense, and/or sell copies of the Software, and to permit
persons to whom the Software is furnished to do so, subject to the following conditions:

The above copyright notice and this permission notice shall be included in all copies or substantial portions of the
Software.

THE SOFTWARE IS PROVIDED "AS IS", WITHOUT WARRANTY OF ANY KIND, EXPRESS OR IMPLIED, INCLUDING BUT NOT LIMITED TO THE
WARRANTIES OF MERCHANTABILITY, FITNESS FOR A PARTICULAR PURPOSE AND NONINFRINGEMENT. IN NO EVENT SHALL THE AUTHORS OR
COPYRIGHT HOLDERS BE LIABLE FOR ANY CLAIM, DAMAGES OR OTHER LIABILITY, WHETHER IN AN ACTION OF CONTRACT, TORT OR
OTHERWISE, ARISING FROM, OUT OF OR IN CONNECTION WITH THE SOFTWARE OR THE USE OR OTHER DEALINGS IN THE SOFTWARE."""


def main() -> None:
    for path, text in documents().items():
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")


def documents() -> dict[Path, str]:
    """Every generated file and its text."""
    manifest = load_manifest(ROOT / "models" / MANIFEST_NAME)
    measured, precision = (json.loads(file.read_text(encoding="utf-8")) for file in (FIGURES, PRECISION))
    figures = [figure for figure in measured if not is_confusion(figure)]
    cards = {CARDS / f"{spec.id}.md": _card(spec, figures, precision) for spec in manifest.models}
    images = json.loads(IMAGES.read_text(encoding="utf-8"))["functions"]
    pages = {
        DOCS / "models.md": models_page(manifest),
        DOCS / "accuracy.md": accuracy_page(manifest, measured),
        DOCS / "images.md": with_images((DOCS / "images.md").read_text(encoding="utf-8"), images),
    }
    readme = with_figures(README.read_text(encoding="utf-8"), figures)
    others = {NOTICE: _notice(manifest), CATALOGUE: catalogue(manifest, figures), README: readme}
    return cards | pages | others


def _card(spec: ModelSpec, figures: list[dict[str, Any]], precision: dict[str, Any]) -> str:
    compared = _compared(spec, figures, precision)
    return "\n".join([*_identity(spec), *_interface(spec), *_measured(spec, figures), *compared, *_notes(spec)]) + "\n"


def _identity(spec: ModelSpec) -> Iterator[str]:
    licence = spec.licence
    yield f"# {spec.title}"
    yield ""
    yield "Made from `models/manifest.json` and `bench/results/accuracy.json`; do not edit."
    yield ""
    yield "| | |"
    yield "|---|---|"
    yield f"| id | `{spec.id}` |"
    yield f"| tasks | {', '.join(map(words, spec.tasks))} |"
    yield f"| architecture | {spec.architecture} |"
    yield f"| file | `{spec.file}`, {spec.bytes:,} bytes, SHA-256 `{spec.sha256}` |"
    if spec.training:
        yield f"| trained here | `models/{spec.training.weights}`, by `{spec.training.command}` |"
        yield f"| starting from | {spec.training.starts_from} |"
        yield f"| on | {'; '.join(spec.training.data)} |"
    if spec.source:
        yield f"| source | {spec.source.registry} `{spec.source.package}` {spec.source.version} |"
        yield f"| its archive | SHA-256 `{spec.source.archive_sha256}` |"
        yield f"| read from it | {', '.join(f'`{name}`' for name in spec.source.members)} |"
        yield f"| origin | {spec.source.origin} |"
    yield f"| licence | {licence.spdx}, {licence.copyright} |"
    yield f"| stated in | {licence.statement} |"
    yield f"| commercial use | {'yes' if licence.commercial_use else 'no'} |"


def _interface(spec: ModelSpec) -> Iterator[str]:
    given = spec.input
    yield ""
    yield "## In and out"
    yield ""
    if spec.crop is not None:
        about = {
            "square": "a square about the centre of the face's box, its side the box's longer one",
            "level": "the same square, turned until the eyes are level",
            "stretch": "the face's box, stretched to the chip",
            "arcface": "the five landmarks brought onto ArcFace's 112×112 template by rotation, scale and shift",
        }[spec.crop.rule]
        down = f", moved down the face by {spec.crop.down:.0%}" if spec.crop.down else ""
        yield f"- crop: {about}, times {spec.crop.scale:g}{down}; outside the photo its edge repeats"
    yield f"- input `{given.name}` {_shape(given.shape)}: float32, {given.channel_order}, {_normalisation(spec)}"
    for output in spec.outputs:
        named = f" ({', '.join(output.labels)})" if output.labels else ""
        yield f"- output `{output.name}` {_shape(output.shape)}: {output.meaning}{named}"
    if spec.age_bands:
        yield f"- bands of age: from {', '.join(f'{years:g}' for years in spec.age_bands)} years"
        yield f"- shares of people taken to be in each: {', '.join(f'{share:g}' for share in spec.age_prior)}"
    for name, value in (spec.operating_points or {}).items():
        yield f"- {name.replace('_', ' ')}: {value:g}"
    if spec.matching:
        measured = spec.matching
        yield ""
        yield f"The cosine that a share of {measured.non_mated_pairs:,} non-mated pairs of {measured.data} reaches:"
        yield ""
        yield "| policy | cosine | probability of one person |"
        yield "|---|---|---|"
        for policy, cosine in measured.cosines.items():
            yield f"| {policy} | {cosine:.4f} | {measured.probability(cosine):.3f} |"
        yield ""
        yield "The probability is for a pair that is as likely one person as two before the photos are seen:"
        yield f"1 / (1 + exp(−({measured.slope:g} · cosine {measured.intercept:+g})))."


def _normalisation(spec: ModelSpec) -> str:
    mean, std = spec.input.mean, spec.input.std
    if not any(mean) and set(std) == {1.0}:
        return "0 to 255 as it is"
    return f"(pixel − {_triple(mean)}) / {_triple(std)}"


def _triple(values: tuple[float, float, float]) -> str:
    return f"{values[0]:g}" if len(set(values)) == 1 else f"({', '.join(f'{value:g}' for value in values)})"


def _shape(shape: tuple[int | None, ...]) -> str:
    return "×".join("n" if size is None else str(size) for size in shape)


def _measured(spec: ModelSpec, figures: list[dict[str, Any]]) -> Iterator[str]:
    yield ""
    yield "## Measured"
    yield ""
    mine = [figure for figure in figures if figure["task"] in spec.tasks]
    if not mine:
        yield "Nothing by a command of this project."
        return
    yield "By `make accuracy`, through the whole product, from file to answer:"
    yield ""
    yield "| measure | data | value | 95 % interval | n |"
    yield "|---|---|---|---|---|"
    for f in mine:
        interval = f"{f['low']:.3f} to {f['high']:.3f}"
        yield f"| {f['measure']} | {f['data']} | {f['value']:.3f} | {interval} | {f['count']:,} |"


def _compared(spec: ModelSpec, figures: list[dict[str, Any]], precision: dict[str, Any]) -> Iterator[str]:
    """As its author wrote it and as it is shipped; a figure of the one is found in those of the other."""
    one, other = (precision["networks"][spec.id][form] for form in ("plain", "shipped"))
    yield ""
    yield "## As it is shipped"
    yield ""
    yield "By `make precision`: the network as it was written, in single precision, and as it is shipped."
    yield ""
    yield "| | as written | shipped |"
    yield "|---|---|---|"
    yield f"| bytes | {one['bytes']:,} | {other['bytes']:,} |"
    yield f"| ms for one input, one core of {precision['machine']['cpu']} | {one['ms']:.2f} | {other['ms']:.2f} |"
    shipped = {(figure["task"], figure["measure"], figure["data"]): figure["value"] for figure in figures}
    for figure in precision["figures"]:
        task, measure, data = figure["task"], figure["measure"], figure["data"]
        if task in spec.tasks:
            yield f"| {measure}, on {data} | {figure['value']:.4f} | {shipped[task, measure, data]:.4f} |"


def _notes(spec: ModelSpec) -> Iterator[str]:
    if spec.notes:
        yield ""
        yield "## To know"
        yield ""
        yield from (f"- {note}" for note in spec.notes)


def _notice(manifest: Manifest) -> str:
    return "\n".join(_notice_lines(manifest)) + "\n"


def _notice_lines(manifest: Manifest) -> Iterator[str]:
    yield "Mien"
    yield "Copyright the Mien authors. Licensed under the Apache License, Version 2.0; see LICENSE."
    yield ""
    yield "Most weights are other people's work. They are fetched when Mien is built, converted, and part of what is"
    yield "deployed:"
    for spec in manifest.models:
        yield ""
        yield f"{spec.title} ({spec.file})"
        yield f"    {spec.licence.spdx}. {spec.licence.copyright}"
        if spec.training:
            yield f"    Trained by the Mien authors, starting from: {spec.training.starts_from}"
        if spec.source:
            yield f"    From {spec.source.registry} package {spec.source.package} {spec.source.version}"
            yield f"    Origin: {spec.source.origin}"
        yield f"    Licence stated: {spec.licence.statement}"
    yield ""
    yield "The example photos in docs/photos are in the public domain or CC0; see docs/photos/README.md."
    yield ""
    yield "The MIT licence, under which the weights above are:"
    yield ""
    yield MIT


if __name__ == "__main__":
    main()
