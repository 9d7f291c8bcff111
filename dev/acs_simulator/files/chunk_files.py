"""Makes the real files of a chunk: media that plays and the metadata document that belongs to it."""

from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from dev.acs_simulator.files.chunking import ChunkPlan
from dev.acs_simulator.options import MetadataShape, SimulatorOptions
from dev.acs_simulator.state.model import Participant, Recording
from dev.media import ChunkFacts, MediaSpec, RenderedMedia, metadata_document, render
from dev.media.spec import MAX_UNMIXED_CHANNELS


@dataclass(frozen=True)
class Production:
    """The files of one chunk, before anybody can read them."""

    document_id: str
    index: int
    spec: MediaSpec
    media: RenderedMedia
    metadata: bytes


def produce(
    recording: Recording, plan: ChunkPlan, document_id: str, folder: Path, options: SimulatorOptions
) -> Production:
    """Render the chunk into `folder`. Block for as long as that takes: call it in a thread."""
    participants = _heard(recording, plan)
    spec = _spec(recording, plan, document_id, participants)
    media = render(spec, folder / f"{document_id}-{plan.index}.{spec.format}")
    facts = ChunkFacts(
        resource_id=options.immutable_resource_id,
        call_id=recording.call.call_id,
        document_id=document_id,
        index=plan.index,
        started_at=plan.started_at,
        participant_ids=tuple(participant.mri for participant in participants),
        pauses=plan.pauses,
    )
    return Production(document_id, plan.index, spec, media, _document(spec, facts, options.metadata))


def _heard(recording: Recording, plan: ChunkPlan) -> tuple[Participant, ...]:
    """Return who was in the call during the chunk, each once.

    Unmixed recordings have at most five channels, and always one: without anybody it is silent.
    """
    covered = timedelta(milliseconds=plan.duration_ms + sum(pause.duration_ms for pause in plan.pauses))
    there = [one for one in recording.call.participants if one.is_there(plan.started_at, plan.started_at + covered)]
    participants = tuple({one.mri: one for one in there}.values())
    if recording.asked.channel == "mixed":
        return participants
    return participants[:MAX_UNMIXED_CHANNELS] or (Participant("Nobody", "8:acs:nobody"),)


def _spec(recording: Recording, plan: ChunkPlan, document_id: str, participants: tuple[Participant, ...]) -> MediaSpec:
    names = tuple(participant.display_name for participant in participants)
    return MediaSpec(
        recording.asked.content,
        recording.asked.channel,
        recording.asked.format,
        plan.duration_ms,
        names,
        title=f"{', '.join(names) or 'Recording'}, chunk {plan.index}",
        seed=int(document_id[-8:], 16),
    )


def _document(spec: MediaSpec, facts: ChunkFacts, shape: MetadataShape) -> bytes:
    return metadata_document(
        spec,
        facts,
        style="compact" if shape.compact else "crlf",
        swapped=shape.swapped,
        sample_rate_as_text=shape.sample_rate_as_text,
        duration_as_float=shape.duration_as_float,
    )
