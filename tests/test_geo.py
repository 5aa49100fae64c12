"""Distances against figures known from elsewhere, and the two forms against each other."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from matcher import geo

LAT = st.floats(-90, 90)
LON = st.floats(-180, 180)


def plain_haversine_m(lat_a: float, lon_a: float, lat_b: float, lon_b: float) -> float:
    phi_a, phi_b = math.radians(lat_a), math.radians(lat_b)
    h = (1 - math.cos(phi_b - phi_a)) / 2
    h += math.cos(phi_a) * math.cos(phi_b) * (1 - math.cos(math.radians(lon_b - lon_a))) / 2
    return 2 * 6_371_008.8 * math.asin(min(1.0, math.sqrt(h)))


def test_a_quarter_of_the_meridian_is_a_quarter_of_the_circle():
    assert geo.distance_m(0, 10, 90, 10) == pytest.approx(math.pi / 2 * 6_371_008.8, rel=1e-15)


def test_antipodes_are_half_the_circle_apart():
    assert geo.distance_m(31.0, 104.0, -31.0, -76.0) == pytest.approx(math.pi * 6_371_008.8, rel=1e-9)


def test_a_point_is_no_metre_from_itself():
    assert geo.distance_m(42.36, -71.06, 42.36, -71.06) == 0.0


def test_the_date_line_is_no_border():
    across = geo.distance_m(0.0, 179.999, 0.0, -179.999)
    assert across == pytest.approx(0.002 * math.pi / 180 * 6_371_008.8, rel=1e-9)


@given(LAT, LON, LAT, LON)
def test_any_distance_agrees_with_the_cosine_form(lat_a: float, lon_a: float, lat_b: float, lon_b: float):
    expected = plain_haversine_m(lat_a, lon_a, lat_b, lon_b)
    assert geo.distance_m(lat_a, lon_a, lat_b, lon_b) == pytest.approx(expected, abs=1.0, rel=1e-6)


@pytest.mark.parametrize("count", [1, 2, 7, 8, 9, 33, 1000])
def test_one_pair_has_the_same_bits_as_among_many(count: int):
    draw = np.random.default_rng(count)
    lats, lons = 31 + draw.random(count), 104 + draw.random(count)
    many = geo.distances_m(31.5, 104.5, lats, lons)
    assert many.tolist() == [geo.distance_m(31.5, 104.5, float(a), float(b)) for a, b in zip(lats, lons, strict=True)]


def plain_morton(north: int, east: int) -> int:
    return sum((east >> bit & 1) << (2 * bit) | (north >> bit & 1) << (2 * bit + 1) for bit in range(16))


@given(LAT, LON)
def test_a_morton_cell_interleaves_the_bits_of_latitude_and_longitude(lat: float, lon: float):
    north = min(int((lat + 90) / 180 * 65536), 65535)
    east = min(int((lon + 180) / 360 * 65536), 65535)
    assert geo.morton(np.array([lat]), np.array([lon])).tolist() == [plain_morton(north, east)]
