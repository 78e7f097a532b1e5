"""A backup brings back every row and file, into the same kind of database or another, and never in the place of something."""

from __future__ import annotations

import sqlite3
import tarfile
from contextlib import closing
from datetime import datetime
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from servers.postgres import PostgresServer
from sqlalchemy import create_engine, select

from catalogue.model import CatalogueTable
from cityportal.backup import installation
from cityportal.cli import main
from cityportal.settings import read_settings
from publisher.errors import EnvironmentFault
from publisher.facilities import open_facilities
from publisher.store import AnswerRow, Decision, Hold, ReleaseRow, Row, Run


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An installation with accounts, runs, a release, keys, pushed rows and stored files."""
    home = tmp_path / "home"
    monkeypatch.setenv("PHUSA_HOME", str(home))
    assert _phusa("user", "add", "thu", "--email", "thu@example.org", "--sysadmin").exit_code == 0
    facilities = open_facilities(read_settings().for_publisher())
    with facilities.store.session() as session:
        run = Run(dataset="cau", trigger="manual", actor="thu", state="published", release="2026-11-20.1")
        session.add(run)
        session.flush()
        summary = {"as_of": "2026-11-20", "rows": {"cau": 3}, "note": "Cầu Nguyễn Văn Cừ"}
        at = datetime(2026, 11, 20, 1, 2, 3, 456)
        session.add(
            ReleaseRow(
                dataset="cau",
                release="2026-11-20.1",
                state="published",
                run_id=run.id,
                fingerprint="f",
                summary=summary,
                published_at=at,
            )
        )
        session.add(Hold(dataset="nuoc", actor="thu", reason="chờ đơn vị xác nhận"))
        session.add(AnswerRow(ledger="so-y-te", question="q", number=1, content=b"PAR1\x00\xff"))
    facilities.store.decide("hold", "nuoc", "thu", reason="chờ")
    assert facilities.storage.put_new("releases/cau/2026-11-20.1/cau.csv", b"a\n1\n", media_type="text/csv")
    facilities.store.close()
    (home / "keys").mkdir(exist_ok=True)
    (home / "keys" / "signing.pem").write_bytes(b"a key")
    (home / "earlier" / "cau" / "2026-11-20.1" / "inside").mkdir(parents=True)
    (home / "earlier" / "cau" / "2026-11-20.1" / "inside" / "cau.units.parquet").write_bytes(b"digests")
    (home / "pushed").mkdir()
    with closing(sqlite3.connect(home / "pushed" / "t.db")) as pushed, pushed:
        pushed.execute("PRAGMA journal_mode = wal")
        pushed.execute("CREATE TABLE rows (c0)")
        pushed.execute("INSERT INTO rows VALUES ('một')")
    return home


def _phusa(*arguments: str) -> Result:
    return CliRunner().invoke(main, list(arguments))


def _rows(home: Path) -> dict[str, list[tuple[object, ...]]]:
    found = {}
    for name, metadata in (("catalogue", CatalogueTable.metadata), ("publisher", Row.metadata)):
        engine = create_engine(f"sqlite:///{home / f'{name}.db'}")
        with engine.connect() as connection:
            for table in metadata.sorted_tables:
                rows = connection.execute(select(table).order_by(*table.primary_key.columns))
                found[table.name] = [tuple(row) for row in rows]
        engine.dispose()
    return found


def test_everything_comes_back(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file, other = tmp_path / "phusa.backup", tmp_path / "other"
    before = _rows(home)

    written = _phusa("backup", str(file))
    monkeypatch.setenv("PHUSA_HOME", str(other))
    back = _phusa("restore", str(file))

    assert (written.exit_code, back.exit_code) == (0, 0), written.output + back.output
    assert file.stat().st_mode & 0o077 == 0
    assert _rows(other) == before
    assert before["users"]
    assert before["release"]
    assert before["answer"]
    assert (other / "keys" / "signing.pem").read_bytes() == b"a key"
    kept = other / "earlier" / "cau" / "2026-11-20.1" / "inside" / "cau.units.parquet"
    assert kept.read_bytes() == b"digests"
    assert (other / "storage" / "releases" / "cau" / "2026-11-20.1" / "cau.csv").read_bytes() == b"a\n1\n"
    with closing(sqlite3.connect(other / "pushed" / "t.db")) as pushed:
        assert pushed.execute("SELECT * FROM rows").fetchall() == [("một",)]
    assert not (other / "restoring").exists()


def test_nothing_is_overwritten(home: Path, tmp_path: Path) -> None:
    file = tmp_path / "phusa.backup"
    assert _phusa("backup", str(file)).exit_code == 0
    kept = file.read_bytes()

    again, into_a_full_one = _phusa("backup", str(file)), _phusa("restore", str(file))

    assert (again.exit_code, into_a_full_one.exit_code) == (3, 3)
    assert file.read_bytes() == kept
    assert (home / "keys" / "signing.pem").read_bytes() == b"a key"


@pytest.mark.usefixtures("home")
@pytest.mark.parametrize("place", ["cut", "changed"])
def test_a_torn_file_is_refused_before_anything_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    file, other = tmp_path / "phusa.backup", tmp_path / "other"
    assert _phusa("backup", str(file)).exit_code == 0
    data = file.read_bytes()
    torn = data[: len(data) // 2] if place == "cut" else data.replace(b"a key", b"A key")
    assert torn != data
    file.write_bytes(torn)
    monkeypatch.setenv("PHUSA_HOME", str(other))

    refused = _phusa("restore", str(file))

    assert refused.exit_code == 3, refused.output
    assert "no whole backup" in refused.output
    assert not other.exists()


def test_a_killed_restore_goes_on(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file, other = tmp_path / "phusa.backup", tmp_path / "other"
    before = _rows(home)
    installation.back_up(read_settings(), file)
    monkeypatch.setenv("PHUSA_HOME", str(other))
    real = installation.insert_rows

    def dies_at_the_runs(*arguments: object) -> int:
        if arguments[1] is Row.metadata.tables["run"]:
            raise KeyboardInterrupt
        return real(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(installation, "insert_rows", dies_at_the_runs)
    with pytest.raises(KeyboardInterrupt):
        installation.restore(read_settings(), file)
    monkeypatch.setattr(installation, "insert_rows", real)
    installation.restore(read_settings(), file)

    assert _rows(other) == before


@pytest.mark.usefixtures("home")
def test_without_the_stored_files(tmp_path: Path) -> None:
    file = tmp_path / "phusa.backup"
    assert _phusa("backup", str(file), "--without-storage").exit_code == 0
    with tarfile.open(file) as tar:
        rooms = {name.split("/")[0] for name in tar.getnames()}
    assert rooms == {"catalogue", "publisher", "keys", "pushed", "earlier", "contents.json"}


@pytest.mark.server
@pytest.mark.slow
def test_from_sqlite_to_postgresql(
    home: Path, tmp_path: Path, postgres: PostgresServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    file, other = tmp_path / "phusa.backup", tmp_path / "other"
    before = _rows(home)
    assert _phusa("backup", str(file)).exit_code == 0
    monkeypatch.setenv("PHUSA_HOME", str(other))
    monkeypatch.setenv("PHUSA_PUBLISHER__DATABASE_URL", postgres.url(postgres.new_database(), driver="psycopg"))
    monkeypatch.setenv("PHUSA_CATALOGUE__DATABASE_URL", postgres.url(postgres.new_database(), driver="psycopg"))

    back = _phusa("restore", str(file))

    assert back.exit_code == 0, back.output
    facilities = open_facilities(read_settings().for_publisher())
    facilities.store.decide("resume", "nuoc", "thu")  # numbered after those that came back
    with facilities.store.reading() as session:
        decisions = session.scalars(select(Decision).order_by(Decision.id)).all()
    facilities.store.close()
    assert [one.action for one in decisions] == ["hold", "resume"]
    again = tmp_path / "again.backup"
    assert _phusa("backup", str(again)).exit_code == 0
    with tarfile.open(file) as old, tarfile.open(again) as new:
        users = [tar.extractfile("catalogue/users.jsonl").read() for tar in (old, new)]  # type: ignore[union-attr]
    assert users[0] == users[1]
    assert before["users"]


@pytest.mark.usefixtures("home")
def test_a_backup_of_other_tables_names_the_version_to_use(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "phusa.backup"
    monkeypatch.setattr(installation, "version_of", lambda _connection: "0000")
    installation.back_up(read_settings(), file)
    monkeypatch.undo()
    monkeypatch.setenv("PHUSA_HOME", str(tmp_path / "other"))
    with pytest.raises(EnvironmentFault, match="another version") as refused:
        installation.restore(read_settings(), file)
    assert "restore it with" in refused.value.cure
