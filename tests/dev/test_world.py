"""The local world, before anything is started."""

from pathlib import Path

import pytest

from dev.world import LocalWorld, WorldError, WorldOptions, held_alone


def test_a_folder_has_one_world_at_a_time(tmp_path: Path) -> None:
    """A second `make up DATA=kept` wrote into the storage of the first, whose printed commands then led nowhere."""
    with held_alone(tmp_path):
        with pytest.raises(WorldError, match="another local world runs in"):
            LocalWorld(WorldOptions(data_dir=tmp_path)).__enter__()
        assert [path.name for path in tmp_path.iterdir()] == [".in-use"], "nothing was touched"
    with held_alone(tmp_path):
        pass
