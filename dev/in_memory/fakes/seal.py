"""The seal's ports in memory, under the same contract suite as the adapters."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from itertools import count

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from dev.in_memory.fakes.scripted import Scripted, scripted
from recording.domain.archived.drift import BlobFacts
from recording.ports.library.seal import SealPorts, ToSeal

ORIGIN = "contoso.blob.core.windows.net/recording-seal"


class FakeSealList(Scripted):
    """What waits: `items` by their places, in order."""

    def __init__(self) -> None:
        super().__init__()
        self.items: dict[str, ToSeal] = {}
        self._places = count(1)

    @scripted
    def add(self, item: ToSeal) -> None:
        place = f"{next(self._places):08d}"
        self.items[place] = replace(item, place=place)

    @scripted
    def first(self, most: int) -> list[ToSeal]:
        return [self.items[place] for place in sorted(self.items)][:most]

    @scripted
    def remove(self, items: Sequence[ToSeal]) -> None:
        for item in items:
            self.items.pop(item.place or "", None)


class FakeSealStore(Scripted):
    """The container: `blobs` by name."""

    def __init__(self) -> None:
        super().__init__()
        self.blobs: dict[str, bytes] = {}
        self.kept: Callable[[str, bytes], None] = lambda _name, _data: None  # a custodian watches

    @scripted
    def put_once(self, name: str, data: bytes, media_type: str) -> bool:
        if name in self.blobs:
            return False
        self.blobs[name] = data
        self.kept(name, data)
        return True

    @scripted
    def get(self, name: str) -> tuple[bytes, str] | None:
        return (self.blobs[name], '"1"') if name in self.blobs else None

    @scripted
    def list(self, prefix: str) -> Iterator[BlobFacts]:
        return iter([BlobFacts(name, len(self.blobs[name])) for name in sorted(self.blobs) if name.startswith(prefix)])


class FakeSealKey(Scripted):
    """A key on P-256; `number` decides which one, so a rotation is another number."""

    def __init__(self, number: int = 20_261_128) -> None:
        super().__init__()
        self.number = number

    @scripted
    def public_key(self) -> bytes:
        return self._key().public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)

    @scripted
    def sign(self, text: bytes) -> bytes:
        return self._key().sign(text, ec.ECDSA(SHA256()))

    def _key(self) -> ec.EllipticCurvePrivateKey:
        return ec.derive_private_key(self.number, ec.SECP256R1())


class FakeTimeStamps(Scripted):
    """An authority that answers with the digest itself."""

    @scripted
    def token(self, digest: bytes) -> bytes:
        return b"stamped " + digest


class FakeSeal:
    """All of them together."""

    def __init__(self) -> None:
        self.waiting, self.store, self.key = FakeSealList(), FakeSealStore(), FakeSealKey()
        self.stamps: FakeTimeStamps | None = None

    @property
    def ports(self) -> SealPorts:
        """Return the ports."""
        return SealPorts(self.waiting, self.key, self.store, ORIGIN, self.stamps)
