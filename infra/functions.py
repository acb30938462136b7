"""What each function needs: memory, time, networks, libraries. The stack, the images and their check read it."""

from __future__ import annotations

from dataclasses import dataclass

from mien.http.limits import FUNCTION_SECONDS
from mien.vision.manifest import Manifest, Task

ANALYSIS: tuple[Task, ...] = ("detection", "landmarks", "age_gender", "expression", "liveness", "head_pose")


@dataclass(frozen=True, slots=True)
class FunctionSpec:
    """A folder of `functions/`. `tasks` are the networks it opens, `extras` those of the distribution `mien`.

    1769 MB is where Lambda gives a whole core; half as much memory is half a core.
    """

    name: str
    memory_mb: int
    timeout_seconds: int
    tasks: tuple[Task, ...] = ()
    extras: tuple[str, ...] = ()

    def model_files(self, manifest: Manifest) -> tuple[str, ...]:
        """The files of the networks it opens."""
        return tuple(manifest.for_task(task).file for task in self.tasks)


AUTHORIZER = FunctionSpec("authorizer", memory_mb=512, timeout_seconds=5, extras=("aws",))
ANALYTICS = FunctionSpec("analytics", 1769, FUNCTION_SECONDS, ANALYSIS, ("aws", "http", "vision"))
RECOGNITION = FunctionSpec("recognition", 3008, FUNCTION_SECONDS, (*ANALYSIS, "embedding"), ("aws", "http", "vision"))
ACCOUNT = FunctionSpec("account", memory_mb=512, timeout_seconds=10, extras=("aws", "http"))

FUNCTIONS = (AUTHORIZER, ANALYTICS, RECOGNITION, ACCOUNT)
