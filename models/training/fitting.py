"""How a network is fitted: the rate of learning, and averaged weights."""

from __future__ import annotations

import copy
import math
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import torch
from torch import Tensor, nn

from models.training.augment import Window, plain_views

WARM_UP_STEPS = 100
WEIGHT_DECAY = 1e-2
LARGEST_GRADIENT = 2.0
KEPT_A_STEP = 0.998  # of the averaged weights
TOLD_EVERY = 100  # steps
AT_ONCE = 64  # chips that a network sees when it does not learn


Net = TypeVar("Net", bound=nn.Module)


def seeded(seed: int) -> torch.Generator:
    """For views and the order of rows; what torch draws itself, as first weights, follows from the same seed."""
    torch.manual_seed(seed)
    return torch.Generator().manual_seed(seed)


@dataclass
class Fitting(Generic[Net]):
    """A network that is fitted for so many steps, and the moving average of its weights, which is what is kept."""

    net: Net
    steps: int
    peak_rate: float
    weight_decay: float = WEIGHT_DECAY
    head: nn.Module | None = None  # which starts from nothing where the rest does not
    head_rate: float = 0.0

    def __post_init__(self) -> None:
        self.net = self.net.to(memory_format=torch.channels_last).train()
        self.average = copy.deepcopy(self.net)
        self.step = 0
        fresh = list(self.head.parameters()) if self.head else []
        known = {id(parameter) for parameter in fresh}
        rest = [each for each in self.net.parameters() if each.requires_grad and id(each) not in known]
        self._optimiser = torch.optim.AdamW(
            [{"params": rest, "peak": self.peak_rate}, {"params": fresh, "peak": self.head_rate}],
            weight_decay=self.weight_decay,
        )

    def learn(self, loss: Tensor) -> float:
        """One step of AdamW at a rate that rises for a while and falls as a cosine; gives the loss."""
        rise, fall = min(1.0, (self.step + 1) / WARM_UP_STEPS), math.cos(math.pi * self.step / self.steps)
        for group in self._optimiser.param_groups:
            group["lr"] = group["peak"] * rise * (0.5 + 0.5 * fall)
        self._optimiser.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(self.net.parameters(), LARGEST_GRADIENT)
        self._optimiser.step()
        self.step += 1
        kept = min(KEPT_A_STEP, self.step / (self.step + 20))
        with torch.no_grad():
            for mean, value in zip(self.average.state_dict().values(), self.net.state_dict().values(), strict=True):
                if mean.is_floating_point():  # not how many batches were seen
                    mean.lerp_(value, 1 - kept)
        return loss.item()

    def learn_all(self, losses: Iterable[Tensor]) -> None:
        """A step for each loss, which is asked for when the one before has been learnt from; now and then tell."""
        recent: deque[float] = deque(maxlen=TOLD_EVERY)
        for loss in losses:
            recent.append(self.learn(loss))
            if self.step % TOLD_EVERY == 0:
                print(f"step {self.step} of {self.steps}: loss {sum(recent) / len(recent):.3f}", flush=True)


def in_halves() -> torch.autocast:
    """Products in half precision where the processor has them; elsewhere they would be slower, not faster."""
    return torch.autocast("cpu", torch.bfloat16, enabled=bool(torch.cpu.get_capabilities().get("amx_bf16")))


def plainly_seen(net: nn.Module, chips: Tensor, window: Window) -> list[Any]:
    """What a network says of stored (n, c, size, size) chips as they are, in parts."""
    net.eval()
    with torch.no_grad():
        said = [net(plain_views(part, window)) for part in chips.split(AT_ONCE)]
    net.train()
    return said


def channels_of(layers: Sequence[nn.Module], show: Callable[[], object]) -> list[tuple[Tensor, Tensor]]:
    """The mean of each channel that these layers give while `show` lets the network see, and its standard deviation."""
    totals = [torch.zeros(2, 1) for _ in layers]  # of values, and of their squares
    seen = [0] * len(layers)

    def add(place: int, given: Tensor) -> None:
        values = given.flatten(2)
        totals[place] = totals[place] + torch.stack([each.mean(dim=2).sum(dim=0) for each in (values, values**2)])
        seen[place] += len(given)

    hooks = [layer.register_forward_hook(lambda *run, place=i: add(place, run[2])) for i, layer in enumerate(layers)]
    show()
    for hook in hooks:
        hook.remove()
    means = [total / count for total, count in zip(totals, seen, strict=True)]
    return [(mean, (square - mean**2).clamp(min=0).sqrt()) for mean, square in means]
