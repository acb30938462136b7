"""A function's start. A handler imports this module before all others, and calls `finished` when it has loaded.

What is made while a function loads stays, and collecting garbage would mean to look at all of it again and again.
"""

from __future__ import annotations

import gc

gc.disable()


def finished() -> None:
    """Collect garbage from now on, but never look at what is there already."""
    gc.enable()
    gc.freeze()
