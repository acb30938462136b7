"""Train Mien's expression network. `python -m models.training.expression DATA`; `make train-expression DATA=folder`.

The embedding network's convolutions are fitted to FER2013's training set, seen grey at 56 pixels. In the last third,
what has been learnt teaches: FER2013's labels, many of which people dispute, are mixed with what the averaged weights
say, and FairFace's training photos, which nobody labelled, get what those weights and face-api's network make of them
together. It ends with models/weights/expression.onnx; `python -m models.builder --update-manifest` follows.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from bench.labelled import Part
from mien import settings
from mien.domain.faces import Sentiment
from models.builder.convert import GREY_OF_BGR
from models.training.augment import NONE, Augmentation, views
from models.training.chips import SCALE, Arrays, fairface, fer2013, grey, rows_of
from models.training.export import export
from models.training.fitting import Fitting
from models.training.teacher import faceapi_logits
from models.training.trunk import Head, Trunk

WEIGHTS = settings.CHECKOUT / "models" / "weights" / "expression.onnx"

CHIP = 112  # what the product cuts; the network sees it at half the size, about as fine as FER2013's pictures
SIDE = CHIP // 2
SHARE = 1 / SCALE  # of a stored chip that the view shows
DOWN = 0.06  # of the chip's side: ArcFace's template ends at the mouth
CLASSES = list(Sentiment)

SEED = 20261121
EPOCHS = 6
TAUGHT_FROM = 4  # the epoch from which the averaged weights teach
MOST_OF_A_KIND = 3000  # pictures of one sentiment in an epoch
BATCH = 64
PEAK_RATE = 6e-4
SMOOTHING = 0.1
TEACHER_SHARE = 0.4  # of the targets of FER2013's pictures
FACEAPI_TEMPERATURE = 5.46


class ExpressionNet(nn.Module):
    """(n, 1, side, side) grey, 0-255, to (n, 7) logits, as if all sentiments were as frequent."""

    def __init__(self) -> None:
        super().__init__()
        self.trunk = Trunk()
        self.head = Head(len(CLASSES))

    def forward(self, seen: Tensor) -> Tensor:
        like_colour = ((seen - 127.5) / 128).expand(-1, 3, -1, -1).contiguous(memory_format=torch.channels_last)
        logits: Tensor = self.head(self.trunk(like_colour))
        return logits


class Shipped(nn.Module):
    """The same for (n, 3, 112, 112) BGR, 0-255, as the product cuts it."""

    def __init__(self, net: ExpressionNet) -> None:
        super().__init__()
        self.net = net
        self.grey = nn.Conv2d(3, 1, 1, bias=False)
        self.grey.weight.data = torch.tensor(GREY_OF_BGR).reshape(1, 3, 1, 1)

    def forward(self, chips: Tensor) -> Tensor:
        logits: Tensor = self.net(F.avg_pool2d(self.grey(chips), 2))
        return logits


@dataclass(frozen=True)
class Lesson:
    """Stored chips (n, 1, size, size), what they are taken for (n, 7), and which shares of what an epoch shows of them
    the sentiments have (7,), as logarithms.
    """

    chips: Tensor
    targets: Tensor
    prior: Tensor

    def drawn(self, rng: torch.Generator) -> Tensor:
        """Rows for an epoch: all, or as many of a frequent sentiment as are allowed."""
        rows = torch.randperm(len(self.chips), generator=rng)
        kinds = self.targets[rows].argmax(dim=1)
        return torch.cat([rows[kinds == kind][:MOST_OF_A_KIND] for kind in range(len(CLASSES))])


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m models.training.expression", description=__doc__)
    parser.add_argument("data", type=Path, help="the folder of labelled photos")
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    train(options.data)


def train(data: Path) -> None:
    """Fit the network; its averaged weights are written after every epoch."""
    torch.manual_seed(SEED)
    rng = torch.Generator().manual_seed(SEED)
    pictures, photos = fer2013(data), fairface(data)
    chips = torch.from_numpy(pictures["chips"])[:, None]
    labels = labels_of(pictures)
    learnt, chosen_on = (torch.from_numpy(rows_of(pictures, part)) for part in (Part.TRAINING, Part.CHOOSING))
    unlabelled = torch.from_numpy(photos["chips"][rows_of(photos, Part.TRAINING)])
    theirs = faceapi_logits(unlabelled.permute(0, 3, 1, 2), SHARE, DOWN)
    lessons = [labelled(chips[learnt], labels[learnt])]

    net = ExpressionNet()
    net.trunk.load_embedding(settings.models_folder() / "faceplugin-embedding.onnx")
    shown = len(lessons[0].drawn(torch.Generator()))
    steps = EPOCHS * (shown // BATCH) + (EPOCHS - TAUGHT_FROM) * (len(unlabelled) // BATCH)
    fitting = Fitting(net, steps, PEAK_RATE)
    for epoch in range(EPOCHS):
        if epoch == TAUGHT_FROM:
            lessons = [retold(lessons[0], fitting.average), told(unlabelled, theirs, fitting.average)]
        losses = []
        for lesson, rows in batches(lessons, rng):
            losses.append(fitting.learn(loss(fitting.net, lesson, rows, rng)))
            if fitting.step % 100 == 0:
                print(f"step {fitting.step} of {steps}: loss {sum(losses[-100:]) / len(losses[-100:]):.3f}", flush=True)
        right = balanced_accuracy(said(fitting.average, chips[chosen_on]), labels[chosen_on])
        print(
            f"epoch {epoch}: loss {sum(losses) / len(losses):.3f}, class-balanced {right:.3f} on held out", flush=True
        )
        export(Shipped(fitting.average), torch.zeros(1, 3, CHIP, CHIP), ["logits"], WEIGHTS)


def labels_of(pictures: Arrays) -> Tensor:
    """The place of each picture's sentiment in CLASSES."""
    return torch.tensor([CLASSES.index(Sentiment(str(name))) for name in pictures["labels"]])


def labelled(chips: Tensor, labels: Tensor) -> Lesson:
    """Pictures with people's labels, smoothed."""
    one_hot = F.one_hot(labels, len(CLASSES)).float()
    shown = one_hot.sum(dim=0).clamp(max=MOST_OF_A_KIND)
    return Lesson(chips, one_hot * (1 - SMOOTHING) + SMOOTHING / len(CLASSES), (shown / shown.sum()).log())


def retold(lesson: Lesson, teacher: nn.Module) -> Lesson:
    """The same pictures, their labels mixed with what a network says of them."""
    says = (said(teacher, lesson.chips) + lesson.prior).softmax(dim=1)
    return replace(lesson, targets=(1 - TEACHER_SHARE) * lesson.targets + TEACHER_SHARE * says)


def told(photos: Tensor, theirs: Tensor, teacher: nn.Module) -> Lesson:
    """Photos (n, size, size, 3) without labels, as the teacher sees them together with another network, whose logits
    (n, 7) are given.
    """
    chips = torch.from_numpy(grey(photos.numpy()))[:, None]
    both = (said(teacher, chips).log_softmax(dim=1) + (theirs / FACEAPI_TEMPERATURE).log_softmax(dim=1)) / 2
    return Lesson(chips, both.softmax(dim=1), torch.zeros(len(CLASSES)))


def batches(lessons: list[Lesson], rng: torch.Generator) -> Iterator[tuple[Lesson, Tensor]]:
    """An epoch in random order; what does not fill a batch is left out."""
    parts = []
    for lesson in lessons:
        rows = lesson.drawn(rng)
        shuffled = rows[torch.randperm(len(rows), generator=rng)]
        parts += [(lesson, part) for part in shuffled.split(BATCH) if len(part) == BATCH]
    for index in torch.randperm(len(parts), generator=rng).tolist():
        yield parts[index]


def loss(net: nn.Module, lesson: Lesson, rows: Tensor, rng: torch.Generator) -> Tensor:
    """Cross-entropy with logits moved by the prior, so that without it they favour no sentiment (Menon and others,
    Long-tail learning via logit adjustment, 2021).
    """
    seen = views(lesson.chips[rows], SIDE, SHARE, Augmentation(), rng, DOWN)
    return F.cross_entropy(net(seen) + lesson.prior, lesson.targets[rows])


def said(net: nn.Module, chips: Tensor) -> Tensor:
    """Logits for stored grey chips as they are; (n, 7)."""
    net.eval()
    with torch.no_grad():
        logits = [net(views(part, SIDE, SHARE, NONE, torch.Generator(), DOWN)) for part in chips.split(BATCH)]
    net.train()
    return torch.cat(logits)


def balanced_accuracy(logits: Tensor, labels: Tensor) -> float:
    """The mean of the sentiments' recalls."""
    right = logits.argmax(dim=1) == labels
    return float(torch.stack([right[labels == kind].float().mean() for kind in labels.unique()]).mean())


if __name__ == "__main__":
    main()
