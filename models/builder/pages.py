"""The pages docs/models.md and docs/accuracy.md: what is declared of each network, and what was measured, side by side.

The numbers are the manifest's and bench/results/accuracy.json's. What is written here is what they mean.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Any

import bench.calibrate
from bench.labelled import part_of
from mien.vision.manifest import Manifest, ModelSpec, Task
from models.builder.figures import confusions, is_confusion

Figures = Sequence[dict[str, Any]]

NOT_FOR: dict[Task, str] = {
    "detection": "counting people; faces that are very small, covered or turned away are missed",
    "landmarks": "measuring a face",
    "age_gender": "deciding alone who may buy or enter, or who somebody is: gender is how a face looks to a network",
    "expression": "what somebody feels; in the European Union not at work or in school (AI Act, Article 5(1)(f))",
    "liveness": "a proof of presence",
    "head_pose": "where somebody looks",
    "embedding": "deciding alone on anything that matters to the person; relatives and twins",
}
"""What nobody should use an answer of each task for."""

DATA: dict[str, str] = {
    "crowds": "photos of crowds with boxes, many of masked faces (iAmEthanMai/mask-detection-dataset; MIT, CC0). Tiny "
    "faces are not all labelled, so recall is measured, and precision is not.",
    "no_face": "scenes without people (lionelmessi6410/Face-Detection-with-a-Sliding-Window; research). A few hold "
    "statues or far crowds.",
    "fairface": "the first part of FairFace's validation set, balanced over groups (CC BY 4.0): tight crops, labelled "
    "by people who looked at the photo. Ages are in bands, whose middle is taken for the truth; gender and group are "
    "what labellers saw, in the data set's words.",
    "fer2013_validation": "FER2013's PublicTest, without augmented copies (no licence stated): grey, 48 pixels wide, "
    "labels that people dispute.",
    "news": "photos with one vote each (muxspace/facial_expressions; Apache-2.0 repository), mostly of people "
    "who are also in LFW.",
    "LFW": "Labeled Faces in the Wild, deep-funneled, the first folds of its pairs (research). Public figures in "
    "press photos, mostly white men; good networks are all nearly perfect on it, so it finds breakage and does not "
    "rank.",
}
"""What is measured on, by the word that the name of the data in a figure starts with."""

MEASURES: dict[Task, tuple[str, ...]] = {
    "detection": (
        "**Recall** is the share of labelled faces that a found box overlaps enough; by the longer side of the "
        "labelled box, in pixels of the photo.",
        "**Faces beside a portrait** is what a glance loses: a crowd is mounted beside a face that fills most of the "
        "frame. What a glance looks at was chosen on every second of these crowds "
        "([decision 13](decisions/0013-a-glance-first.md)): the rows are partly in-sample.",
        "**Photos without faces hit** is the share of such photos in which a face was found all the same.",
    ),
    "landmarks": (
        "No points are labelled. What is measured is steadiness: how far the points lie from where they should when "
        "the same photo is mirrored, tilted or halved. A network that is steadily wrong would not be noticed.",
        "The crop was chosen by this steadiness, on these photos among others "
        "([decision 7](decisions/0007-points-from-a-second-network.md)): the rows are in-sample.",
    ),
    "age_gender": (
        "**Mean absolute error** is in years, against the middle of the labelled band; **distance to the true band** "
        "counts nothing within it.",
        "**Age range meets the true band**: how often `age_range` and the band overlap. The range is meant to hold "
        "four true ages of five.",
        "**Gender** is the share that is named as it is labelled, of all, of each group and of each age: children are "
        "often taken for the other.",
    ),
    "expression": (
        "**Face found**: photos in which no face is found count against nothing else here.",
        "**Class-balanced** accuracy is the mean of the recalls of the sentiments; plain **accuracy** goes by how "
        "often each is in the data, which is not how often it is in your photos.",
        "**Recall** of a sentiment is the share of those so labelled that are so named.",
        "Nothing here is by age, gender or group: neither set has such labels, so a difference would not be seen.",
    ),
    "liveness": (
        "**BPCER** is the share of live people that are refused. **Attacks let through (APCER) are not measured**: "
        "there are no labelled attacks to measure them on. What it is worth that a photo is called live is not known.",
        "Photos that were scaled and compressed again are refused far more often than photos from a camera.",
    ),
    "head_pose": (
        "No poses are labelled. What is measured is whether the answer agrees with itself: a mirror image must have "
        "the opposite yaw and roll, and a photo turned by so many degrees as much more roll.",
    ),
    "embedding": (
        "**Verification accuracy** follows LFW's procedure: each fold is judged by the threshold that is best on the "
        "others.",
        "**TMR** is the share of pairs of one person that match; at **FMR**, the share of pairs of two people that do. "
        "A policy of the API names an FMR.",
        "**FPIR** is the share of strangers who are given a name, **FNIR** of enrolled people who are not given "
        "theirs, in a gallery where everybody has one photo.",
        "**The thresholds are in-sample**: the cosine of each policy, and the probability's logistic, were fitted on "
        "the pairs that these rows report on, and are for other photos less good than they look here.",
        "Nothing here is by age, gender or group: LFW has too few of most to tell. Other networks of this kind err "
        "more often on women, children and people with darker skin; assume the same, and measure on your own people.",
    ),
}
"""What the rows of each task mean, and what they do not show."""

MODELS_HEAD = """# The networks

Made from `models/manifest.json` by `make documents`; do not edit.

`GET /models` says the same of a running deployment, with what was measured ([accuracy](accuracy.md)).

| task | network | licence | bytes | weights from |
|---|---|---|---|---|"""

MODELS_MIDDLE = """
The licence is that of the weights, as their author states it; each card says where. What a network was trained on is
another question, and for weights from a package mostly not documented: the card says that too.

## What not to use them for
"""

MODELS_END = """
## Are they what they claim to be?

The manifest has the hash of each package's archive, which is not opened when it has another, and of each converted
file, which is the same on every machine. The build compares every converted network with its original on faces; an
image's build fails on another file; a function refuses one of another size. To do it all again, and see:

```
.venv/bin/python -m models.builder --force
sha256sum models/built/*.onnx
```

What a running server uses:

```
curl http://127.0.0.1:8000/api/v1/models -H "x-key-secret: $(cat var/demo-key)"
```

| file | SHA-256 |
|---|---|"""

ACCURACY_HEAD = """# Accuracy and fairness

Made from `bench/results/accuracy.json` and `models/manifest.json` by `make documents`; do not edit.

Every figure is of the whole product, from file to answer, on labelled photos, with its 95 % interval: Wilson's for a
share, normal for a mean. The interval says how well the figure is known on these photos. It does not say that your
photos are like them. `make accuracy DATA=folder` measures on photos of yours, laid out as
[contributing](contributing.md#labelled-photos) says; do that before you rely on an answer."""

DATA_HEAD = """
**Calibration error**, wherever it stands, is how far probabilities are from how often they are right, on the mean; 0 is
best.

## The data

None of it is in the repository.
"""

FITTED_HEAD = """
## Fitted, chosen, reported

What a figure is worth depends on whether anything was fitted to the photos it is of.
"""

FITTED_END = """
So the thresholds of recognition are in-sample, as said above; that of liveness was fitted on other
photos of the same source. What weights from packages were trained on, mostly nobody says, and it may include the data
above. Their crops and the detector's threshold were chosen early, and on which photos is not recorded."""


def models_page(manifest: Manifest) -> str:
    """docs/models.md."""
    return "\n".join(_models(manifest)) + "\n"


def accuracy_page(manifest: Manifest, figures: Figures) -> str:
    """docs/accuracy.md. Raises KeyError where data or a task is not explained here."""
    return "\n".join(_accuracy(manifest, figures)) + "\n"


def _models(manifest: Manifest) -> Iterator[str]:
    yield MODELS_HEAD
    for spec in manifest.models:
        weights = "<br>".join(_weights(spec))
        tasks = ", ".join(map(words, spec.tasks))
        yield f"| {tasks} | {_card(spec)} | {spec.licence.spdx} | {spec.bytes:,} | {weights} |"
    allowed = all(spec.licence.commercial_use for spec in manifest.models)
    total = sum(spec.bytes for spec in manifest.models)
    yield f"| | | {'all allow commercial use' if allowed else 'see the cards'} | {total:,} | |"
    yield MODELS_MIDDLE
    yield from (f"- **{words(task)}**: {NOT_FOR[task]}." for spec in manifest.models for task in spec.tasks)
    yield MODELS_END
    yield from (f"| `{spec.file}` | `{spec.sha256}` |" for spec in manifest.models)
    yield ""
    yield "To replace one: [contributing](contributing.md#adding-a-network)."


def _weights(spec: ModelSpec) -> Iterator[str]:
    if spec.training:
        yield f"trained here, `{spec.training.command}`"
    if spec.source:
        yield f"{spec.source.registry} `{spec.source.package}` {spec.source.version}"


def _accuracy(manifest: Manifest, figures: Figures) -> Iterator[str]:
    yield ACCURACY_HEAD
    for spec in manifest.models:
        for task in spec.tasks:
            yield from _task(task, spec, [figure for figure in figures if figure["task"] == task])
    yield DATA_HEAD
    used = {_data_set(figure["data"]) for figure in figures}
    yield from (f"- **{name}**: {what}" for name, what in DATA.items() if name in used)
    yield FITTED_HEAD
    for spec in manifest.models:
        if spec.training:
            yield f"- `{spec.id}` was **trained** on {'; '.join(spec.training.data)}."
    yield f"- **Held out**, for choices and constants: {_within(inspect.getdoc(part_of) or '')}"
    yield "- **Fitted** by `make calibrate`:"
    yield from (f"  - `{name}`: {_within(what)}" for name, what in _fits())
    yield FITTED_END


def _task(task: Task, spec: ModelSpec, figures: Figures) -> Iterator[str]:
    yield f"\n## {words(task).capitalize()}\n"
    yield f"{_card(spec)}. Not for {NOT_FOR[task]}."
    yield ""
    yield from (f"- {meaning}" for meaning in MEASURES[task])
    for data, some in groupby(figures, key=lambda figure: str(figure["data"])):
        rows = list(some)
        yield f"\nOn {data}:\n"
        yield "| measure | value | 95 % interval | n |"
        yield "|---|---|---|---|"
        for row in rows:
            if not is_confusion(row):
                interval = f"{row['low']:.3f} to {row['high']:.3f}"
                yield f"| {row['measure']} | {row['value']:.3f} | {interval} | {row['count']:,} |"
        yield from confusions(rows)
    if spec.notes:
        yield "\nTo know:\n"
        yield from (f"- {note}" for note in spec.notes)


def _fits() -> Iterator[tuple[str, str]]:
    """What bench/calibrate.py says of each constant that it fits."""
    said = " ".join((bench.calibrate.__doc__ or "").split())
    parts = re.split(rf"\b({'|'.join(bench.calibrate.FITS)}): ", said)[1:]
    yield from zip(parts[::2], map(str.strip, parts[1::2]), strict=True)


def _data_set(name: str) -> str:
    """Which of DATA the data of a figure is of. Raises KeyError."""
    for known in DATA:
        if name.startswith(known):
            return known
    raise KeyError(name)


def _card(spec: ModelSpec) -> str:
    return f"[`{spec.id}`](../models/cards/{spec.id}.md)"


def words(task: Task) -> str:
    """As it stands in a sentence."""
    return "age and gender" if task == "age_gender" else task.replace("_", " ")


def _within(sentence: str) -> str:
    """As it stands after a colon."""
    return sentence[:1].lower() + sentence[1:]
