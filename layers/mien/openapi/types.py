"""JSON Schemas of the types that answers are made of."""

from __future__ import annotations

from enum import StrEnum
from types import UnionType
from typing import Annotated, Any, Literal, NotRequired, Union, get_args, get_origin, get_type_hints, is_typeddict

Schema = dict[str, Any]

_SCALARS: dict[Any, str] = {str: "string", int: "integer", float: "number", bool: "boolean", type(None): "null"}


def reference(name: str) -> Schema:
    """Where a schema of the document stands."""
    return {"$ref": f"#/components/schemas/{name}"}


class Schemas:
    """Schemas by name: every TypedDict becomes one that the others refer to."""

    def __init__(self) -> None:
        self.named: dict[str, Schema] = {}

    def of(self, kind: Any) -> Schema:
        """The schema of a type. Raises KeyError for one that cannot be said in JSON."""
        origin, arguments = get_origin(kind), get_args(kind)
        if is_typeddict(origin or kind):
            return self._object(kind)
        if origin is Annotated:
            return self.of(arguments[0]) | {word: value for more in arguments[1:] for word, value in more.items()}
        if origin in (Union, UnionType):
            return _either([self.of(option) for option in arguments])
        if origin is Literal:
            return _one_of(arguments)
        if origin is list:
            return {"type": "array", "items": self.of(arguments[0])}
        if origin is dict:
            return self._mapping(*arguments)
        if isinstance(kind, type) and issubclass(kind, StrEnum):
            return _one_of(tuple(kind))
        return {} if kind is Any else {"type": _SCALARS[kind]}

    def _mapping(self, keys: Any, values: Any) -> Schema:
        if keys is str:
            return {"type": "object", "additionalProperties": self.of(values)}
        return _record({str(key): self.of(values) for key in keys}, required=[str(key) for key in keys])

    def _object(self, kind: Any) -> Schema:
        """A TypedDict; a generic one with its argument in its name."""
        origin, arguments = get_origin(kind) or kind, get_args(kind)
        name = "".join(each.__name__.removesuffix("Body") for each in (*arguments, origin))
        if name not in self.named:
            self.named[name] = {}  # so that a type may hold itself
            hints = get_type_hints(origin, include_extras=True)
            properties, required = {}, []
            for field, hint in hints.items():
                optional = get_origin(hint) is NotRequired
                inner = get_args(hint)[0] if optional else hint
                inner = inner[arguments] if getattr(inner, "__parameters__", ()) else inner
                properties[field] = self.of(inner)
                required += [] if optional else [field]
            self.named[name] = {"description": sentence(origin)} | _record(properties, required)
        return reference(name)


def sentence(kind: Any) -> str:
    """What the docstring of a class says, on one line."""
    return " ".join(kind.__doc__.split())


def _record(properties: dict[str, Schema], required: list[str]) -> Schema:
    return {"type": "object", "properties": properties, "required": required}


def _one_of(words: tuple[Any, ...]) -> Schema:
    texts = [str(word) for word in words]
    return {"type": "string", "const": texts[0]} if len(texts) == 1 else {"type": "string", "enum": texts}


def _either(options: list[Schema]) -> Schema:
    if all(option.keys() == {"type"} for option in options):
        return {"type": [option["type"] for option in options]}
    return {"anyOf": options}
