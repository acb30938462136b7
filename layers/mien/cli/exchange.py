"""The file that people are exported to and imported from: one JSON line each."""

from __future__ import annotations

import base64
import json
from datetime import datetime
from typing import Any

from mien.domain.errors import MalformedRequest
from mien.domain.gallery import MAX_REFERENCES, Enrolled, Subject, Templates, is_uid
from mien.usecases.transfer import Exported

FORMAT = 1


def exported_line(exported: Exported) -> dict[str, Any]:
    """All that is kept of a person. Templates are float32 scale and bytes, in base64 (see `mien.domain.templates`)."""
    subject, templates = exported.enrolled.subject, exported.enrolled.templates
    return {
        "format": FORMAT,
        "uid": subject.uid,
        "metadata": subject.metadata,
        "created_at": subject.created_at.isoformat(),
        "updated_at": subject.updated_at.isoformat(),
        "expires_at": subject.expires_at and subject.expires_at.isoformat(),
        "model": subject.space,
        "face_ids": list(subject.face_ids),
        "templates": base64.b64encode(templates.packed).decode(),
        "log": [
            {"at": r.at.isoformat(), "action": r.action.value, "faces": r.faces, "by": r.by} for r in exported.receipts
        ],
    }


def parse_line(line: str) -> Enrolled:
    """The person of a line; what its log says stays with the gallery it was written in.

    Raises:
        MalformedRequest: it is no line of an export.

    """
    try:
        return _parse(json.loads(line))
    except (ValueError, KeyError, TypeError, AttributeError):
        raise MalformedRequest("This line was not written by `mien faces export`.") from None


def _parse(row: dict[str, Any]) -> Enrolled:
    metadata, expires = row["metadata"], row["expires_at"]
    expires_at = datetime.fromisoformat(expires) if expires else None
    created, updated = datetime.fromisoformat(row["created_at"]), datetime.fromisoformat(row["updated_at"])
    face_ids = tuple(map(str, row["face_ids"]))
    packed = base64.b64decode(row["templates"], validate=True)
    sound = row["format"] == FORMAT and is_uid(row["uid"]) and 0 < len(face_ids) <= MAX_REFERENCES
    if not sound or not packed or len(packed) % len(face_ids) or not isinstance(metadata, str | None):
        raise ValueError("not an export")
    subject = Subject(row["uid"], face_ids, str(row["model"]), metadata, created, updated, expires_at)
    return Enrolled(subject, Templates(subject.uid, subject.space, packed, expires_at))
