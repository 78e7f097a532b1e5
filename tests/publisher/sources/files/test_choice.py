"""Which dropped files are taken: finished ones, in the right order, and none twice."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import Any

import pytest
from sample_release import sample_definition
from samples.source_reader import Read

from publisher.errors import SourceError
from publisher.extraction import extract_table
from publisher.secrets import Secrets
from publisher.sources import Surroundings
from publisher.sources.files.choice import choose_files
from publisher.sources.files.places import Listed
from publisher.sources.files.spec import FileSource
from publisher.sources.memory import remember
from publisher.sources.stream import Unchanged


class Place:
    """A folder on paper that shows another listing each time it is asked."""

    arrives_whole = False

    def __init__(self, *listings: list[Listed]) -> None:
        self._listings = list(listings)
        self.asked = 0

    def files(self) -> list[Listed]:
        self.asked += 1
        return self._listings.pop(0)

    def fetch(self, name: str, scratch: Path) -> Path:
        raise AssertionError(name, scratch)


def spec(**more: Any) -> FileSource:
    given = {"kind": "file", "location": "drop", "pattern": "*.csv", "format": {"kind": "csv"}, **more}
    return FileSource.model_validate(given)


def chosen(place: Place, wanted: FileSource, *, now: float = 1000.0) -> tuple[list[str], list[str], list[float]]:
    notes: list[str] = []
    slept: list[float] = []
    files = choose_files(place, wanted, notes=notes, now=lambda: now, sleep=slept.append)
    return [file.name for file in files], notes, slept


def names(*given: str) -> Place:
    return Place([Listed(name, 1, 0.0) for name in given])


class TestOrder:
    """The order in which files are read, of which the last is the newest."""

    def test_numbers_in_names_count_by_size(self) -> None:
        place = names("thang_10.csv", "thang_9.csv", "thang_1.csv")
        assert chosen(place, spec(take="all"))[0] == ["thang_1.csv", "thang_9.csv", "thang_10.csv"]

    @pytest.mark.parametrize(
        "given",
        [
            ["x_31-12-2025.csv", "x_01-01-2026.csv"],
            ["x_31122025.csv", "x_01012026.csv"],
            ["b_20251231.csv", "a_20260101.csv"],
            ["b 12.2025.csv", "a 01.2026.csv"],
            ["b_2025.csv", "a_2026.csv"],
        ],
    )
    def test_dates_in_names_count_by_time(self, given: list[str]) -> None:
        assert chosen(names(*reversed(given)), spec(take="all", order="date"))[0] == given

    def test_a_name_without_a_date_is_refused_where_dates_give_the_order(self) -> None:
        with pytest.raises(SourceError, match=r"The name x_99\.csv in drop holds no date"):
            chosen(names("x_99.csv", "x_2026-01-01.csv"), spec(order="date"))


class TestGrowing:
    """A file is taken only when it has stopped growing."""

    def test_an_old_file_is_taken_at_once(self) -> None:
        assert chosen(names("a.csv"), spec()) == (["a.csv"], [], [])

    def test_a_young_file_is_watched_for_the_rest_of_the_time(self) -> None:
        young = [Listed("a.csv", 5, 996.0)]
        assert chosen(Place(young, young), spec(settle_seconds=10)) == (["a.csv"], [], [6.0])

    def test_a_growing_file_is_left_for_the_next_run_and_noted(self) -> None:
        old, young, grown = Listed("a.csv", 5, 0.0), Listed("b.csv", 5, 999.0), Listed("b.csv", 9, 1005.0)
        taken, notes, _ = chosen(Place([old, young], [old, grown]), spec())
        assert (taken, notes) == (["a.csv"], ["Left for the next run, it is still growing: b.csv"])

    def test_when_all_grow_the_run_waits_for_a_later_one(self) -> None:
        with pytest.raises(SourceError, match="still growing") as raised:
            chosen(Place([Listed("a.csv", 5, 999.0)], [Listed("a.csv", 9, 1001.0)]), spec())
        assert "run again" in raised.value.cure

    def test_a_clock_that_is_ahead_makes_no_longer_wait(self) -> None:
        ahead = [Listed("a.csv", 5, 99_999.0)]
        assert chosen(Place(ahead, ahead), spec(settle_seconds=10))[2] == [10]

    def test_where_files_arrive_whole_nothing_is_watched(self) -> None:
        place = Place([Listed("a.csv", 5, 999.0)])
        place.arrives_whole = True
        assert chosen(place, spec())[0] == ["a.csv"]
        assert place.asked == 1


class TestMarkers:
    """A second file that says that the first is complete, where an agency works so."""

    @pytest.mark.parametrize("marker", ["a.csv.done", "a.done"])
    def test_only_marked_files_are_taken(self, marker: str) -> None:
        assert chosen(names("a.csv", marker, "b.csv"), spec(pattern="*", marker=".done", take="all"))[0] == ["a.csv"]

    def test_without_any_mark_the_message_says_so(self) -> None:
        with pytest.raises(SourceError, match=r"matches `\*\.csv` and has its `\.done` beside it"):
            chosen(names("a.csv"), spec(marker=".done"))


class TestMemory:
    """A file that was read before is known by its hash, whatever its name."""

    def source(self) -> dict[str, Any]:
        return {"kind": "file", "location": "drop", "pattern": "*.csv", "format": {"kind": "csv"}}

    def test_a_file_delivered_again_is_not_read_again(self, read: Read, tmp_path: Path) -> None:
        (tmp_path / "drop").mkdir()
        (tmp_path / "drop" / "d_1.csv").write_text("id\n1\n")
        surroundings = Surroundings(memory=tmp_path / "memory", recipe="one")
        remember(surroundings, [{"name": "d_0.csv", "bytes": "5", "sha256": "another"}], {})
        assert len(read(self.source(), "id", surroundings=surroundings)) == 1
        remember(
            surroundings, [{"name": "d_0.csv", "bytes": "5", "sha256": file_hash(tmp_path / "drop" / "d_1.csv")}], {}
        )
        with pytest.raises(Unchanged):
            read(self.source(), "id", surroundings=surroundings)
        (tmp_path / "drop" / "d_1.csv").rename(tmp_path / "drop" / "d_2.csv")
        with pytest.raises(Unchanged):
            read(self.source(), "id", surroundings=surroundings)
        (tmp_path / "drop" / "d_2.csv").write_text("id\n2\n")
        os.utime(tmp_path / "drop" / "d_2.csv", (1, 1))
        assert read(self.source(), "id", surroundings=surroundings)[0] == {"id": "2"}

    def test_a_table_is_read_once_and_tells_its_files(self, tmp_path: Path) -> None:
        (tmp_path / "d_1.csv").write_text("id,owner\n1,x\n")
        os.utime(tmp_path / "d_1.csv", (1, 1))
        source = spec(location=str(tmp_path), take="all")
        definition = sample_definition()
        table = definition.resources[0].model_copy(update={"source": source})
        around = Surroundings(memory=tmp_path / "memory", recipe="one")
        given: dict[str, Any] = {"definition": definition, "secrets": Secrets({}), "surroundings": around}
        first = extract_table(table, tmp_path / "1", **given)
        second = extract_table(table, tmp_path / "2", **given)
        assert (first.is_recalled, second.is_recalled, second.sha256) == (False, True, first.sha256)
        told = {"name": "d_1.csv", "bytes": "13", "sha256": file_hash(tmp_path / "d_1.csv")}
        assert first.files == second.files == (told,)
        assert first.notes == ("File taken: d_1.csv",)
        (tmp_path / "d_2.csv").write_text("id,owner\n1,x\n")
        os.utime(tmp_path / "d_2.csv", (1, 1))
        assert extract_table(table, tmp_path / "3", **given).rows == 2


def file_hash(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
