"""Forms that let one photo land on a laptop: what S3's presigned POSTs are, signed with its own secret."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import secrets
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from pathlib import Path

from mien.adapters.files import write_once
from mien.ports.clock import Clock, utc_now
from mien.ports.photo_store import PostForm

VALID_FOR = timedelta(minutes=15)

_SECRET_BYTES = 32
_POLICY, _SIGNATURE = "policy", "signature"


@dataclass(frozen=True, slots=True)
class Permit:
    """What a form lets land: a photo of exactly so many bytes under this key, until `expires`, in epoch seconds."""

    key: str
    content_type: str
    size: int
    expires: float

    @property
    def fields(self) -> dict[str, str]:
        """What the form says in the clear."""
        return {"key": self.key, "Content-Type": self.content_type}


class UploadForms:
    """Signs forms that are to be posted to `url`, and knows its own again, in whichever process."""

    def __init__(self, secret: Path, url: str, clock: Clock = utc_now) -> None:
        """`secret` is a file, which is made if need be."""
        self._secret, self._url, self._clock = secret, url, clock

    def sign(self, key: str, content_type: str, size: int) -> PostForm:
        """A form for one photo."""
        expires = self._clock() + VALID_FOR
        permit = Permit(key, content_type, size, expires.timestamp())
        policy = base64.b64encode(json.dumps(asdict(permit)).encode()).decode()
        fields = permit.fields | {_POLICY: policy, _SIGNATURE: self._signature(policy)}
        return PostForm(self._url, fields, expires)

    def permit(self, fields: Mapping[str, str]) -> Permit | None:
        """What the fields of a form allow; None when they are not as they were signed, or no longer good."""
        policy = fields.get(_POLICY, "")
        if not hmac.compare_digest(self._signature(policy).encode(), fields.get(_SIGNATURE, "").encode()):
            return None
        permit = Permit(**json.loads(base64.b64decode(policy)))
        expired = self._clock() >= datetime.fromtimestamp(permit.expires, self._clock().tzinfo)
        return None if expired or not permit.fields.items() <= fields.items() else permit

    def _signature(self, policy: str) -> str:
        try:
            secret = self._secret.read_bytes()
        except FileNotFoundError:
            secret = write_once(self._secret, secrets.token_hex(_SECRET_BYTES).encode())
        return hmac.new(secret, policy.encode("utf-8", "replace"), hashlib.sha256).hexdigest()
