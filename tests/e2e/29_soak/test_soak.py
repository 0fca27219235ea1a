"""A short soak: a handful of kills with a fixed seed. The long one is `make soak`."""
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "soak"))

from soak import ASKERS, World  # noqa: E402

SEED = 20261129
KILLS = 8


@pytest.mark.timeout(600)  # the kills, and then what World has patience for
def test_a_handful_of_kills():
    """All that was acknowledged reaches all who are owed it, once where both have QoS 2, in order,
    over kills at any moment. Alarms, replays, clean starts and backups hold what they promise
    meanwhile. open-api 3.4"""
    world = World(SEED, askers=ASKERS[1:4:2])  # a replay, a snapshot
    try:
        world.run(KILLS)
        print(f"seed {SEED}: {world.figures}")
        assert not world.faults, "\n".join(world.faults)
        assert world.figures["accepted"] > 0
        assert world.figures["lost"] == world.figures["repeated_qos_2"] == 0
        world.server.stop()
    finally:
        world.close()
