"""A cluster gives what one machine gives: every fact, every failing row, every published row in its place.

The tasks run in this process; and, where pyspark or pysail is installed (`make engines`), on a local cluster of two executors or on
a server of Sail.
"""

from __future__ import annotations

import importlib.util
import pickle
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass, replace
from datetime import date, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any
from uuid import uuid4

import pyarrow.parquet as pq
import pytest
from servers.postgres import PostgresServer
from servers.radosgw import ACCESS_KEY, SECRET_KEY, RadosGateway

from publisher.anonymise import AnonymisedTables
from publisher.definition import DatasetDefinition, load_dataset
from publisher.engines.engine import Engine, LocalEngine
from publisher.engines.spark.engine import SparkEngine
from publisher.engines.spark.session import spark_session
from publisher.engines.spark.tasks import Cluster
from publisher.errors import DescriptorError, ReleaseRefused, SourceError, StorageError
from publisher.extraction import Extract
from publisher.facilities import open_facilities
from publisher.formats.release_files import write_release_files
from publisher.runs import DRY_RUN, run_dataset
from publisher.secrets import Secrets
from publisher.settings import PublisherSettings, StorageSettings
from publisher.sources.surroundings import Surroundings
from publisher.storage import open_storage
from publisher.upload import Upload
from publisher.validation import QualityReport, Staged

HAS_SAIL = importlib.util.find_spec("pysail") is not None
HAS_SPARK = importlib.util.find_spec("pyspark") is not None and not HAS_SAIL
pytestmark = [
    pytest.mark.slow,
    pytest.mark.server,
    # What Spark and Sail leave behind is theirs.
    pytest.mark.filterwarnings("default"),
]
ABSENT = "not installed; `make engines` brings it"
ROWS = 6_000

HEAD = """\
name: town
title: Town
description: What people called about.
licenses: [{name: CC-BY-4.0, path: "https://creativecommons.org/licenses/by/4.0/", title: CC BY}]
contact: {name: Office}
release: {cadence: daily}
resources:
"""
CALLS = (
    HEAD
    + """\
  - name: calls
    title: Calls
    row: One call.
    schema:
      primaryKey: [id]
      fields:
        - {name: id, type: integer, title: Number, constraints: {required: true}}
        - {name: phone, title: Telephone, constraints: {unique: true}}
        - {name: ward, title: Ward}
        - {name: age, type: integer, title: Age, constraints: {minimum: 0, maximum: 120}}
        - {name: day, type: date, title: Day}
        - {name: topic, title: Topic, constraints: {enum: [water, road, noise, light]}}
        - {name: cost, type: number, title: Cost}
        - {name: at, type: datetime, title: Moment}
      foreignKeys: [{fields: ward, reference: {resource: wards, fields: code}}]
    checks: [{type: row-constraint, formula: "cost is None or cost < 9000"}, {type: duplicate-row}, {type: table-dimensions, minRows: 5}]
    thresholds: {max_invalid_share: 0.9}
    sort_by: [day, topic]
    source:
      kind: sql
      url: env:CITY
      query: SELECT number, id, phone, ward, age, day, topic, cost, at FROM calls
      count_query: SELECT count(*) FROM calls
      control_totals: [{expression: sum(cost), equals: sum(cost)}, {expression: sum(id), equals: sum(id)}]
      partition: {column: number, slices: 5, connections: 3}
    privacy:
      subject: person
      fields:
        ward: {action: generalise, hierarchy: wards.csv, levels: [ward, district, "*"], role: quasi}
        age: {action: generalise_number, widths: [5, 10, 20, 60], top: 80, role: quasi}
        day: {action: generalise_date, levels: [month, quarter, year], role: quasi}
        topic: {action: keep, role: sensitive}
        cost: {action: round, base: 0.5}
        phone: {action: pseudonymise, key: "env:KEY"}
      microdata: {k: 5, suppression_limit: 0.2, l_diversity: {field: topic, l: 2}, shuffle_rows: true}
      tables:
        - id: by_ward
          title: By ward
          row: One ward and topic.
          group_by: [ward, topic]
          measures: &measures
            - {name: calls, kind: count, title: Calls}
            - {name: total, kind: sum, field: cost, title: Total, decimals: 6}
            - {name: mean, kind: mean, field: cost, title: Mean, decimals: 6}
            - {name: middle, kind: median, field: cost, title: Median, decimals: 6}
          small_cell: {min: 5}
        - {id: by_topic, title: By topic, row: One topic., group_by: [topic], measures: *measures, small_cell: {min: 5}}
        - {id: by_month, title: By month, row: One month., group_by: [day, ward], measures: *measures, small_cell: {min: 200}}
  - name: wards
    title: Wards
    row: One ward.
    schema:
      fields: [{name: code, title: Code}, {name: people, type: integer, title: People}]
      primaryKey: [code]
    thresholds: {max_invalid_share: 0.9}
    source: {kind: sql, url: "env:CITY", query: "SELECT code, people FROM wards ORDER BY code"}
    privacy: {subject: none, fields: {code: {action: keep}, people: {action: keep}}}
"""
)
FILES = (
    HEAD.replace("calls", "meters")
    + """\
  - name: meters
    title: Meters
    row: One reading.
    schema:
      fields:
        - {name: meter, title: Meter}
        - {name: day, type: date, title: Day}
        - {name: value, type: number, title: Value, constraints: {minimum: 0}}
        - {name: note, title: Note}
      uniqueKeys: [[meter, day]]
    thresholds: {max_invalid_share: 0.9}
    source: {kind: file, location: "env:DROPS", pattern: "*.csv", take: all, settle_seconds: 0, format: {kind: csv}}
    privacy: {subject: none, fields: {meter: {action: keep}, day: {action: keep}, value: {action: keep}, note: {action: keep}}}
"""
)
TABLES = f"""
CREATE TABLE wards AS SELECT 'W' || w AS code, 1000 + w AS people FROM generate_series(0, 11) w;
CREATE TABLE calls AS SELECT
  n AS number,
  CASE WHEN n % 997 = 0 THEN 5 WHEN n % 701 = 0 THEN NULL ELSE n END AS id,
  CASE WHEN n % 401 = 0 THEN '0900000000' WHEN n % 61 = 0 THEN NULL ELSE '09' || lpad(n::text, 8, '0') END AS phone,
  CASE WHEN n % 307 = 0 THEN 'W77' ELSE 'W' || (n * 7919 % 12) END AS ward,
  CASE WHEN n % 211 = 0 THEN 200 WHEN n % 53 = 0 THEN NULL ELSE n * 31 % 95 END AS age,
  date '2025-01-01' + (n * 17 % 700)::int AS day,
  CASE WHEN n % 503 = 0 THEN 'Water' ELSE (ARRAY['water','road','noise','light'])[1 + n * n % 4 + (n % 3 = 0)::int] END AS topic,
  CASE WHEN n % 41 = 0 THEN NULL ELSE (n * 7.77 % 1000 + 0.1 * (n % 7))::float8 END AS cost,
  timestamp '2025-01-01 08:00' + n * interval '61 seconds' AS at
FROM generate_series(1, {ROWS}) n;
UPDATE calls SET cost = 9999 WHERE number % 601 = 0;
INSERT INTO calls SELECT NULL, 900000 + number, NULL, ward, age, day, topic, cost, at FROM calls WHERE number % 450 = 0;
INSERT INTO calls SELECT number, id, phone, ward, age, day, topic, cost, at FROM calls WHERE number % 450 = 0
"""


def sent(thing: Any) -> Any:
    return pickle.loads(pickle.dumps(thing))  # noqa: S301


class OneProcess(Cluster):
    """The two ways to use a cluster, without one; functions, items and results travel pickled all the same."""

    def run(self, work: Any, items: Any) -> list[Any]:
        work = sent(work)
        return [sent(work(item)) for item in items]

    def shuffle(self, emit: Any, reduce: Any, items: Any) -> list[Any]:
        emit, reduce = sent((emit, reduce))
        buckets: dict[int, list[bytes]] = {}
        for item in items:
            for bucket, body in emit(item):
                buckets.setdefault(bucket, []).append(body)
        return [reduce(buckets[bucket]) for bucket in sorted(buckets)]


@contextmanager
def sail_server() -> Iterator[str]:
    from pysail.spark import SparkConnectServer

    server = SparkConnectServer("127.0.0.1", 0)
    server.start(background=True)
    try:
        yield f"sc://127.0.0.1:{server.listening_address[1]}"
    finally:
        server.stop()


@pytest.fixture(
    scope="module",
    params=[
        "one process",
        pytest.param("local-cluster[2,1,1024]", marks=pytest.mark.skipif(not HAS_SPARK, reason=ABSENT)),
        pytest.param("sail", marks=pytest.mark.skipif(not HAS_SAIL, reason=ABSENT)),
    ],
)
def cluster(request: pytest.FixtureRequest) -> Iterator[Engine]:
    if request.param == "one process":
        yield SparkEngine(OneProcess(None, rows_for_one=1_000))
        return
    with ExitStack() as opened:
        master = opened.enter_context(sail_server()) if request.param == "sail" else request.param
        session = opened.enter_context(spark_session(master))
        yield SparkEngine(Cluster(session, rows_for_one=1_000))


@dataclass
class Made:
    """What one engine made of a dataset."""

    extracts: list[Extract]
    reports: list[QualityReport]
    anonymised: list[AnonymisedTables]
    quarantine: Path

    @property
    def published(self) -> dict[str, Any]:
        return {table.name: pq.read_table(path) for one in self.anonymised for table, path in one.tables}

    @property
    def failing(self) -> dict[str, Any]:
        return {path.name: pq.read_table(path) for path in sorted(self.quarantine.iterdir())}


def release(engine: Engine, definition: DatasetDefinition, secrets: Secrets, work: Path) -> Made:
    around = Surroundings(memory=work / "memory", recipe="r")
    given = {"definition": definition, "secrets": secrets, "surroundings": around}
    extracts = [engine.extract_table(t, work / "in" / f"{t.name}.arrow", **given) for t in definition.resources]
    staged = {one.table.name: Staged(one.path, one.table) for one in extracts}
    (work / "quarantine").mkdir(parents=True)
    (work / "valid").mkdir()
    reports = [
        engine.validate_table(
            one.path,
            one.table,
            valid=work / "valid" / f"{one.table.name}.arrow",
            quarantine=work / "quarantine" / f"{one.table.name}.parquet",
            others=staged,
        )
        for one in extracts
    ]
    anonymised = [
        engine.anonymise_table(
            work / "valid" / f"{table.name}.arrow",
            table,
            folder=definition.folder,
            output=work / "out",
            secrets=secrets,
            release="2026-11-22.1",
            seed=4_711,
        )
        for table in definition.resources
    ]
    return Made(extracts, reports, anonymised, work / "quarantine")


def defined(folder: Path, text: str) -> DatasetDefinition:
    place = folder / "definitions" / "agency" / "town"
    place.mkdir(parents=True)
    (place.parent / "organization.yaml").write_text("name: agency\ntitle: Agency\n")
    (place / "dataset.yaml").write_text(text)
    districts = [f"W{n},D{n % 3}" for n in range(12)]
    (place / "wards.csv").write_text("\n".join(["ward,district", *districts]) + "\n")
    return load_dataset(place / "dataset.yaml")


def compare(there: Made, here: Made) -> None:
    for one, other in zip(there.extracts, here.extracts, strict=True):
        assert replace(one, path=other.path) == other
    for report, expected in zip(there.reports, here.reports, strict=True):
        assert asdict(replace(report, seconds=expected.seconds)) == asdict(expected)
    assert there.failing == here.failing
    assert [one.report for one in there.anonymised] == [one.report for one in here.anonymised]
    assert list(there.published) == list(here.published)
    for name, rows in here.published.items():
        assert there.published[name].schema == rows.schema
        assert there.published[name].equals(rows), name


@pytest.fixture
def city(postgres: PostgresServer) -> Secrets:
    database = postgres.new_database()
    postgres.execute(*TABLES.split(";"), database=database)
    return Secrets({"CITY": postgres.url(database), "KEY": "a key that nobody guesses"})


def test_a_table_read_in_slices(cluster: Engine, city: Secrets, tmp_path: Path) -> None:
    definition = defined(tmp_path, CALLS)
    here = release(LocalEngine(), definition, city, tmp_path / "here")
    there = release(cluster, definition, city, tmp_path / "there")
    assert here.extracts[0].rows > ROWS
    found = {(error.type, error.field) for error in here.reports[0].errors}
    assert found == {
        ("primary-key", None), ("constraint-error", "id"), ("unique-error", "phone"), ("foreign-key", "ward"),
        ("constraint-error", "age"), ("constraint-error", "topic"), ("row-constraint", None), ("duplicate-row", None),
    }  # fmt: skip
    rows = here.anonymised[0].report
    assert 0 < rows["calls"]["suppressed_rows"] < rows["calls"]["published_rows"]
    assert rows["by_month"]["hidden_small"] > 0
    assert len(list((tmp_path / "there" / "valid" / "calls.arrow").glob("*.arrow"))) > 1
    compare(there, here)


def test_files_that_differ_in_columns(cluster: Engine, tmp_path: Path) -> None:
    drops = tmp_path / "drops"
    drops.mkdir()
    for number in range(4):
        days = [f"2026-{number + 1:02}-{day:02}" for day in range(1, 29)]
        lines = [f"M{meter % 40},{day},{meter * 0.5 - (meter == 77)}" for meter in range(80) for day in days]
        note = "" if number == 1 else ",note"
        rows = [line + (",seen" if note else "") for line in lines]
        (drops / f"m_{number}.csv").write_text("\n".join([f"meter,day,value{note}", *rows, "M1,never,-5"]) + "\n")
    definition = defined(tmp_path, FILES)
    secrets = Secrets({"DROPS": str(drops)})
    here = release(LocalEngine(), definition, secrets, tmp_path / "here")
    there = release(cluster, definition, secrets, tmp_path / "there")
    assert here.reports[0].invalid_rows > 4
    compare(there, here)
    again = release_of_unchanged(cluster, definition, secrets, tmp_path / "there")
    assert again.is_recalled
    assert again.sha256 == here.extracts[0].sha256


def release_of_unchanged(engine: Engine, definition: DatasetDefinition, secrets: Secrets, work: Path) -> Extract:
    around = Surroundings(memory=work / "memory", recipe="r")
    [table] = definition.resources
    output = work / "again" / "meters.arrow"
    return engine.extract_table(table, output, definition=definition, secrets=secrets, surroundings=around)


def test_what_a_task_refuses_comes_back_in_its_own_words(cluster: Engine, city: Secrets, tmp_path: Path) -> None:
    wrong = CALLS.replace("count_query: SELECT count(*) FROM calls", "count_query: SELECT 17", 1)
    definition = defined(tmp_path / "a", wrong)
    with pytest.raises(SourceError, match=r"`calls`: The source says that it holds 17 rows"):
        release(cluster, definition, city, tmp_path / "a" / "work")
    gone = CALLS.replace("FROM calls\n      count", "FROM gone\n      count", 1)
    definition = defined(tmp_path / "b", gone)
    with pytest.raises(SourceError):
        release(cluster, definition, city, tmp_path / "b" / "work")


def test_a_code_that_a_hierarchy_does_not_know(cluster: Engine, city: Secrets, tmp_path: Path) -> None:
    unlinked = CALLS.replace("      foreignKeys: [{fields: ward, reference: {resource: wards, fields: code}}]\n", "")
    definition = defined(tmp_path, unlinked)
    with pytest.raises(ReleaseRefused, match="does not know 1 of its codes"):
        release(cluster, definition, city, tmp_path / "work")


@pytest.mark.parametrize(
    "check", ["{type: sequential-value, fieldName: id}", "{type: required-value, fieldName: topic, values: [water]}"]
)
def test_a_check_of_the_whole_table_is_refused(cluster: Engine, city: Secrets, tmp_path: Path, check: str) -> None:
    definition = defined(tmp_path, CALLS.replace("{type: duplicate-row}", check))
    table = definition.resources[1].model_copy(update={"checks": definition.resources[0].checks})
    with pytest.raises(DescriptorError, match="needs all rows in one place"):
        cluster.validate_table(
            tmp_path / "none", table, valid=tmp_path / "v", quarantine=tmp_path / "q.parquet", others={}
        )


SERIES = (
    HEAD
    + """\
  - name: readings
    title: Readings
    row: One reading.
    schema:
      fields: [{name: day, type: date, title: Day}, {name: place, title: Place}, {name: value, type: number, title: Value}]
    thresholds: {max_invalid_share: 0.9}
    sort_by: [day, place]
    partition_by: {field: day, period: month}
    source: {kind: file, location: "env:DROPS", pattern: "*.csv", settle_seconds: 0, format: {kind: csv}}
    privacy: {subject: none, fields: {day: {action: keep}, place: {action: keep}, value: {action: keep}}}
"""
)


def test_a_whole_run_with_a_series_in_pieces(cluster: Engine, tmp_path: Path) -> None:
    drops = tmp_path / "drops"
    drops.mkdir()
    days = [date(2024, 11, 20) + timedelta(days=number * 37 % 100) for number in range(70_000)]
    lines = [f"{day},P{number * 7 % 1_000},{number % 13}.5" for number, day in enumerate(days)]
    (drops / "readings.csv").write_text("\n".join(["day,place,value", *lines, ",P1,2.5"]) + "\n")
    definition = defined(tmp_path, SERIES)
    settings = PublisherSettings(home=tmp_path / "home", work=tmp_path / "shared", catalogue_url="http://127.0.0.1:9")
    facilities = replace(open_facilities(settings, {"DROPS": str(drops)}), engine=cluster)
    run = run_dataset(definition, facilities, trigger=DRY_RUN, actor="somebody")
    assert run.state == "checked", run.message
    secrets = Secrets({"DROPS": str(drops)})
    [made] = release(cluster, definition, secrets, tmp_path / "there").anonymised
    written = {}
    for name, engine in (("here", LocalEngine()), ("there", cluster)):
        folder = tmp_path / f"{name}.release"
        folder.mkdir()
        given = {"dataset": "town", "release": "2026-11-22.1", "formats": ["parquet"]}
        write_release_files(made.tables, folder, engine=engine, **given)
        written[name] = {path.name: path.read_bytes() for path in sorted(folder.iterdir())}
    assert len(written["here"]) == 6
    assert list(written["there"]) == list(written["here"])
    assert written["there"] == written["here"]


def test_tasks_take_files_to_s3(cluster: Engine, radosgw: RadosGateway, tmp_path: Path) -> None:
    keys = {"PHUSA_S3_ACCESS_KEY": ACCESS_KEY, "PHUSA_S3_SECRET_KEY": SECRET_KEY}
    bucket = f"bucket-{uuid4().hex[:8]}"
    settings = StorageSettings(url=f"s3://{bucket}/open", endpoint_url=radosgw.endpoint_url)
    storage = open_storage(settings, Secrets(keys))
    files = []
    for number in range(3):
        path = tmp_path / f"part{number}.parquet"
        path.write_bytes(f"rows {number}".encode())
        files.append(Upload(path, f"releases/town/1/{path.name}", "text/plain", sha256(path.read_bytes()).hexdigest()))
    cluster.upload(files, storage, settings=settings, secrets=Secrets(keys))
    assert [storage.read(file.key) for file in files] == [b"rows 0", b"rows 1", b"rows 2"]
    files[1].path.write_bytes(b"other rows")
    with pytest.raises(StorageError):
        cluster.upload(files, storage, settings=settings, secrets=Secrets(keys))
