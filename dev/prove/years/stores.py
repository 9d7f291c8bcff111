"""What comes to lie outside a recording's own files: entries kept for a person, dead letters, copies, derived files."""

from dev.in_memory.erasure_world import spelt
from dev.prove.years.known import Known
from dev.prove.years.world import YearsWorld
from recording.domain.archived.layout import derived_stem, peaks_name
from recording.ports import DeadLetter, QuarantineEntry


def set_aside(world: YearsWorld, one: Known) -> None:
    """Keep something about one recording, or about two, for an operator, or with Event Grid."""
    ids = tuple(sorted({one.recording_id, world.any_recording().recording_id}))
    if not all(world.is_there(world.known[name]) for name in ids):
        return
    told = ", ".join(f"recordingId={name}" for name in ids)
    payload = world.random.choice(spelt(f"{told} number {len(world.odd)}"))
    if world.random.random() < 0.5:
        letter = DeadLetter(f"letters/{len(world.odd):04d}.json", payload, world.now)
        world.letters.kept[letter.name] = letter
        world.note_letter(letter.name, payload.encode())
        world.odd[letter.name] = ids
        world.counts("dead letters")
        return
    name = world.here.fakes.quarantine.put(QuarantineEntry("odd", "d", payload, "event_queue", world.now))
    world.odd[name] = ids
    world.counts("quarantined")


def copy_and_derive(world: YearsWorld, one: Known) -> None:
    """Write a file of it to the second destination, and a joined file and a waveform beside it."""
    media, archive, fallback = world.media_of(one), world.here.fakes.archive, world.here.fakes.fallback
    if not media or fallback is None or world.is_begun(one):
        return
    name = world.random.choice(media)
    data = archive.blobs[name].data
    fallback.put_once(name, data, "audio/wav")
    joined = derived_stem(name.rpartition("/")[0], "joined", f"{world.random.getrandbits(64):016x}")
    archive.put_once(f"{joined}.wav", data, "audio/wav")
    archive.put_once(peaks_name(name), b"{}", "application/json")
    world.counts("copies and derived files")
