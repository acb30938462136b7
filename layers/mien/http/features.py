"""What is left of an answer when features are switched off."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from mien.domain.plans import Feature

FIELDS_OF: dict[Feature, frozenset[str]] = {
    Feature.AGE: frozenset({"age", "age_range", "may_be_minor"}),
    Feature.GENDER: frozenset({"gender", "gender_probability"}),
    Feature.EMOTION: frozenset({"emotion", "expression", "expression_probability"}),
    Feature.IDENTIFICATION: frozenset(),  # its endpoints are refused whole
}


def leave_out(body: Any, features: Collection[Feature]) -> Any:
    """A body without the fields of these features, wherever they stand."""
    names = frozenset[str]().union(*(FIELDS_OF[feature] for feature in features))
    return _without(body, names) if names else body


def _without(value: Any, names: frozenset[str]) -> Any:
    if isinstance(value, dict):
        return {name: _without(item, names) for name, item in value.items() if name not in names}
    if isinstance(value, list):
        return [_without(item, names) for item in value]
    return value
