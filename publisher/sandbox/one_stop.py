"""System (e): the one-stop centres, dossiers in a SQL database, one row a dossier."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

import numpy as np
import sqlalchemy as sa

from publisher.sandbox import databases, facts, seasons
from publisher.sandbox.dirt import Row, put, repeat, spoil
from publisher.sandbox.facts import Ints
from publisher.sandbox.people import make_people
from publisher.sandbox.seasons import Moments

DOSSIERS_AT_SCALE_ONE = 40_000
DAYS = 365

METADATA = sa.MetaData()
DOSSIERS = sa.Table(
    "dossiers",
    METADATA,
    sa.Column("dossier_id", sa.String),  # no key: the real system lets duplicates in
    sa.Column("applicant_name", sa.String),
    sa.Column("applicant_id_number", sa.String),
    sa.Column("applicant_phone", sa.String),
    sa.Column("applicant_address", sa.String),
    sa.Column("birth_date", sa.String),
    sa.Column("sex", sa.String),
    sa.Column("ward_code", sa.String),
    sa.Column("procedure_code", sa.String),
    sa.Column("procedure_group", sa.String),
    sa.Column("received_on", sa.String),
    sa.Column("due_on", sa.String),
    sa.Column("finished_on", sa.String),
    sa.Column("processing_days", sa.Integer),
    sa.Column("channel", sa.String),
    sa.Column("result", sa.String),
)
_PERSONAL = ("applicant_name", "applicant_id_number", "applicant_phone", "applicant_address")


class OneStopCentres:
    """The database of all one-stop centres."""

    def __init__(self, url: str, *, seed: int, scale: float) -> None:
        self._engine = databases.open_engine(url)
        self._seed = seed
        self._size = max(1, round(DOSSIERS_AT_SCALE_ONE * scale))

    def build(self, now: datetime) -> int:
        """Fill the database with the dossiers of the last year; return their number."""
        rng = np.random.default_rng([self._seed, 5])
        days = seasons.last_days(now, DAYS)
        weights = seasons.day_weights(days, office=True)[:, None] * facts.numbers("procedures", "weight")[None, :]
        day, procedure = seasons.draw_day_and_kind(rng, self._size, weights)
        order = np.argsort(day, kind="stable")
        rows = _make_rows(rng, days[day[order]], procedure[order], now=now)
        words = facts.texts("dossier_texts")
        at = DOSSIERS.columns.keys().index
        kinds = [
            repeat,
            put(at("birth_date"), words["wrong_date"]),
            put(at("ward_code"), words["unknown_ward"]),
            put(at("sex"), words["wrong_sex"]),
            put(at("procedure_code"), None),
            put(at("processing_days"), -3),
        ]
        spoil(rows, rng, kinds)
        databases.recreate(self._engine, METADATA)
        databases.add_rows(self._engine, DOSSIERS, rows)
        return self._size

    def personal_values(self) -> Iterator[str]:
        """Yield every personal value that the database holds."""
        return databases.stored_texts(self._engine, [DOSSIERS.c[name] for name in _PERSONAL])

    def close(self) -> None:
        """Let go of the database."""
        self._engine.dispose()


def _make_rows(rng: np.random.Generator, received: Moments, procedure: Ints, *, now: datetime) -> list[Row]:
    count = len(received)
    ward = rng.choice(len(facts.wards()), count, p=facts.shares(facts.ward_people()))
    usual_age = facts.numbers("procedures", "usual_age")[procedure]
    people = make_people(rng, ward, as_of=now.date(), usual_age=usual_age)
    allowed = facts.numbers("procedures", "days")[procedure].astype(np.int64)
    taken = np.minimum(np.rint(allowed * rng.gamma(6.0, 0.11, count)).astype(np.int64), 90)
    finished = received + taken.astype("timedelta64[D]")
    is_finished = finished <= np.datetime64(now.date(), "D")
    words = facts.texts("dossier_texts")
    results = [words["results"][key] for key in ("open", "early", "on_time", "late", "refused")]
    state = np.select(
        [~is_finished, rng.random(count) < 0.03, taken < allowed, taken == allowed], [0, 4, 1, 2], default=3
    )
    days = [text if done else None for text, done in zip(_days(finished), is_finished.tolist(), strict=True)]
    return list(
        zip(
            [
                f"H29.{1 + w % 24:02d}-{day[2:4]}{day[5:7]}{day[8:]}-{i + 1:06d}"
                for i, (w, day) in _numbered(ward, received)
            ],
            people.name,
            people.id_number,
            people.phone,
            people.address,
            people.birth_date,
            facts.take(words["sexes"], people.sex),
            facts.take([ward["code"] for ward in facts.wards()], ward),
            facts.take(facts.column("procedures", "code"), procedure),
            facts.take(facts.column("procedures", "procedure_group"), procedure),
            _days(received),
            _days(received + allowed.astype("timedelta64[D]")),
            days,
            [d if done else None for d, done in zip(taken.tolist(), is_finished.tolist(), strict=True)],
            facts.draw(rng, count, words["channels"]),
            facts.take(results, state),
            strict=True,
        )
    )


def _numbered(ward: Ints, received: Moments) -> Iterator[tuple[int, tuple[int, str]]]:
    return iter(enumerate(zip(ward.tolist(), _days(received), strict=True)))


def _days(moments: Moments) -> list[str]:
    texts: list[str] = np.datetime_as_string(moments, unit="D").tolist()
    return texts
