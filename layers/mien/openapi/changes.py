"""What in a newer document would break a program written for an older one.

A request that was good must stay good, an answer must stay one that was promised: so requests are compared with what is
taken now, answers with what was promised then. Errors are not compared: there may be new ones at any time.
"""

from __future__ import annotations

import operator
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from mien.openapi.types import Schema

_LOWER = ("minimum", "minLength", "minItems")
_UPPER = ("maximum", "maxLength", "maxItems")
_FIXED = ("pattern", "format", "contentEncoding", "not")


def breaking_changes(old: Schema, new: Schema) -> list[str]:
    """Each as a sentence; empty where there is none."""
    return list(_Comparison(old, new).changes())


@dataclass(frozen=True, slots=True)
class _Comparison:
    old: Schema
    new: Schema

    def changes(self) -> Iterator[str]:
        for path, methods in self.old["paths"].items():
            for method, before in methods.items():
                where, after = f"{method.upper()} {path}", self.new["paths"].get(path, {}).get(method)
                if after is None:
                    yield f"{where} is gone"
                else:
                    yield from self._operation(before, after, where)

    def _operation(self, before: Schema, after: Schema, where: str) -> Iterator[str]:
        if before["operationId"] != after["operationId"]:
            yield f"{where} is called {after['operationId']} in generated clients"
        if before.get("security") == [] != after.get("security"):
            yield f"{where} needs a key"
        yield from self._parameters(_by_name(before), _by_name(after), where)
        yield from self._body(before.get("requestBody"), after.get("requestBody"), where)
        yield from self._answer(before["responses"]["200"], after["responses"].get("200"), where)

    def _parameters(self, before: dict[str, Schema], after: dict[str, Schema], where: str) -> Iterator[str]:
        for name, parameter in before.items():
            if name not in after:
                yield f"{where} does not take {name}"
                continue
            old, new = parameter["schema"], after[name]["schema"]
            if old.get("default") != new.get("default"):
                yield f"{where} has another default of {name}"
            yield from self._request(old, new, f"{where} {name}")
        for name, parameter in after.items():
            if parameter["required"] and not before.get(name, {"required": False})["required"]:
                yield f"{where} needs {name}"

    def _body(self, before: Schema | None, after: Schema | None, where: str) -> Iterator[str]:
        if after and after["required"] and not (before and before["required"]):
            yield f"{where} needs a body"
        for kind, content in before["content"].items() if before else ():
            if after is None or kind not in after["content"]:
                yield f"{where} does not take {kind}"
            else:
                yield from self._request(content["schema"], after["content"][kind]["schema"], f"{where} {kind}")

    def _answer(self, before: Schema, after: Schema | None, where: str) -> Iterator[str]:
        if after is None:
            yield f"{where} does not answer 200"
            return
        yield from (f"{where} has no header {name}" for name in before["headers"] if name not in after["headers"])
        for kind, content in before["content"].items():
            if kind not in after["content"]:
                yield f"{where} does not answer {kind}"
                continue
            old, new = content["schema"], after["content"][kind]["schema"]
            yield from _outside(new, self.new, old, self.old, f"{where} 200")
            yield from self._gone(old, new, f"{where} 200")

    def _request(self, old: Schema, new: Schema, where: str) -> Iterator[str]:
        yield from _outside(old, self.old, new, self.new, where)
        yield from self._gone(old, new, where)

    def _gone(self, old: Schema, new: Schema, where: str) -> Iterator[str]:
        """Properties that were there, needed or not."""
        old, new = _resolved(old, self.old), _resolved(new, self.new)
        properties = new.get("properties", {})
        for name, schema in old.get("properties", {}).items():
            if name not in properties:
                yield f"{where} has no {name}"
            else:
                yield from self._gone(schema, properties[name], f"{where}.{name}")
        if "items" in old and "items" in new:
            yield from self._gone(old["items"], new["items"], f"{where}[]")


def _outside(
    fitting: Schema | bool, inner_root: Schema, to_fit: Schema | bool, outer_root: Schema, where: str
) -> Iterator[str]:
    """Why something that fits the inner schema may not fit the outer one."""
    inner, outer = _resolved(fitting, inner_root), _resolved(to_fit, outer_root)
    if "anyOf" in inner or "anyOf" in outer:
        for one in inner.get("anyOf", [inner]):
            tried = [list(_outside(one, inner_root, each, outer_root, where)) for each in outer.get("anyOf", [outer])]
            yield from min(tried, key=len)
        return
    if not _types(inner) <= _types(outer):
        yield f"{where} is {_listed(_types(inner))}, not {_listed(_types(outer))}"
        return
    yield from _outside_values(inner, outer, where)
    for name in sorted(set(outer.get("required", ())) - set(inner.get("required", ()))):
        yield f"{where} does not always have {name}, or always needs it"
    for name, given in inner.get("properties", {}).items():
        wanted = outer.get("properties", {}).get(name, outer.get("additionalProperties", True))
        yield from _outside(given, inner_root, wanted, outer_root, f"{where}.{name}")
    for word in ("items", "additionalProperties"):
        if word in outer:
            yield from _outside(inner.get(word, True), inner_root, outer[word], outer_root, f"{where}[]")


def _outside_values(inner: Schema, outer: Schema, where: str) -> Iterator[str]:
    allowed, possible = _values(outer), _values(inner)
    if allowed is not None and (possible is None or possible - allowed):
        yield f"{where} may be {_listed((possible or {'anything'}) - allowed)}"
    for words, exceeds in ((_LOWER, operator.lt), (_UPPER, operator.gt)):
        for word in words:
            if word in outer and (word not in inner or exceeds(inner[word], outer[word])):
                yield f"{where} has {word} {inner.get(word, 'none')}, against {outer[word]}"
    for word in _FIXED:
        if word in outer and inner.get(word) != outer[word]:
            yield f"{where} has another {word}"


def _resolved(schema: Schema | bool, root: Schema) -> Schema:
    """Where a reference leads; `true` is anything and `false` nothing."""
    if isinstance(schema, bool):
        return {} if schema else {"type": []}
    if "$ref" not in schema:
        return schema
    return _resolved(root["components"]["schemas"][schema["$ref"].rpartition("/")[2]], root)


def _types(schema: Schema) -> set[str]:
    found = schema.get("type", ["array", "boolean", "integer", "null", "number", "object", "string"])
    types = {found} if isinstance(found, str) else set(found)
    return types | {"integer"} if "number" in types else types


def _values(schema: Schema) -> set[Any] | None:
    return {schema["const"]} if "const" in schema else set(schema["enum"]) if "enum" in schema else None


def _by_name(operation: Schema) -> dict[str, Schema]:
    return {parameter["name"]: parameter for parameter in operation.get("parameters", ())}


def _listed(words: set[Any]) -> str:
    return " or ".join(sorted(map(str, words)))
