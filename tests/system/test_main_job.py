"""The main job on the whole system: calls are recorded, files arrive proven, the source is empty."""

import json
from concurrent.futures import ThreadPoolExecutor

import pytest

from dev.api import ApiError
from dev.demo import judge, record_calls, wait_until_finished
from tests.system.steps import Steps, digests


def test_the_five_calls_of_the_demo_end_proven_in_the_archive(world: Steps) -> None:
    """What a newcomer sees with `make demo` is what the judge finds: every chunk once, byte-equal, source deleted."""
    recorded = record_calls(world.world, lambda _: None)

    assert wait_until_finished(world.world, recorded, lambda _: None)
    proofs = judge(world.world, recorded)

    assert [proof.faults for proof in proofs] == [()] * 9
    assert not world.simulator.foreign_contacts()


def test_one_event_ten_times_in_parallel_through_both_paths_is_archived_once(world: Steps) -> None:
    """At-least-once delivery on two paths makes duplicates the normal case, not the exception."""
    made = world.simulator.create_objects(format="wav", duration_ms=3000, chunks=2, publish_event=True)
    event = world.simulator.events()[-1]
    with ThreadPoolExecutor(10) as pool:
        statuses = list(pool.map(lambda _: world.post_to_webhook(event), range(10)))
        list(pool.map(lambda _: world.put_on_queue(event), range(10)))

    chunks = world.wait_until_archived(made[0]["recordingId"], chunks=2)

    assert set(statuses) == {202}
    assert {chunk["state"] for chunk in chunks} == {"SOURCE_DELETED"}
    assert world.archived_of(made) == digests(made)


def test_a_recording_started_elsewhere_is_known_from_its_files(world: Steps) -> None:
    """GET answers for recordings that were not started through this app."""
    made = world.simulator.create_objects(format="mp3", duration_ms=2000)
    recording_id = made[0]["recordingId"]

    world.wait_until_archived(recording_id, chunks=1)
    answer = world.api.get(recording_id)

    assert (answer["state"], answer["startedHere"], answer["complete"]) == ("ended", False, True)
    assert answer["chunks"][0]["lengthBytes"] == made[0]["lengthBytes"]


def test_the_papers_beside_the_media_say_what_was_proved(world: Steps) -> None:
    """Receipt, raw metadata and manifest lie beside the media and agree with it."""
    made = world.simulator.create_objects(format="wav", channel="unmixed", participants=["A", "B"], duration_ms=2500)
    chunk = world.wait_until_archived(made[0]["recordingId"], chunks=1)[0]
    papers = {
        name.rpartition("/")[2]: data for name, data in world._blobs("recordings") if name.startswith(_folder(chunk))
    }
    stem = chunk["blobName"].rpartition("/")[2].removesuffix(".wav")
    receipt = json.loads(papers[f"{stem}.receipt.json"])
    metadata = json.loads(papers[f"{stem}.metadata.json"])
    manifest = json.loads(papers["manifest.json"])

    assert (receipt["sha256"], receipt["lengthBytes"]) == (made[0]["sha256"], made[0]["lengthBytes"])
    assert metadata["chunkDocumentId"] == made[0]["documentId"]
    assert manifest["complete"] is True
    assert manifest["chunks"][0]["sha256"] == made[0]["sha256"]


def _folder(chunk: dict[str, str]) -> str:
    return chunk["blobName"].rpartition("/")[0] + "/"


def test_a_second_start_of_one_call_and_an_unknown_call_are_refused_with_stable_codes(world: Steps) -> None:
    """ACS's refusals are told in words that do not change with ACS's versions."""
    call = world.simulator.create_call()
    started = world.api.start({"serverCallId": call["serverCallId"], "format": "mp3"}, "key-of-one-call")
    again = world.api.start({"serverCallId": call["serverCallId"], "format": "mp3"}, "key-of-one-call")
    codes = []
    for body in ({"serverCallId": call["serverCallId"]}, {"serverCallId": "aHR0cHM6Ly91bmtub3du"}):
        with pytest.raises(ApiError) as refusal:
            world.api.start(body)
        codes.append((refusal.value.status, refusal.value.code))

    assert again["recordingId"] == started["recordingId"]
    assert codes == [(409, "already_recording"), (404, "call_not_found")]
    assert world.api.act(started["recordingId"], "stop")["state"] == "ended"
