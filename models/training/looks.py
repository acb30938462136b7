"""Train Mien's network of looks. `python -m models.training.looks DATA`; part of `make train DATA=folder`.

The embedding network's later convolutions are fitted to what FairFace's training set says of age and gender, and to
what a published network says of the poses of these photos and of FER2013's pictures: in one course, and in a second of
views that differ more, so that hair is not all that counts. That network is larger than need be, and less often right
than it is together with var/looks-teacher.pt: a slim one, made of its most telling channels, learns in a last course
what those two say of the very same views, of FER2013's pictures as well, through which photos show more or less, and
whose ages and genders nobody labelled. It ends with models/weights/looks.onnx.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TypeVar

import torch
from torch import Tensor
from torch.nn import functional as F

from bench.labelled import Part
from mien import settings
from models.training.augment import Augmentation, same_views, views
from models.training.chips import fairface, fer2013
from models.training.command import run
from models.training.export import export
from models.training.faceres import VIEW as FINER_VIEW
from models.training.faceres import FaceRes
from models.training.fitting import Fitting, in_halves, seeded
from models.training.looks_network import VIEW, Looks, LooksNet, slimmed
from models.training.looks_teacher import PHOTOS, TEACHER, VIEWS
from models.training.losses import guide_loss, looks_loss, pose_loss
from models.training.product import LOOKS, weights_of
from models.training.sets import GENDERS, Photos, Pictures, full_batches, middles_of, photos_of, pictures_of

PICTURES_SHARE = 0.25  # of what an error of pose costs
LABELS_SHARE = 0.3  # of what labels cost a network that guides tell of every view
TRIED = 14  # every so many photos, channels are judged by one
LARGE_NET = settings.CHECKOUT / "var" / "looks.pt"


@dataclass(frozen=True)
class Course:
    """How a network is taught: with how many of FER2013's pictures in a batch, at which rates, the latter of the layers
    that start from nothing, and how far views of the photos differ.
    """

    seed: int
    epochs: int
    pictures: int
    peak_rate: float
    head_rate: float
    views: Augmentation


COURSES = (
    Course(1, 12, 8, 3e-4, 1e-3, Augmentation(zoom=0.16, shift=0.05, gamma=0.3, contrast=0.3, brightness=30.0)),
    Course(2, 5, 8, 2e-4, 4e-4, Augmentation(zoom=0.22, coarse=0.3, erase=0.4)),
)
SLIM_COURSE = Course(3, 30, 32, 5e-4, 5e-4, VIEWS)

Shown = tuple[Pictures, Photos]
Set = TypeVar("Set", Pictures, Photos)
Rows = tuple[Set, Tensor]  # of a set, which of them


@dataclass(frozen=True)
class Guides:
    """What tells the slim network of every view: the large one, and the teacher, which sees it finer."""

    large: LooksNet
    teacher: FaceRes

    def say(self, seen: Tensor, finer: Tensor) -> Looks:
        """Of the same faces, as either sees them, on average; the large one is shown their mirror images too."""
        with torch.no_grad():
            third = self.teacher(finer)
            with in_halves():
                one, other = self.large(seen), self.large(seen.flip(3))
        ages, genders = (
            (a.float().softmax(dim=1) + b.float().softmax(dim=1)) / 4 + c.softmax(dim=1) / 2
            for a, b, c in ((one.ages, other.ages, third.ages), (one.genders, other.genders, third.genders))
        )
        pose = (one.pose + other.pose * torch.tensor([-1.0, 1.0, -1.0])) / 2
        return Looks(ages.log(), genders.log(), pose)


def train(data: Path) -> None:
    """Fit the large network in one course after the other, then the slim one; what a course ends with is written."""
    if not TEACHER.exists():
        raise SystemExit("The teacher is not there. Run `python -m models.training.looks_teacher` first.")
    fer, fair = fer2013(data), fairface(data)
    middles = middles_of(fair)
    shown = pictures_of(fer, Part.TRAINING), photos_of(fair, Part.TRAINING)
    held_out = photos_of(fair, Part.CHOOSING)
    torch.manual_seed(COURSES[0].seed)
    large = LooksNet(len(middles), len(GENDERS))
    for course in COURSES:
        large = fitted(large, shown, held_out, middles, course)
        torch.save(large, LARGE_NET)
    guides = Guides(large.eval(), torch.load(TEACHER, weights_only=False).eval())
    slim = slimmed(large, shown[1].chips[::TRIED])
    slim = fitted(slim, shown, held_out, middles, SLIM_COURSE, guides)
    export(slim, VIEW.side, Looks._fields, weights_of(LOOKS))


def fitted(
    net: LooksNet, shown: Shown, held_out: Photos, middles: Tensor, course: Course, guides: Guides | None = None
) -> LooksNet:
    """The network after a course, its weights averaged; guides tell it of every view."""
    rng = seeded(course.seed)
    wrong = partial(guided_loss, guides=guides) if guides else labelled_loss
    pictures, photos = shown
    steps = course.epochs * (len(photos.chips) // PHOTOS)
    fitting = Fitting(net, steps, course.peak_rate, head=net.head, head_rate=course.head_rate)
    for epoch in range(course.epochs):
        fitting.learn_all(
            wrong(fitting.net, (photos, some), (pictures, others), middles, course.views, rng)
            for some, others in batches(len(photos.chips), len(pictures.chips), course.pictures, rng)
        )
        print(f"epoch {epoch}: {told(fitting.average, held_out, middles)} on held out", flush=True)
    return fitting.average


def batches(photos: int, pictures: int, beside: int, rng: torch.Generator) -> Iterator[tuple[Tensor, Tensor]]:
    """Rows of an epoch of photos, what does not fill a batch left out, beside so many of the pictures."""
    for some in full_batches(torch.randperm(photos, generator=rng), PHOTOS):
        yield some, torch.randint(pictures, (beside,), generator=rng)


def labelled_loss(
    net: LooksNet, some: Rows[Photos], others: Rows[Pictures], middles: Tensor, how: Augmentation, rng: torch.Generator
) -> Tensor:
    """What is wrong, by what labels and a published network say, with what the network says of these rows."""
    (photos, p), (pictures, q) = some, others
    of_photos = views(photos.chips[p], VIEW, how, rng)
    of_pictures = views(pictures.chips[q], VIEW, Augmentation(), rng)
    first, rest = net(torch.cat([of_photos.pixels, of_pictures.pixels])).parted(len(p))
    total = looks_loss(first, photos.bands[p], photos.genders[p], middles)
    total = total + pose_loss(first.pose, photos.poses[p], of_photos)
    return total + PICTURES_SHARE * pose_loss(rest.pose, pictures.poses[q], of_pictures)


def guided_loss(
    net: LooksNet,
    some: Rows[Photos],
    others: Rows[Pictures],
    middles: Tensor,
    how: Augmentation,
    rng: torch.Generator,
    guides: Guides,
) -> Tensor:
    """The same by guides, who are asked of the very views, and by the photos' labels. Through the pictures, photos show
    more or less: what guides say of such views is worth learning too, and there is no end of them.
    """
    (photos, p), (pictures, q) = some, others
    windows = VIEW, FINER_VIEW
    of_photos = same_views(photos.chips[p], windows, how, rng)
    of_pictures = same_views(pictures.chips[q], windows, Augmentation(), rng)
    shares = torch.rand(len(q), 1, 1, 1, generator=rng)
    seen, finer = (
        torch.cat([photo.pixels, torch.lerp(picture.pixels, photo.pixels[: len(q)], shares)])
        for photo, picture in zip(of_photos, of_pictures, strict=True)
    )
    looks = net(seen)
    labels = looks_loss(looks.parted(len(p))[0], photos.bands[p], photos.genders[p], middles)
    return LABELS_SHARE * labels + guide_loss(looks, guides.say(seen, finer), middles)


def told(net: LooksNet, photos: Photos, middles: Tensor) -> str:
    """How right the network is on these photos."""
    looks = net.said(photos.chips)
    medians = middles[(looks.ages.softmax(dim=1).cumsum(dim=1) < 0.5).sum(dim=1)]
    off = (medians - middles[photos.bands]).abs().mean()
    right = (looks.genders.argmax(dim=1) == photos.genders).float().mean()
    surprise = F.cross_entropy(looks.genders, photos.genders)
    turned = " ".join(f"{angle:.1f}" for angle in (looks.pose - photos.poses).abs().mean(dim=0).tolist())
    return f"{off:.2f} years, gender {right:.3f} (surprise {surprise:.3f}), pose {turned} degrees"


if __name__ == "__main__":
    run("models.training.looks", __doc__, train)
