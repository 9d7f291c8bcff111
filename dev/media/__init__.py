"""Real, playable media in the exact shapes ACS delivers, with the metadata document that belongs to each file."""

from dev.media.metadata import ChunkFacts, Pause, metadata_document
from dev.media.render import RenderedMedia, render
from dev.media.spec import MediaSpec, UnsupportedMediaError, wav_length_bytes

__all__ = [
    "ChunkFacts",
    "MediaSpec",
    "Pause",
    "RenderedMedia",
    "UnsupportedMediaError",
    "metadata_document",
    "render",
    "wav_length_bytes",
]
