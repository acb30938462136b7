"""The OpenAPI document as a page: every route, parameter, body, answer and error, without a script."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from html import escape
from typing import Any

from mien.http.routes import VERSION_PATH

Schema = dict[str, Any]

_NEEDED = (' <span class="required">required</span>', "")
_ALWAYS = ("", ' <span class="kind">not always</span>')
_DEPTH = 6  # no schema of the document is deeper, and none may hold itself without end


def reference_html(document: Schema, stage: str) -> str:
    """The page, with `{style}` where its style goes; `stage` is the path of the stage that the API is in."""
    return "".join(_Reference(document, stage).page())


class _Reference:
    """Pieces of HTML, in order."""

    def __init__(self, document: Schema, stage: str) -> None:
        self._document, self._stage = document, stage
        self._base = stage + VERSION_PATH

    def page(self) -> Iterator[str]:
        info = self._document["info"]
        yield f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>{escape(info["title"])} reference</title>
<link rel="icon" href="data:,">
<style>{{style}}</style>
</head>
<body class="reference">
<a class="skip" href="#main">Skip to the reference</a>
<header class="top">
<p class="brand"><a href="{escape(self._stage)}/">{escape(info["title"])}</a></p>
<p class="tagline">Reference, version {escape(info["version"])}</p>
<nav aria-label="Pages"><a href="{escape(self._stage)}/">Playground</a>
<a href="{escape(self._base)}/openapi.json">OpenAPI document</a></nav>
</header>
<div class="columns">
<nav class="contents" aria-label="Routes">"""
        for tag in self._document["tags"]:
            yield f"<h2>{escape(tag['name'])}</h2><ul>"
            for method, path, operation in self._operations(tag["name"]):
                name = f"<code>{method.upper()}</code> {_breakable(path)}"
                yield f'<li><a href="#{escape(operation["operationId"])}">{name}</a></li>'
            yield "</ul>"
        yield f'</nav>\n<main id="main" tabindex="-1"><h1>{escape(info["summary"])}</h1>{markdown(info["description"])}'
        yield f"<p>All paths are below <code>{escape(self._base)}</code>.</p>"
        for tag in self._document["tags"]:
            yield f'<h2 class="tag">{escape(tag["name"].capitalize())}</h2>{markdown(tag["description"])}'
            for method, path, operation in self._operations(tag["name"]):
                yield from self._operation(method, path, operation)
        yield "</main>\n</div>\n</body>\n</html>\n"

    def _operations(self, tag: str) -> Iterator[tuple[str, str, Schema]]:
        for path, methods in self._document["paths"].items():
            for method, operation in methods.items():
                if tag in operation["tags"]:
                    yield method, path, operation

    def _operation(self, method: str, path: str, operation: Schema) -> Iterator[str]:
        name = escape(operation["operationId"])
        yield f'<section class="operation" aria-labelledby="{name}"><h3 id="{name}">{escape(operation["summary"])}</h3>'
        keyed = "no key" if operation.get("security") == [] else "with a key"
        yield f'<p class="path"><b>{method.upper()}</b> <code>{_breakable(self._base + path)}</code> {keyed}</p>'
        yield markdown(operation.get("description", ""))
        if parameters := operation.get("parameters"):
            yield _table("Parameters", ("name", "in", "type", "what"), map(self._parameter, parameters))
        if body := operation.get("requestBody"):
            yield from self._body(body)
        for status, answer in operation["responses"].items():
            if status.startswith("2"):
                yield from self._answer(status, answer)
        errors = [
            (f"<code>{status}</code>", markdown(answer["description"]))
            for status, answer in operation["responses"].items()
            if not status.startswith("2")
        ]
        yield _details("Errors", _table("Errors", ("status", "codes"), errors))
        yield "</section>"

    def _parameter(self, parameter: Schema) -> tuple[str, ...]:
        name = f"<code>{escape(parameter['name'])}</code>{_NEEDED[not parameter.get('required')]}"
        return name, parameter["in"], self._kind(parameter["schema"]), _inline(parameter.get("description", ""))

    def _body(self, body: Schema) -> Iterator[str]:
        rows = [
            (f"<code>{escape(media)}</code>", self._shape(content["schema"], _NEEDED))
            for media, content in body["content"].items()
        ]
        yield _table("Body", ("content type", "content"), rows)

    def _answer(self, status: str, answer: Schema) -> Iterator[str]:
        (content,) = answer["content"].values()
        headers = ", ".join(f"<code>{escape(name)}</code>" for name in answer.get("headers", ()))
        yield _details(f"Answer {status}", self._shape(content["schema"], _ALWAYS) + f"<p>Headers: {headers}.</p>")
        if "example" in content:
            text = json.dumps(content["example"], indent=1, ensure_ascii=False)
            yield _details("Example", f'<pre tabindex="0"><code>{escape(text)}</code></pre>')

    def _shape(self, schema: Schema, marks: tuple[str, str], depth: int = 0) -> str:
        """What a value of a schema holds, with the fields in it; `marks` are of those it must have, and of others."""
        schema = self._resolved(schema)
        if options := schema.get("anyOf"):
            return " or ".join(self._shape(option, marks, depth) for option in options)
        holder = schema if "properties" in schema else self._resolved(schema.get("items", {}))
        if "properties" not in holder or depth >= _DEPTH:
            return self._kind(schema)
        needed = holder.get("required", ())
        rows = "".join(
            f"<li><code>{escape(name)}</code>{marks[name not in needed]} {self._shape(field, marks, depth + 1)}</li>"
            for name, field in holder["properties"].items()
        )
        kind = "object" if holder is schema else "array of objects"
        return f'<span class="kind">{kind}</span> {_inline(holder.get("description", ""))}<ul>{rows}</ul>'

    def _kind(self, schema: Schema) -> str:
        """A value's type and what it may be, in a few words."""
        schema = self._resolved(schema)
        if options := schema.get("anyOf"):
            return " or ".join(self._kind(option) for option in options)
        kind = schema.get("type", "any")
        words = [" or ".join(kind) if isinstance(kind, list) else kind]
        if "items" in schema:
            words[0] += f" of {self._kind(schema['items'])}"
        if "format" in schema:
            words.append(schema["format"])
        if "const" in schema:
            words.append(f"<code>{escape(str(schema['const']))}</code>")
        if "enum" in schema:
            words.append(", ".join(f"<code>{escape(str(word))}</code>" for word in schema["enum"]))
        words += [f"{said} {schema[word]}" for word, said in _LIMITS.items() if word in schema]
        if "default" in schema:
            words.append(f"default <code>{escape(str(schema['default']))}</code>")
        said = _inline(schema["description"]) if "description" in schema else ""
        return f'<span class="kind">{", ".join(words)}</span> {said}'

    def _resolved(self, schema: Schema) -> Schema:
        while "$ref" in schema:
            found: Any = self._document
            for part in schema["$ref"].removeprefix("#/").split("/"):
                found = found[part]
            schema = found
        return schema


_LIMITS = {
    "minimum": "from",
    "maximum": "to",
    "minLength": "at least of length",
    "maxLength": "at most of length",
    "pattern": "like",
}


def markdown(text: str) -> str:
    """What the document writes of Markdown: paragraphs, lists, tables and code."""
    return "".join(_block(block.splitlines()) for block in re.split(r"\n{2,}", text.strip()) if block)


def _block(lines: list[str]) -> str:
    if all(line.startswith("- ") for line in lines):
        return "<ul>" + "".join(f"<li>{_inline(line[2:])}</li>" for line in lines) + "</ul>"
    if all(line.startswith("|") for line in lines):
        head, _, *rows = ([_inline(cell.strip()) for cell in line.strip("|").split("|")] for line in lines)
        return _table("", head, rows)
    return f"<p>{_inline(' '.join(lines))}</p>"


def _inline(text: str) -> str:
    return re.sub(r"`([^`]+)`", r"<code>\1</code>", escape(text, quote=False))


def _table(caption: str, head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    title = f"<caption>{caption}</caption>" if caption else ""
    heads = "".join(f'<th scope="col">{cell}</th>' for cell in head)
    body = "".join(f"<tr>{''.join(f'<td>{cell}</td>' for cell in row)}</tr>" for row in rows)
    return f"<table>{title}<thead><tr>{heads}</tr></thead><tbody>{body}</tbody></table>"


def _details(summary: str, content: str) -> str:
    return f"<details><summary>{summary}</summary>{content}</details>"


def _breakable(path: str) -> str:
    """A path that may be broken after a slash or an underscore."""
    return re.sub(r"([/_])", r"\1<wbr>", escape(path))
