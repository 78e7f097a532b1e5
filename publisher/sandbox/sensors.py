"""The city's air, rain and flooding as its sensors read them: any hour's readings can be made again from the seed alone."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any

import numpy as np

from publisher.sandbox import facts, seasons
from publisher.sandbox.dirt import DIRTY_SHARE, put, repeat, spoil
from publisher.sandbox.facts import Floats, Ints
from publisher.sandbox.people import make_people

SENSORS_AT_SCALE_ONE = 300
DAYS = 14
COLUMNS = (
    "station_code", "station_name", "ward_code", "measured_at", "pm2_5", "pm10", "no2", "o3", "temperature", "humidity",
    "rain_mm", "flood_cm", "contact_name", "contact_phone",
)  # fmt: skip
_MEASURES = 8
_DIRTY_STREAM, _RAIN_STREAM, _NOISE_STREAM = 11, 12, 13
_RUSH = np.array([0.72, 0.68, 0.66, 0.66, 0.72, 0.86, 1.10, 1.38, 1.40, 1.18, 1.02, 0.94,
                  0.90, 0.88, 0.90, 0.96, 1.10, 1.34, 1.38, 1.22, 1.06, 0.96, 0.86, 0.78])  # fmt: skip
_DRY_SEASON_HAZE = 0.7
_TROPICAL_NIGHT = 25.0


@dataclass(frozen=True)
class Station:
    """One sensor at a school or office, with the person in charge, who must not come out."""

    station_code: str
    station_name: str
    site: str
    ward_code: str
    latitude: float
    longitude: float
    installed_on: str
    logger_serial: str
    contact_name: str
    contact_phone: str
    contact_email: str


def make_stations(*, seed: int, scale: float, now: datetime) -> list[Station]:
    """Make the city's sensors."""
    count = max(5, round(SENSORS_AT_SCALE_ONE * scale))
    rng = np.random.default_rng([seed, 10])
    ward = rng.choice(len(facts.wards()), count, p=facts.shares(facts.ward_people()))
    people = make_people(rng, ward, as_of=now.date())
    words = facts.texts("station_texts")
    loggers = rng.integers(0, count, count)  # some sensors share one
    installed = np.datetime64(now.date(), "D") - rng.integers(200, 2500, count).astype("timedelta64[D]")
    sites = facts.draw(rng, count, words["sites"])
    around = rng.normal(0.0, 0.008, (count, 2))
    centres = {area["area"]: (float(area["latitude"]), float(area["longitude"])) for area in facts.table("areas")}
    places = np.array([centres[facts.wards()[w]["area"]] for w in ward.tolist()]) + around
    return [
        Station(
            station_code=f"KK-{i + 1:04d}",
            station_name=words["name"].format(ward=facts.wards()[w]["name"], number=i % 97 + 1),
            site=sites[i],
            ward_code=facts.wards()[w]["code"],
            latitude=round(float(places[i, 0]), 5),
            longitude=round(float(places[i, 1]), 5),
            installed_on=str(installed[i]),
            logger_serial=f"LG{seed % 100:02d}-{int(loggers[i]) * 7919 % 100_000:05d}",
            contact_name=people.name[i],
            contact_phone=people.phone[i],
            contact_email=people.email[i],
        )
        for i, w in enumerate(ward.tolist())
    ]


def station_rows(stations: list[Station], *, seed: int) -> list[dict[str, Any]]:
    """Return the list of stations as the service gives it, its dirty rows included."""
    names = list(Station.__dataclass_fields__)
    rows = [tuple(asdict(station).values()) for station in stations]
    spoil(rows, np.random.default_rng([seed, _DIRTY_STREAM]), [put(names.index("ward_code"), None)])
    return [dict(zip(names, row, strict=True)) for row in rows]


class ReadingWindow:
    """Hourly readings since 14 days before the start, kept as numbers and turned into rows only when asked for.

    It grows at its end only, so that a reader who pages through it while an hour ends misses nothing.
    """

    def __init__(self, stations: list[Station], *, seed: int, now: datetime) -> None:
        self._stations = stations
        self._seed = seed
        rng = np.random.default_rng([seed, 14])
        self._traffic = rng.lognormal(0.0, 0.25, len(stations))
        self._is_low = rng.random(len(stations)) < 0.2
        self._first_hour = _hour_number(now) - DAYS * 24
        self._stop_hour = _hour_number(now)
        self._hours: dict[int, Floats] = {}

    @property
    def total(self) -> int:
        """The number of rows in the window."""
        return (self._stop_hour - self._first_hour) * len(self._stations)

    def advance(self, now: datetime) -> None:
        """Let the window end with the last full hour; it never goes back."""
        self._stop_hour = max(self._stop_hour, _hour_number(now))

    def rows(self, start: int, stop: int) -> Iterator[dict[str, Any]]:
        """Yield rows by position, oldest hour first."""
        size = len(self._stations)
        hours = self._stop_hour - self._first_hour
        for position in range(start // size, min(-(-stop // size), hours)):
            first = position * size
            rows = self._rows_of_hour(self._first_hour + position)
            yield from rows[max(0, start - first) : stop - first]

    def _rows_of_hour(self, hour: int) -> list[dict[str, Any]]:
        moment = _moment(hour).isoformat()
        rows = [
            (s.station_code, s.station_name, s.ward_code, moment, *values, s.contact_name, s.contact_phone)
            for s, values in zip(self._stations, self._values(hour), strict=True)
        ]
        return [dict(zip(COLUMNS, row, strict=True)) for row in self._spoil(rows, hour)]

    def _values(self, hour: int) -> list[list[float | None]]:
        if hour not in self._hours:
            self._hours[hour] = self._measure(hour)
        values: list[list[float | None]] = self._hours[hour].tolist()
        return [[None if value != value else value for value in row] for row in values]  # noqa: PLR0124  NaN: no gauge

    def _measure(self, hour: int) -> Floats:
        moment = _moment(hour)
        rng = np.random.default_rng([self._seed, _NOISE_STREAM, hour])
        noise = rng.normal(0.0, 1.0, (len(self._stations), _MEASURES))
        falling, fallen = self._rain(hour), self._rain(hour) + self._rain(hour - 1) + self._rain(hour - 2)
        wet = float(seasons.rain(np.array([moment], dtype="datetime64[D]"))[0])
        smog = (1.0 + _DRY_SEASON_HAZE * (1.0 - wet)) * (0.7 if fallen > 2 else 1.0)
        pm2_5 = 19.0 * smog * _RUSH[moment.hour] * self._traffic * np.exp(0.18 * noise[:, 0])
        sun = max(0.0, np.sin((moment.hour - 6) / 12 * np.pi))
        temperature = _TROPICAL_NIGHT + 8.5 * sun - min(3.5, falling / 4) + 0.6 * noise[:, 4]
        rain_mm = np.where(falling > 0, falling * np.exp(0.5 * noise[:, 6]), 0.0)
        flood = np.clip(fallen * 0.9 - 12 + 4 * noise[:, 7], 0, 90)
        columns = [
            pm2_5,
            pm2_5 * (1.55 + 0.1 * noise[:, 1]).clip(1.1),
            24.0 * _RUSH[moment.hour] * self._traffic * np.exp(0.15 * noise[:, 2]),
            (26.0 + 55.0 * sun) * np.exp(0.12 * noise[:, 3]),
            temperature,
            np.clip(92 - 28 * sun + min(8.0, falling) + 2 * noise[:, 5], 35, 100),
            rain_mm,
            np.where(self._is_low, np.rint(flood), np.nan),
        ]
        return np.round(np.column_stack(columns), 1)

    def _rain(self, hour: int) -> float:
        """Return the millimetres that fall on the city in an hour: short, heavy, mostly in the afternoon."""
        day = hour // 24
        rng = np.random.default_rng([self._seed, _RAIN_STREAM, day])
        chance = float(seasons.rain(np.array([day], dtype="datetime64[D]"))[0])
        if rng.random() > chance:
            return 0.0
        start, length, heaviest = rng.integers(12, 19), rng.integers(1, 4), rng.gamma(2.0, 9.0)
        return float(heaviest / (1 + hour % 24 - start)) if start <= hour % 24 < start + length else 0.0

    def _spoil(self, rows: list[tuple[Any, ...]], hour: int) -> list[tuple[Any, ...]]:
        rng = np.random.default_rng([self._seed, _DIRTY_STREAM, hour])
        words = facts.texts("station_texts")
        kinds = [
            put(COLUMNS.index("pm2_5"), words["unreadable"]),
            repeat,
            put(COLUMNS.index("temperature"), -999.0),
            put(COLUMNS.index("station_code"), words["unknown_station"]),
            put(COLUMNS.index("measured_at"), None),
        ]
        for position in _dirty_positions(rng, len(rows)):
            rows[position] = kinds[int(rng.integers(0, len(kinds)))](rows[position], rows[position - 1])
        return rows


def _dirty_positions(rng: np.random.Generator, count: int) -> list[int]:
    odd: Ints = np.arange(1, count, 2)
    positions: list[int] = odd[rng.random(len(odd)) < DIRTY_SHARE * count / max(1, len(odd))].tolist()
    return positions


def _hour_number(moment: datetime) -> int:
    return int((np.datetime64(moment, "h") - np.datetime64(0, "h")).astype(np.int64))


def _moment(hour: int) -> datetime:
    return datetime(1970, 1, 1) + timedelta(hours=hour)  # noqa: DTZ001  the city's own clock, without a zone
