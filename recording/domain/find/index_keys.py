"""Keyed hashes: index keys that reveal no number, id or tag without the key. Pure.

There may be several keys during a rotation: the first is used to write, all of them to find (docs/adr/0030).
"""

import hmac
import secrets
from dataclasses import dataclass

from recording.domain.incoming.participants import canonical_participant

KEY_BYTES = 32
_HASH_CHARACTERS = 32  # 128 bits: enough against collisions, short enough for a key


@dataclass(frozen=True)
class IndexKey:
    """One secret that index keys are made with; its `id` identifies it without revealing it."""

    secret: bytes

    @property
    def id(self) -> str:
        """Return a name for the key that reveals nothing of it."""
        return hmac.digest(self.secret, b"id", "sha256").hex()[:16]

    def participant(self, raw_id: str) -> str:
        """Return the hash of a participant, whatever spelling of its id this is."""
        return self._hash("participant", canonical_participant(raw_id))

    def ending(self, digits: str) -> str:
        """Return the hash of a number's last digits."""
        return self._hash("ending", digits)

    def tag(self, tag: str) -> str:
        """Return the hash of a tag as `name:value`: people write names and case numbers into tags."""
        return self._hash("tag", tag)

    def name(self, words: str) -> str:
        """Return the hash of a person's name, as a request for erasure may give it."""
        return self._hash("name", words)

    def tenant(self, name: str) -> str:
        """Return the hash of a tenant's name."""
        return self._hash("tenant", name)

    def signature(self, content: bytes) -> bytes:
        """Return the signature of a continuation token."""
        return hmac.digest(self.secret, b"next\0" + content, "sha256")[:16]

    def _hash(self, kind: str, text: str) -> str:
        content = f"{kind}\0{text}".encode(errors="surrogatepass")
        return hmac.digest(self.secret, content, "sha256").hex()[:_HASH_CHARACTERS]

    def __repr__(self) -> str:
        return f"IndexKey(id={self.id!r})"


@dataclass(frozen=True)
class IndexKeys:
    """The keys in use; new rows are made with the first one."""

    keys: tuple[IndexKey, ...]

    @property
    def current(self) -> IndexKey:
        """Return the key that new rows are made with."""
        return self.keys[0]


def new_secret() -> bytes:
    """Return a fresh key."""
    return secrets.token_bytes(KEY_BYTES)
