"""A kiosk's own size makes its millimetres, and no mount is out of reach."""

import re
from dataclasses import replace

import pytest

from kiosk.door.profile import HIGHEST, LOWEST, MARGIN, ZONE, Profile, read_profiles
from kiosk.settings import UnsafeSettings


@pytest.mark.parametrize(
    ("diagonal", "px_per_mm", "wide", "keys"), [(15.6, 5.56, 194, 7), (21.5, 4.03, 268, 10), (27, 3.21, 336, 10)]
)
def test_millimetres_are_those_of_the_design(diagonal: float, px_per_mm: float, wide: int, keys: int) -> None:
    profile = Profile(diagonal=diagonal)
    assert profile.px_per_mm == pytest.approx(px_per_mm, abs=0.01)
    assert profile.wide_mm == pytest.approx(wide, abs=0.5)
    assert profile.keys_in_a_row == keys
    assert f"--mm: {profile.px_per_mm:.4f}px" in profile.css


def test_a_small_screen_takes_the_least_sizes_and_no_smaller_ones() -> None:
    sizes = {
        name: float(size) for name, size in re.findall(r"--([a-z-]+): calc\(([\d.]+) \*", Profile(diagonal=15.6).css)
    }
    assert sizes["key"] >= 16
    assert min(sizes["button"], sizes["choice"]) >= 20
    assert "--key:" not in Profile().css


def test_a_screen_on_its_side_is_touched_beside_what_is_read() -> None:
    profile = Profile(diagonal=15.6, wide_px=1920, high_px=1080)
    assert (profile.is_wide, Profile(diagonal=15.6).is_wide) == (True, False)
    assert profile.zone_mm == profile.high_mm < ZONE
    assert (profile.keys_in_a_row, replace(profile, diagonal=13.3).keys_in_a_row) == (10, 7)
    with pytest.raises(UnsafeSettings, match=r"entre 374 et 1019 mm"):
        read_profiles({"Borne 1": {"diagonal": 15.6, "wide_px": 1920, "high_px": 1080, "bottom_mm": 1020}})


@pytest.mark.parametrize("diagonal", [15.6, 21.5, 27, 32])
@pytest.mark.parametrize("out", [-1, 1])
def test_a_mount_that_some_people_cannot_reach_is_refused_in_words(diagonal: float, out: int) -> None:
    zone = Profile(diagonal=diagonal).zone_mm
    lowest, highest = LOWEST - MARGIN, int(HIGHEST - MARGIN - zone)
    for fits in (lowest, highest):
        assert read_profiles({"Borne 1": {"diagonal": diagonal, "bottom_mm": fits}})["Borne 1"].bottom_mm == fits
    wrong = lowest - 1 if out < 0 else highest + 1
    with pytest.raises(UnsafeSettings, match=rf"entre {lowest} et {highest} mm"):
        read_profiles({"Borne 1": {"diagonal": diagonal, "bottom_mm": wrong}})


@pytest.mark.parametrize(
    "line", [{"colour": "red"}, {"diagonal": "21"}, {"wide_px": 10.5}, {"jack": 1}, {"high_px": 0}]
)
def test_a_line_that_is_not_known_or_has_not_its_form_is_refused(line: dict[str, object]) -> None:
    with pytest.raises(UnsafeSettings, match=f"« {next(iter(line))} »"):
        read_profiles({"Borne 1": line})
