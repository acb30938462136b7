from __future__ import annotations

import ast
import gc
from pathlib import Path

import pytest

from mien import settings, startup

HANDLERS = sorted((settings.CHECKOUT / "functions").glob("*/handler.py"))


@pytest.mark.parametrize("handler", HANDLERS, ids=lambda handler: handler.parent.name)
def test_a_handler_puts_the_collector_off_before_it_loads_anything_and_back_on_at_its_end(handler: Path) -> None:
    _docstring, _future, first, *_, last = ast.parse(handler.read_text(encoding="utf-8")).body
    assert ast.unparse(first) == "from mien import startup"
    assert ast.unparse(last) == "startup.finished()"


def test_once_loaded_garbage_is_collected_again_and_what_was_loaded_is_passed_over() -> None:
    gc.disable()
    try:
        startup.finished()
        assert gc.isenabled()
        assert gc.get_freeze_count() > 0
    finally:
        gc.enable()
        gc.unfreeze()
