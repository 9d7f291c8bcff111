"""docs/local-world.md against the simulator."""

from tests.repo.docs.generated import PAGE, admin_table, fault_table, with_tables


def test_the_tables_are_what_the_simulator_offers() -> None:
    """If this fails, run `python -m tests.docs.generated` and look at the difference."""
    text = PAGE.read_text(encoding="utf-8")
    assert text == with_tables(text)


def test_the_tables_are_not_empty() -> None:
    """Two empty tables would be equal as well."""
    assert "POST `/_simulator/calls`" in admin_table()
    assert "POST `/_simulator/subscriptions`" in admin_table()
    assert "`hostile_url`" in fault_table()
