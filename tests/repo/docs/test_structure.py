"""The structure of recording/, drawn from its imports: within its limits, and as docs/architecture.md shows it."""

from dev import structure

MOST_MODULES = 16  # in one folder: what a reader takes in at a glance
MOST_ARROWS = 82  # between rooms: fewer than half of the 166 that the flat layout had


def test_no_folder_is_too_full() -> None:
    """A folder of thirty files is a list, and no place."""
    full = {folder: count for folder, count in structure.modules_by_folder().items() if count > MOST_MODULES}
    assert full == {}


def test_unit_tests_stand_where_the_code_stands() -> None:
    """A reader of `recording/library/seal` finds its tests in `tests/unit/library/seal`, and nowhere else."""
    tests = structure.ROOT / "tests" / "unit"
    folders = {file.parent.relative_to(tests) for file in tests.rglob("test_*.py")}
    nowhere = [str(folder) for folder in folders if not (structure.ROOT / structure.PACKAGE / folder).is_dir()]
    assert nowhere == []


def test_few_rooms_know_each_other() -> None:
    """Each arrow is a reason to read one more folder."""
    assert sum(map(len, structure.arrows().values())) <= MOST_ARROWS


def test_no_room_reaches_itself() -> None:
    """A circle has no first page."""
    rooms = structure.arrows()
    assert [room for room in rooms if room in structure.reachable(rooms, room)] == []


def test_the_picture_shows_the_imports_of_today() -> None:
    """If this fails: python -m dev structure."""
    assert structure.PAGE.read_text("utf-8") == structure.page()


def test_the_picture_leaves_out_only_what_a_longer_way_says() -> None:
    """Every arrow that is not drawn can be walked over those that are."""
    rooms = structure.arrows()
    drawn = structure.longest_ways(rooms)
    assert {room: structure.reachable(drawn, room) for room in drawn} == {
        room: structure.reachable(rooms, room) for room in rooms
    }
