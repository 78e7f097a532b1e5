"""System (a): the call centre 1022, a SQL database that grows while the demo runs."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

import numpy as np
import sqlalchemy as sa

from publisher.sandbox import databases, facts, seasons
from publisher.sandbox.dirt import Row, put, repeat, spoil
from publisher.sandbox.facts import Ints
from publisher.sandbox.people import People, make_people, make_plates
from publisher.sandbox.seasons import Moments

REQUESTS_AT_SCALE_ONE = 100_000
DAYS = 365
_PEOPLE_A_REQUEST = 0.6
_PERSONAL_TEXT_SHARE = 0.3
_RATED_SHARE = 0.42
_PARKING = 6  # position of illegal parking in call_fields.csv: the callers give plates

METADATA = sa.MetaData()
FIELDS = sa.Table("fields", METADATA, *(sa.Column(name, sa.String) for name in ("field", "field_group", "unit")))
WARDS = sa.Table("wards", METADATA, *(sa.Column(name, sa.String) for name in ("code", "full_name", "area")))
REQUESTS = sa.Table(
    "requests",
    METADATA,
    sa.Column("ticket_id", sa.String),  # no key: the real system lets duplicates in
    sa.Column("received_at", databases.MOMENT),
    sa.Column("closed_at", sa.String),  # typed in by hand
    sa.Column("ward_code", sa.String),
    sa.Column("field", sa.String),
    sa.Column("channel", sa.String),
    sa.Column("status", sa.String),
    sa.Column("satisfaction", sa.String),  # typed in by hand
    sa.Column("handling_hours", sa.Float),
    sa.Column("caller_name", sa.String),
    sa.Column("caller_phone", sa.String),
    sa.Column("caller_id_number", sa.String),
    sa.Column("caller_email", sa.String),
    sa.Column("caller_address", sa.String),
    sa.Column("vehicle_plate", sa.String),
    sa.Column("description", sa.String),
)
_PERSONAL = ("caller_name", "caller_phone", "caller_id_number", "caller_email", "caller_address", "vehicle_plate")


class CallCentre:
    """The database of the call centre and its callers."""

    def __init__(self, url: str, *, seed: int, scale: float) -> None:
        self._engine = databases.open_engine(url)
        self._seed = seed
        self._size = max(1, round(REQUESTS_AT_SCALE_ONE * scale))

    def build(self, now: datetime) -> int:
        """Fill the database with the requests of the last year; return their number."""
        rng = np.random.default_rng([self._seed, 1])
        days = seasons.last_days(now, DAYS)
        weights = seasons.day_weights(days)[:, None] * _field_weights(days)
        day, field = seasons.draw_day_and_kind(rng, self._size, weights)
        profiles = seasons.hour_profiles(facts.numbers("call_fields", "rush"), facts.numbers("call_fields", "night"))
        moments = seasons.draw_moments(rng, days[day], profiles=profiles[field], until=now)
        order = np.argsort(moments, kind="stable")
        databases.recreate(self._engine, METADATA)
        fields = [(row["field"], row["field_group"], row["unit"]) for row in facts.table("call_fields")]
        databases.add_rows(self._engine, FIELDS, fields)
        databases.add_rows(self._engine, WARDS, [(w["code"], w["full_name"], w["area"]) for w in facts.wards()])
        self._add(rng, moments[order], field[order], now=now)
        return self._size

    def grow(self, count: int, now: datetime) -> int:
        """Add requests that came in since the newest one, up to now; return the number of all rows."""
        before, newest = self._rows_and_newest()
        rng = np.random.default_rng([self._seed, 2, before])
        start = min(np.datetime64(newest, "s"), np.datetime64(now - timedelta(seconds=1), "s"))
        span = max(1, int((np.datetime64(now, "s") - start).astype(np.int64)))
        moments = np.sort(start + rng.integers(1, span + 1, count).astype("timedelta64[s]"))
        weights = _field_weights(moments[-1:].astype("datetime64[D]"))[0] if count else np.array([1.0])
        field = rng.choice(len(weights), count, p=facts.shares(weights))
        self._add(rng, moments, field, now=now, first=before)
        return before + count

    def personal_values(self) -> Iterator[str]:
        """Yield every personal value that the database holds."""
        return databases.stored_texts(self._engine, [REQUESTS.c[name] for name in _PERSONAL])

    def close(self) -> None:
        """Let go of the database."""
        self._engine.dispose()

    def _add(self, rng: np.random.Generator, moments: Moments, field: Ints, *, now: datetime, first: int = 0) -> None:
        rows = _make_rows(rng, moments, field, now=now, first=first)
        words = facts.texts("call_texts")
        at = REQUESTS.columns.keys().index
        kinds = [
            repeat,
            put(at("satisfaction"), words["wrong_rating"]),
            put(at("ward_code"), words["unknown_ward"]),
            put(at("channel"), None),
            put(at("handling_hours"), -4.0),
            put(at("closed_at"), words["wrong_time"]),
        ]
        spoil(rows, rng, kinds)
        databases.add_rows(self._engine, REQUESTS, rows)

    def _rows_and_newest(self) -> tuple[int, str]:
        query = sa.select(sa.func.count(), sa.func.max(REQUESTS.c.received_at)).select_from(REQUESTS)
        with self._engine.connect() as connection:
            count, newest = connection.execute(query).one()
        return count, str(newest).replace(" ", "T")


def _field_weights(days: Moments) -> facts.Floats:
    rainy = seasons.rain(days)[:, None]
    lift = facts.numbers("call_fields", "rain")[None, :] - 1.0
    return np.asarray(facts.numbers("call_fields", "weight")[None, :] * np.clip(1.0 + lift * rainy, 0.1, None))


def _make_rows(rng: np.random.Generator, moments: Moments, field: Ints, *, now: datetime, first: int) -> list[Row]:
    count = len(moments)
    people = _make_callers(rng, count, now)
    hours = np.round(rng.gamma(1.3, 1.0, count) * facts.numbers("call_fields", "closing_hours")[field] / 1.3, 1) + 0.1
    closing = moments + np.rint(hours * 3600).astype("timedelta64[s]")
    closed = closing < np.datetime64(now, "s")
    refused = closed & (rng.random(count) < 0.06)
    states = np.where(refused, 2, np.where(closed, 1, 0))
    rated = closed & (rng.random(count) < _RATED_SHARE)
    stars = np.clip(np.rint(rng.normal(4.3 - np.log1p(hours) / 6 - refused, 0.9)), 1, 5).astype(np.int64)
    words = facts.texts("call_texts")
    plates = make_plates(rng, count)
    return list(
        zip(
            _ticket_ids(moments, first),
            seasons.iso(moments),
            _where(closed, seasons.iso(closing)),
            facts.take([ward["code"] for ward in facts.wards()], people.ward),
            facts.take(facts.column("call_fields", "field"), field),
            facts.draw(rng, count, words["channels"]),
            facts.take([words["statuses"][key] for key in ("open", "closed", "refused")], states),
            _where(rated, [str(star) for star in stars.tolist()]),
            [hour if is_closed else None for hour, is_closed in zip(hours.tolist(), closed.tolist(), strict=True)],
            people.name,
            people.phone,
            _where(rng.random(count) < 0.55, people.id_number),
            _where(rng.random(count) < 0.4, people.email),
            people.address,
            _where((field == _PARKING) & (rng.random(count) < 0.8), plates),
            _descriptions(rng, people, plates),
            strict=True,
        )
    )


def _make_callers(rng: np.random.Generator, count: int, now: datetime) -> People:
    pool_size = max(1, round(count * _PEOPLE_A_REQUEST))
    ward = rng.choice(len(facts.wards()), pool_size, p=facts.shares(facts.ward_people()))
    pool = make_people(rng, ward, as_of=now.date())
    who = rng.integers(0, pool_size, count)
    columns = ("name", "birth_date", "id_number", "phone", "email", "address")
    texts = {name: facts.take(getattr(pool, name), who) for name in columns}
    return People(**texts, sex=pool.sex[who], ward=pool.ward[who])


def _ticket_ids(moments: Moments, first: int) -> list[str]:
    months = [text[2:4] + text[5:7] for text in np.datetime_as_string(moments, unit="M").tolist()]
    return [f"PA{month}-{first + i + 1:07d}" for i, month in enumerate(months)]


def _descriptions(rng: np.random.Generator, people: People, plates: list[str]) -> list[str]:
    words = facts.texts("call_texts")
    patterns = words["plain"] + words["personal"]
    personal = rng.random(len(plates)) < _PERSONAL_TEXT_SHARE
    plain_picks = rng.integers(0, len(words["plain"]), len(plates))
    personal_picks = len(words["plain"]) + rng.integers(0, len(words["personal"]), len(plates))
    picks = np.where(personal, personal_picks, plain_picks).tolist()
    streets = facts.take(facts.column("streets", "street"), rng.integers(0, len(facts.table("streets")), len(plates)))
    who = zip(people.name, people.address, people.phone, people.id_number, people.email, strict=True)
    return [
        patterns[pick].format(street=street, plate=plate, name=n, address=a, phone=p, id_number=i, email=e)
        for pick, street, plate, (n, a, p, i, e) in zip(picks, streets, plates, who, strict=True)
    ]


def _where(shown: np.ndarray[tuple[int, ...], np.dtype[np.bool_]], values: list[str]) -> list[str | None]:
    return [value if is_shown else None for value, is_shown in zip(values, shown.tolist(), strict=True)]
