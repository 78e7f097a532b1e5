"""The whole synthetic city: builds the five agency systems below one folder and tells the publisher where they are."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from publisher.sandbox import business, population, sensors
from publisher.sandbox.call_centre import CallCentre
from publisher.sandbox.environment_service import EnvironmentService, Listing
from publisher.sandbox.one_stop import OneStopCentres

Progress = Callable[[str, int], None]
"""Told the name of a system and the number of its rows as soon as it is built."""

CITY_TIME = ZoneInfo("Asia/Ho_Chi_Minh")
DEFAULT_SEED = 1022


class SyntheticCity:
    """Five agency systems, deterministic by seed; `now` is the city's clock (a zone is turned into the city's own)."""

    def __init__(
        self,
        home: Path,
        *,
        now: datetime,
        seed: int = DEFAULT_SEED,
        scale: float = 1.0,
        database_url: str | None = None,
        rest_port: int = 0,
    ) -> None:
        self.folder = home / "sandbox"
        self._now = _city_clock(now)
        self._seed = seed
        self._scale = scale
        self.folder.mkdir(parents=True, exist_ok=True)
        self._call_centre_url = database_url or f"sqlite:///{self.folder.absolute() / 'call_centre.db'}"
        self._one_stop_url = database_url or f"sqlite:///{self.folder.absolute() / 'one_stop.db'}"
        self._call_centre = CallCentre(self._call_centre_url, seed=seed, scale=scale)
        self._one_stop = OneStopCentres(self._one_stop_url, seed=seed, scale=scale)
        self._stations = sensors.make_stations(seed=seed, scale=scale, now=self._now)
        self._readings = sensors.ReadingWindow(self._stations, seed=seed, now=self._now)
        self._service = self._make_service(rest_port)

    def build(self, progress: Progress | None = None) -> None:
        """Make every system anew."""
        tell = progress or (lambda _system, _rows: None)
        tell("call_centre", self._call_centre.build(self._now))
        tell("one_stop", self._one_stop.build(self._now))
        drops = self.folder / "business"
        tell("business", business.write_register(drops, seed=self._seed, scale=self._scale, now=self._now))
        tell("statistics", population.write_workbook(self.folder / "statistics", seed=self._seed, now=self._now))
        for file in (*drops.iterdir(), *(self.folder / "statistics").iterdir()):
            _deliver_earlier(file)
        tell("environment", self._readings.total)

    def environment(self) -> dict[str, str]:
        """Return the variables that the definitions in `datasets/` name; REST addresses hold once started."""
        return {
            "PHUSA_SANDBOX_CALL_CENTRE_URL": self._call_centre_url,
            "PHUSA_SANDBOX_ONE_STOP_URL": self._one_stop_url,
            "PHUSA_SANDBOX_READINGS_REST_URL": self._service.url("readings"),
            "PHUSA_SANDBOX_STATIONS_REST_URL": self._service.url("stations"),
            "PHUSA_SANDBOX_ENVIRONMENT_TOKEN": self._secret("token"),
            "PHUSA_SANDBOX_BUSINESS_FOLDER": str(self.folder.absolute() / "business"),
            "PHUSA_SANDBOX_STATISTICS_FOLDER": str(self.folder.absolute() / "statistics"),
            "PHUSA_SANDBOX_PSEUDONYM_KEY": self._secret("pseudonym key"),
        }

    def start(self) -> None:
        """Start the REST service."""
        self._service.start()

    def stop(self) -> None:
        """Stop the REST service and let go of the databases."""
        self._service.stop()
        self._call_centre.close()
        self._one_stop.close()

    def grow(self, requests: int, now: datetime) -> int:
        """Add call-centre requests up to now and let the sensors read on; return the number of all requests."""
        clock = _city_clock(now)
        self._readings.advance(clock)
        return self._call_centre.grow(requests, clock)

    def personal_values(self) -> Iterator[str]:
        """Yield every personal value in the city: names, ID numbers, phones, addresses, e-mails, plates.

        Birth dates are left out: a day alone is also the day of many harmless things.
        """
        yield from self._call_centre.personal_values()
        yield from self._one_stop.personal_values()
        yield from business.read_personal_values(self.folder / "business")
        for station in self._stations:
            yield from (station.contact_name, station.contact_phone, station.contact_email)

    def _make_service(self, port: int) -> EnvironmentService:
        stations = sensors.station_rows(self._stations, seed=self._seed)
        listings = {
            "readings": Listing(lambda: self._readings.total, self._readings.rows),
            "stations": Listing(lambda: len(stations), lambda start, stop: stations[start:stop]),
        }
        return EnvironmentService(listings, token=self._secret("token"), port=port)

    def _secret(self, purpose: str) -> str:
        return hashlib.sha256(f"sandbox {purpose} {self._seed}".encode()).hexdigest()


def _deliver_earlier(file: Path) -> None:
    """Let a file look an hour old: agencies deliver before the night's runs, and young files are watched for growth."""
    delivered = file.stat().st_mtime - 3600
    os.utime(file, (delivered, delivered))


def _city_clock(moment: datetime) -> datetime:
    return moment.astimezone(CITY_TIME).replace(tzinfo=None) if moment.tzinfo else moment
