"""The matrix itself: no point is forgotten, and none is left out without a reason."""

import re
from pathlib import Path

from questline_persistence.failpoints import all_points
from tests.failpoints.matrix import NAMED, POINTS, UNREACHABLE, cells_at, name_of
from tests.failpoints.scenes import SCENES, scene_of

PAGE = Path(__file__).resolve().parents[2] / "docs" / "project" / "faults.md"


def test_every_point_is_struck_on_every_step_in_at_least_one_setup() -> None:
    struck = {(cell.point, cell.step) for point in POINTS for cell in cells_at(point, "kill")}

    assert struck >= {(point, step) for point in all_points() for step in (1, 2, 3)}


def test_what_is_left_out_is_a_point_and_has_a_reason() -> None:
    for left_out in UNREACHABLE.values():
        assert set(left_out) <= set(all_points())
        assert all(left_out.values())


def test_every_way_to_a_point_is_used() -> None:
    assert {id(scene_of(point)) for point in POINTS} == {id(scene) for scene in SCENES.values()}


def test_fault_01_everything_that_the_protocol_names_is_struck_under_that_name() -> None:
    moments = re.search(r"^\| 1 \| [^|]+ at any named point: ([^|]+) \|", PAGE.read_text(), re.MULTILINE)
    assert moments is not None
    assert list(NAMED) == moments[1].split(", ")
    for name, points in NAMED.items():
        assert all(name_of(point).startswith(name) and cells_at(point, "kill") for point in points)
