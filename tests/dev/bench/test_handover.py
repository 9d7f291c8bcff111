"""The bench of exports and the seal: it measures what really runs."""

from dev.bench import handover


def test_a_larger_bundle_needs_no_more_memory() -> None:
    """Flat: what it needs is a few blocks, whatever the size."""
    small, large = handover.export_of(0.03), handover.export_of(0.25)
    assert large["mb_s"] > 0
    assert large["grown_mib"] < 96
    assert small["seconds"] <= large["seconds"] * 2


def test_a_quiet_turn_of_the_seal_costs_a_few_requests() -> None:
    """It runs every five minutes, all year."""
    found = handover.seal_turns(3)
    assert found["quiet_requests"] <= 12
    assert 0 < found["requests_a_recording"] <= 16
