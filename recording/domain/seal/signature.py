"""Signatures: ECDSA over P-256 with SHA-256, as `openssl dgst -sha256` makes and checks them. Pure."""

import base64
import textwrap

# SubjectPublicKeyInfo of an uncompressed point on P-256 (RFC 5480): everything before the two coordinates.
_SPKI_OF_P256 = bytes.fromhex("3059301306072a8648ce3d020106082a8648ce3d030107034200" + "04")
COORDINATE_BYTES = 32


def public_key_of(x: bytes, y: bytes) -> bytes:
    """Return a public key in DER from its coordinates."""
    return _SPKI_OF_P256 + x.rjust(COORDINATE_BYTES, b"\0") + y.rjust(COORDINATE_BYTES, b"\0")


def der_of(raw: bytes) -> bytes:
    """Return a signature in DER from the two numbers one behind the other, as JOSE and Key Vault write it."""
    half = len(raw) // 2
    numbers = _integer(raw[:half]) + _integer(raw[half:])
    return b"\x30" + bytes([len(numbers)]) + numbers


def pem_of(public_key: bytes) -> bytes:
    """Return a public key in the form that `openssl` reads."""
    lines = textwrap.wrap(base64.b64encode(public_key).decode(), 64)
    return "\n".join(["-----BEGIN PUBLIC KEY-----", *lines, "-----END PUBLIC KEY-----", ""]).encode()


def key_of_pem(pem: bytes) -> bytes:
    """Return the public key of a PEM file in DER.

    Raises:
        ValueError: it is none on P-256.
    """
    text = pem.decode("ascii", errors="replace")
    _, found, rest = text.partition("-----BEGIN PUBLIC KEY-----")
    body, ended, _ = rest.partition("-----END PUBLIC KEY-----")
    if not found or not ended:
        raise ValueError("not a public key in PEM")
    key = base64.b64decode("".join(body.split()), validate=True)
    if not key.startswith(_SPKI_OF_P256) or len(key) != len(_SPKI_OF_P256) + 2 * COORDINATE_BYTES:
        raise ValueError("not a public key on P-256")
    return key


def is_signed(public_key: bytes, signature: bytes, text: bytes) -> bool:
    """Return whether a key has signed a text."""
    from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, EllipticCurvePublicKey
    from cryptography.hazmat.primitives.hashes import SHA256
    from cryptography.hazmat.primitives.serialization import load_der_public_key

    try:
        key = load_der_public_key(public_key)
        if not isinstance(key, EllipticCurvePublicKey):
            return False
        key.verify(signature, text, ECDSA(SHA256()))
    except (InvalidSignature, UnsupportedAlgorithm, ValueError):
        return False
    return True


def _integer(number: bytes) -> bytes:
    bare = number.lstrip(b"\0") or b"\0"
    padded = b"\0" + bare if bare[0] & 0x80 else bare
    return b"\x02" + bytes([len(padded)]) + padded
