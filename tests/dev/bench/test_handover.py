"""The bench of exports and the seal: it measures what really runs."""

import io
import zipfile

import pytest

from dev.bench import bundles, handover
from recording.domain.archived.zip64 import ZipEntry, central_header, crc_of, end_records, local_header
from recording.library.handover.bundle import EPOCH


def test_a_larger_bundle_needs_no_more_memory() -> None:
    """Flat: what it needs is a few blocks, whatever the size; each is measured in a process of its own."""
    small, large = bundles.measured_export(0.03), bundles.measured_export(0.25)
    assert large["mb_s"] > 0
    assert 0 < large["grown_mib"] < 96
    assert large["peak_mib"] > large["grown_mib"]
    assert bundles.growth([large, small]) < 16
    assert (small["length_bytes"] > 0.03 * bundles.GIB, large["length_bytes"] > 0.25 * bundles.GIB) == (True, True)


def test_a_bundle_beyond_four_gib_is_read_back_by_another_reader() -> None:
    """Sizes and places that need 64 bits: Python's reader finds both, and reads the small file behind the large one."""
    length, page = 5 << 30, b"<html>"
    media = ZipEntry("sound.wav", length, 7, EPOCH)
    first = local_header(media)
    second = ZipEntry("index.html", len(page), crc_of(page), EPOCH, len(first) + length)
    behind = local_header(second) + page
    directory = central_header(media) + central_header(second)
    end = end_records(2, len(first) + length + len(behind), len(directory))
    whole = bundles.HollowFile([(len(one), one) for one in (first,)] + [(length, None)] + [
        (len(one), one) for one in (behind, directory + end)
    ])  # fmt: skip
    found = bundles.read_back(whole, length)
    assert (found["entries"], found["zip64_entries"]) == (2, 2)


def test_the_store_of_the_bench_forgets_large_blocks_and_keeps_their_order() -> None:
    """A bundle of 10 GB fits into memory only so."""
    store = bundles.ForgetfulStore()
    store.stage_block("b", "large", bytes(bundles.SMALL_BYTES + 1))
    store.stage_block("b", "small", b"x")
    store.commit("b", ["small", "large"])
    assert (store.bundle().length_bytes, store.bundle().read(1)) == (bundles.SMALL_BYTES + 2, b"x")


def test_a_bundle_without_its_medium_is_no_bundle() -> None:
    """What the bench says of its entries is what Python's reader finds, and not what was meant."""
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        archive.writestr("index.html", "x")
    content = made.getvalue()
    whole = bundles.HollowFile([(len(content), content)])
    assert bundles.read_back(whole, 1)["entries"] == 1
    with pytest.raises(RuntimeError):
        bundles.read_back(bundles.HollowFile([(len(content), content)]), 7)


def test_a_quiet_turn_of_the_seal_costs_a_few_requests() -> None:
    """It runs every five minutes, all year."""
    found = handover.seal_turns(3)
    assert found["quiet_requests"] <= 12
    assert 0 < found["requests_a_recording"] <= 16
