"""Chinese datums: published values, exact inverses, and no shift where there is none."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from producers import datum

METRES = 111_320.0


def one(lat: float, lon: float) -> tuple[np.ndarray, np.ndarray]:
    return np.array([lat]), np.array([lon])


def away_m(a: tuple[np.ndarray, np.ndarray], b: tuple[np.ndarray, np.ndarray]) -> float:
    return float(np.hypot((a[0] - b[0]) * METRES, (a[1] - b[1]) * METRES * np.cos(np.radians(a[0]))).max())


def test_the_forward_formulae_give_the_published_values() -> None:
    assert datum.wgs84_to_gcj02(*one(39.915, 116.404)) == (
        pytest.approx(39.91640428150164, abs=1e-10),
        pytest.approx(116.41024449916938, abs=1e-10),
    )
    assert datum.gcj02_to_bd09(*one(39.915, 116.404)) == (
        pytest.approx(39.92133699351021, abs=1e-10),
        pytest.approx(116.41036949371029, abs=1e-10),
    )


def test_an_unconverted_point_would_be_half_a_kilometre_off() -> None:
    here = one(31.82, 117.23)
    assert 400 < away_m(here, datum.wgs84_to_gcj02(*here)) < 700
    assert 900 < away_m(here, datum.gcj02_to_bd09(*datum.wgs84_to_gcj02(*here))) < 1400


@given(st.lists(st.tuples(st.floats(2.0, 54.5), st.floats(73.5, 136.5)), min_size=1, max_size=50))
def test_there_and_back_is_less_than_half_a_metre(points: list[tuple[float, float]]) -> None:
    lat, lon = np.array(points).T
    shifted = datum.wgs84_to_gcj02(lat, lon)
    assert away_m((lat, lon), datum.to_wgs84(*shifted, "gcj02")) < 0.5
    assert away_m((lat, lon), datum.to_wgs84(*datum.gcj02_to_bd09(*shifted), "bd09")) < 0.5


@given(st.floats(-85, 85), st.floats(-179, 71.9))
def test_outside_china_nothing_moves(lat: float, lon: float) -> None:
    for name in ("wgs84", "gcj02", "bd09"):
        there = datum.to_wgs84(*one(lat, lon), name)
        assert (there[0][0], there[1][0]) == (lat, lon)


def test_an_unknown_datum_is_refused() -> None:
    with pytest.raises(ValueError, match="epsg"):
        datum.to_wgs84(*one(30.0, 110.0), "epsg:3857")
