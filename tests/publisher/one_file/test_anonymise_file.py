"""`phusa anonymise`: one file and one policy in, the anonymised file and its report out, or nothing at all."""

from __future__ import annotations

import csv
import json
import random
from collections import Counter
from pathlib import Path
from typing import Any

import click
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml
from click.testing import CliRunner

from publisher.cli import SETTINGS, anonymise
from publisher.errors import DescriptorError, DisclosureRisk, PublisherError, ReleaseRefused
from publisher.one_file.anonymise import anonymise_file
from publisher.settings import PublisherSettings

HEADER = ["id", "marital-status", "Tuổi", "sex", "benh"]


def _rows(number: int = 400, seed: int = 1) -> list[list[str]]:
    draw = random.Random(seed)
    return [
        [
            f"REC{place:06d}",
            draw.choice(["Married", "Divorced", "Never married"]),
            str(draw.randint(18, 90)),
            draw.choice(["Male", "Female", ""]),
            draw.choice(["A", "B", "C"]),
        ]
        for place in range(number)
    ]


def _policy(**microdata: Any) -> dict[str, Any]:
    marital = {"Married": ["spouse", "*"], "Divorced": ["no spouse", "*"], "Never married": ["no spouse", "*"]}
    return {
        "subject": "person",
        "fields": {
            "id": {"action": "drop"},
            "marital-status": {"action": "generalise", "hierarchy": marital, "role": "quasi"},
            "Tuổi": {"action": "generalise", "hierarchy": {"file": "age.csv", "delimiter": ";"}, "role": "quasi"},
            "sex": {"action": "keep", "role": "quasi"},
            "benh": {"action": "keep", "role": "sensitive"},
        },
        "microdata": {"k": 5, "suppression_limit": 0.05, **microdata},
    }


class Desk:
    """A folder with a file, a policy and a hierarchy in the manner of ARX: semicolons, no header."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        ages = [f"{age};{age // 10 * 10}-{age // 10 * 10 + 9};{age // 50 * 50}+;*" for age in range(1, 101)]
        (folder / "age.csv").write_text("\n".join(ages) + "\n", encoding="utf-8")

    def source(self, rows: list[list[str]], *, name: str = "in.csv", sign: str = ",") -> Path:
        path = self.folder / name
        with path.open("w", encoding="utf-8", newline="") as file:
            csv.writer(file, delimiter=sign).writerows([HEADER, *rows])
        return path

    def policy(self, policy: Any) -> Path:
        path = self.folder / "policy.yaml"
        text = policy if isinstance(policy, str) else yaml.safe_dump(policy, allow_unicode=True)
        path.write_text(text, encoding="utf-8")
        return path

    def run(self, source: Path, policy: Any, name: str = "out.csv") -> tuple[Path, dict[str, Any]]:
        done = anonymise_file(source, self.policy(policy), self.folder / name)
        return self.folder / name, done.report


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


def _read(path: Path, sign: str = ",") -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file, delimiter=sign))


@pytest.mark.parametrize(("sign", "name"), [(",", "in.csv"), (";", "in.csv"), ("\t", "in.tsv")])
def test_a_file_is_anonymised_in_its_own_dialect(desk: Desk, sign: str, name: str) -> None:
    rows = _rows()
    path, report = desk.run(desk.source(rows, name=name, sign=sign), {"privacy": _policy()}, name.replace("in", "out"))
    out = _read(path, sign)
    assert list(out[0]) == HEADER[1:]
    sizes = Counter((row["marital-status"], row["Tuổi"], row["sex"]) for row in out)
    assert min(sizes.values()) >= 5
    assert report["smallest_class"] == min(sizes.values())
    assert report["classes"] == len(sizes)
    assert report["suppressed_rows"] == len(rows) - len(out) <= 20
    assert report["discernibility"] == sum(n * n for n in sizes.values()) + report["suppressed_rows"] * len(rows)
    assert report["average_class_size"] == round(len(out) / len(sizes), 2)
    assert 0 < report["loss"] < 1
    assert set(report["levels"]) == {"marital-status", "Tuổi", "sex"}
    assert report["levels"]["Tuổi"] == str(report["level_numbers"]["Tuổi"])
    assert report["dropped"] == ["id"]
    assert report["verdict"]["passed"]
    assert "REC0" not in json.dumps(report) + path.read_text(encoding="utf-8")
    assert sorted(file.name for file in desk.folder.iterdir()) == sorted({name, "age.csv", "policy.yaml", path.name})


@pytest.mark.slow
def test_parquet_goes_in_and_out_with_types(desk: Desk) -> None:
    rows = _rows()
    columns: dict[str, Any] = {name: [row[place] or None for row in rows] for place, name in enumerate(HEADER)}
    columns["Tuổi"] = [int(age) for age in columns["Tuổi"]]
    source = desk.folder / "in.parquet"
    pq.write_table(pa.table(columns), source)
    policy = _policy()
    policy["fields"]["Tuổi"] = {"action": "generalise", "hierarchy": "age", "levels": [10, 50, "*"], "role": "quasi"}
    path, _ = desk.run(source, policy, "out.parquet")
    out = pq.read_table(path)
    assert out.schema.names == HEADER[1:]
    assert None in out["sex"].to_pylist()
    assert min(Counter(zip(*(out[name].to_pylist() for name in HEADER[1:4]), strict=True)).values()) >= 5
    assert not {"20", "37"} & set(out["Tuổi"].to_pylist())
    assert pq.read_metadata(path).metadata is None or b"pandas" not in pq.read_metadata(path).metadata


@pytest.mark.slow
def test_the_same_file_and_policy_give_the_same_bytes_in_an_order_of_their_own(desk: Desk) -> None:
    rows = _rows(3000)
    rows.sort(key=lambda row: int(row[2]))
    policy = _policy(k=2, suppression_limit=1)
    policy["fields"]["Tuổi"] = {"action": "keep", "role": "quasi"}
    first, _ = desk.run(desk.source(rows), policy)
    before = first.read_bytes()
    assert desk.run(desk.source(rows[::-1]), policy)[0].read_bytes() == before
    ages = [int(row["Tuổi"]) for row in _read(first)]
    middle, mean = (len(ages) - 1) / 2, sum(ages) / len(ages)
    covariance = sum((place - middle) * (age - mean) for place, age in enumerate(ages))
    spread = sum((place - middle) ** 2 for place in range(len(ages))) * sum((age - mean) ** 2 for age in ages)
    assert abs(covariance / spread**0.5) < 0.15


@pytest.mark.slow
def test_a_column_that_the_policy_does_not_name_stays_behind(desk: Desk) -> None:
    policy = _policy()
    del policy["fields"]["benh"]
    path, report = desk.run(desk.source(_rows()), policy)
    assert list(_read(path)[0]) == HEADER[1:4]
    assert report["dropped"] == ["benh", "id"]


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        (lambda policy: policy["fields"].update(gone={"action": "keep"}), DescriptorError, "does not have: gone"),
        (lambda policy: policy.update(colour="red"), DescriptorError, "policy.yaml:1: colour: unknown key"),
        (lambda policy: policy["fields"]["sex"].update(action="smudge"), DescriptorError, "sex: unknown action"),
        (lambda policy: policy["fields"].update(benh={"role": "sensitive"}), DescriptorError, "benh: no action; give"),
        (lambda policy: policy["fields"].update(benh={"action": "round", "base": 5}), ReleaseRefused, "needs numbers"),
        (lambda policy: policy["fields"].update(id={"action": "keep"}), DisclosureRisk, "singles rows out"),
        (lambda policy: policy["microdata"].update(k=4000), DisclosureRisk, "no acceptable levels"),
        (
            lambda policy: policy["fields"]["marital-status"].update(hierarchy={"Married": ["*"]}),
            ReleaseRefused,
            "does not know 2 of its codes",
        ),
    ],
)
def test_what_cannot_be_done_is_refused_and_nothing_appears(
    desk: Desk, change: Any, error: type[PublisherError], message: str
) -> None:
    policy = _policy()
    change(policy)
    source = desk.source(_rows())
    with pytest.raises(error, match=message) as caught:
        desk.run(source, policy)
    assert caught.value.cure
    assert "REC0" not in str(caught.value)
    assert not (desk.folder / "out.csv").exists()


@pytest.mark.slow
def test_personal_columns_do_not_leave(desk: Desk) -> None:
    draw = random.Random(8)
    rows = [
        [f"079{draw.randint(0, 1)}{draw.randint(40, 99)}{draw.randint(0, 999_999):06d}", *row[1:]] for row in _rows()
    ]
    policy = _policy()
    policy["fields"]["id"] = {"action": "keep", "role": "sensitive"}
    with pytest.raises(DisclosureRisk, match="G2"):
        desk.run(desk.source(rows), policy)


def test_columns_that_stand_twice_are_refused(desk: Desk) -> None:
    source = desk.folder / "in.csv"
    source.write_text("sex,sex,benh\nnam,nu,A\nnam,nam,B\n", encoding="utf-8")
    with pytest.raises(DescriptorError, match="columns twice"):
        desk.run(source, {"subject": "none", "fields": {"sex": {"action": "keep"}}})
    source.write_text("sex,Sex,benh\nnam,nu,A\nnam,nam,B\n", encoding="utf-8")
    with pytest.raises(DescriptorError, match="columns twice"):
        desk.run(source, {"subject": "none", "fields": {"sex": {"action": "keep"}, "Sex": {"action": "keep"}}})


def test_nulls_twins_and_words_that_yaml_knows_are_values_like_others(desk: Desk) -> None:
    rows = [["x", "Married", "30", word, "A"] for word in ["Yes", "No", "", "e\u0301t", "ét", "NaN"] for _ in range(6)]
    policy = """
privacy:
  subject: person
  fields:
    sex: {action: generalise, role: quasi, hierarchy: {Yes: [known, "*"], No: [known, "*"], ét: [other, "*"], NaN: [other, "*"]}}
    benh: keep
  microdata: {k: 6, suppression_limit: 0}
"""
    path, report = desk.run(desk.source(rows), policy)
    assert Counter(row["sex"] for row in _read(path)) == {"Yes": 6, "No": 6, "": 6, "ét": 12, "NaN": 6}
    assert report["smallest_class"] == 6


def test_dates_and_numbers_are_read_as_they_are_written(desk: Desk) -> None:
    source = desk.folder / "in.csv"
    lines = [
        f"{1 + place % 28:02d}/{1 + place % 12:02d}/{1950 + place % 60};{place % 9},5;{place % 7:03d}"
        for place in range(600)
    ]
    source.write_text("\n".join(["ngay;gia;ma", *lines]), encoding="utf-8")
    policy = {
        "subject": "none",
        "fields": {
            "ngay": {"action": "generalise", "hierarchy": "date", "levels": ["year"]},
            "gia": {"action": "round", "base": 1},
            "ma": {"action": "keep"},
        },
    }
    path, _ = desk.run(source, policy)
    first = _read(path, ";")[:3]
    assert first == [
        {"ngay": "1950", "gia": "1.0", "ma": "000"},
        {"ngay": "1951", "gia": "2.0", "ma": "001"},
        {"ngay": "1952", "gia": "3.0", "ma": "002"},
    ]


def test_a_schema_decides_the_types(desk: Desk) -> None:
    source = desk.folder / "in.csv"
    source.write_text(
        "\n".join(["ngay,n", *(f"{1 + place % 12}/{1 + place % 28}/1990,x" for place in range(40))]), encoding="utf-8"
    )
    schema = desk.folder / "schema.json"
    policy = desk.policy({"subject": "none", "fields": {"ngay": {"action": "shift_group", "to": "month"}}})
    schema.write_text(
        json.dumps({"fields": [{"name": "ngay", "type": "date", "format": "%m/%d/%Y"}]}), encoding="utf-8"
    )
    anonymise_file(source, policy, desk.folder / "out.csv", schema=schema)
    assert {row["ngay"] for row in _read(desk.folder / "out.csv")} == {f"1990-{month:02d}-01" for month in range(1, 13)}
    schema.write_text(
        json.dumps({"fields": [{"name": "ngay", "type": "date", "format": "%d/%m/%Y"}]}), encoding="utf-8"
    )
    with pytest.raises(ReleaseRefused, match="not of their type"):
        anonymise_file(source, policy, desk.folder / "out.csv", schema=schema)


@pytest.mark.slow
def test_aggregates_stand_beside_the_rows(desk: Desk) -> None:
    policy = _policy() | {"tables": [{"id": "theo_gioi", "group_by": ["sex"], "small_cell": {"min": 5}}]}
    path, report = desk.run(desk.source(_rows()), policy)
    cells = _read(path.with_name("out.theo_gioi.csv"))
    assert {row["sex"] for row in cells} == {"", "Male", "Female"}
    assert sum(int(row["so_luong"]) for row in cells) == report["published_rows"]
    assert set(report["tables"]) == {"out", "theo_gioi"}
    only = {key: value for key, value in policy.items() if key != "microdata"}
    path, report = desk.run(desk.source(_rows()), only, "only.csv")
    assert list(_read(path)[0]) == ["sex", "so_luong"]
    assert "loss" not in report


def _with_settings(desk: Desk) -> click.Group:
    @click.group()
    @click.pass_context
    def phusa(context: click.Context) -> None:
        context.meta[SETTINGS] = lambda: PublisherSettings(home=desk.folder / "home")

    phusa.add_command(anonymise)
    return phusa


@pytest.mark.slow
def test_noise_is_paid_from_the_publishers_ledger_and_stored(desk: Desk) -> None:
    pytest.importorskip("opendp")
    noise = {
        "max_rows_per_unit": 1,
        "epsilon": 0.5,
        "ledger": {"name": "so-y-te", "period": "year", "epsilon_cap": 1.0},
    }
    tables = [{"id": "theo_gioi", "group_by": ["sex"]}]
    fields = {"sex": {"action": "recode", "values": {"Male": "nam", "Female": "nu"}}}
    policy = desk.policy({"subject": "person", "unit_key": ["id"], "fields": fields, "tables": tables, "dp": noise})
    source = desk.source(_rows())
    words = [str(source), "--policy", str(policy), "--output", str(desk.folder / "out.csv")]
    answers = []
    for _ in range(3):
        done = CliRunner().invoke(_with_settings(desk), ["anonymise", *words])
        assert done.exit_code == 0, (done.output, done.exception)
        answers.append((desk.folder / "out.csv").read_bytes())
    assert len(set(answers)) == 1
    with pytest.raises(PublisherError):
        anonymise_file(source, policy, desk.folder / "out.csv")


def test_the_command_writes_the_report_and_says_what_it_cost(desk: Desk) -> None:
    source, policy = desk.source(_rows()), desk.policy(_policy())
    words = [
        str(source),
        "--policy",
        str(policy),
        "--output",
        str(desk.folder / "out.csv"),
        "--report",
        str(desk.folder / "r.json"),
    ]
    done = CliRunner().invoke(_with_settings(desk), ["anonymise", *words])
    assert done.exit_code == 0, done.output
    report = json.loads((desk.folder / "r.json").read_text(encoding="utf-8"))
    keys = "loss discernibility average_class_size classes smallest_class suppressed_rows levels nodes_checked seconds"
    assert set(keys.split()) <= set(report)
    assert f"smallest class {report['smallest_class']}" in done.output


@pytest.mark.slow
@pytest.mark.parametrize("place", ["inside", "beside", "on the field"])
def test_a_hierarchy_is_declared_once_and_named(desk: Desk, place: str) -> None:
    policy: dict[str, Any] = {"privacy": _policy()}
    _, expected = desk.run(desk.source(_rows()), policy)
    declared = {"age": {"file": "age.csv", "delimiter": ";"}}
    policy["privacy"]["fields"]["Tuổi"] = {"action": "generalise", "hierarchy": "age", "role": "quasi"}
    if place == "on the field":
        policy["privacy"]["fields"]["Tuổi"] |= {"hierarchy": "age.csv", "delimiter": ";"}
    else:
        (policy if place == "beside" else policy["privacy"])["hierarchies"] = declared
    _, report = desk.run(desk.source(_rows()), policy)
    assert (report["loss"], report["levels"]) == (expected["loss"], expected["levels"])
    assert report["c_avg"] == pytest.approx(report["average_class_size"] / 5, abs=0.002)


def test_a_column_of_one_value_is_that_leaf_and_its_small_classes_stay_behind(desk: Desk) -> None:
    rows = [["x", "Never married", str(20 + place % 7 // 6), "Male", "A"] for place in range(20)]
    policy = _policy(suppression_limit=1)
    policy["fields"]["Tuổi"] = {"action": "keep", "role": "quasi"}
    path, report = desk.run(desk.source(rows), policy)
    assert report["suppressed_rows"] == 2
    assert {row["marital-status"] for row in _read(path)} == {"Never married"}


@pytest.mark.slow
def test_nan_of_a_data_frame_is_no_value(desk: Desk) -> None:
    source = desk.folder / "in.parquet"
    pq.write_table(pa.table({"n": [float("nan"), 1.0] * 10, "benh": ["A"] * 20}), source)
    fields = {"n": {"action": "keep", "role": "quasi"}, "benh": "keep"}
    path, report = desk.run(source, {"fields": fields, "microdata": {"k": 5}}, "out.parquet")
    assert pq.read_table(path)["n"].null_count == 10
    assert report["classes"] == 2


@pytest.mark.slow
def test_short_settings_in_one_line_are_read(desk: Desk) -> None:
    text = yaml.safe_dump(_policy(), allow_unicode=True).replace("microdata:\n", "microdata:\n  k: 7, max_quasi: 9\n")
    text = text.replace("  k: 5\n", "")
    _, report = desk.run(desk.source(_rows()), text)
    assert report["k"] == 7
