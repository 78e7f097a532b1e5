"""`phusa anonymise`: one file and one policy in, the anonymised file and its report out, or nothing at all."""

from __future__ import annotations

import json
import random
from collections import Counter
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml
from click.testing import CliRunner
from samples.one_file_desk import HEADER, Desk, desk_policy, desk_rows, phusa_with_settings, read_csv

from publisher.errors import PublisherError, ReleaseRefused
from publisher.one_file.anonymise import anonymise_file


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


@pytest.mark.parametrize(("sign", "name"), [(",", "in.csv"), (";", "in.csv"), ("\t", "in.tsv")])
def test_a_file_is_anonymised_in_its_own_dialect(desk: Desk, sign: str, name: str) -> None:
    rows = desk_rows()
    path, report = desk.run(
        desk.source(rows, name=name, sign=sign), {"privacy": desk_policy()}, name.replace("in", "out")
    )
    out = read_csv(path, sign)
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
    rows = desk_rows()
    columns: dict[str, Any] = {name: [row[place] or None for row in rows] for place, name in enumerate(HEADER)}
    columns["Tuổi"] = [int(age) for age in columns["Tuổi"]]
    source = desk.folder / "in.parquet"
    pq.write_table(pa.table(columns), source)
    policy = desk_policy()
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
    rows = desk_rows(3000)
    rows.sort(key=lambda row: int(row[2]))
    policy = desk_policy(k=2, suppression_limit=1)
    policy["fields"]["Tuổi"] = {"action": "keep", "role": "quasi"}
    first, _ = desk.run(desk.source(rows), policy)
    before = first.read_bytes()
    assert desk.run(desk.source(rows[::-1]), policy)[0].read_bytes() == before
    ages = [int(row["Tuổi"]) for row in read_csv(first)]
    middle, mean = (len(ages) - 1) / 2, sum(ages) / len(ages)
    covariance = sum((place - middle) * (age - mean) for place, age in enumerate(ages))
    spread = sum((place - middle) ** 2 for place in range(len(ages))) * sum((age - mean) ** 2 for age in ages)
    assert abs(covariance / spread**0.5) < 0.15


@pytest.mark.slow
def test_a_column_that_the_policy_does_not_name_stays_behind(desk: Desk) -> None:
    policy = desk_policy()
    del policy["fields"]["benh"]
    path, report = desk.run(desk.source(desk_rows()), policy)
    assert list(read_csv(path)[0]) == HEADER[1:4]
    assert report["dropped"] == ["benh", "id"]


@pytest.mark.slow
def test_a_row_without_values_in_the_columns_of_the_policy_is_a_row(desk: Desk) -> None:
    rows = [[f"REC{place}", "", "", "", ""] if place % 40 == 0 else row for place, row in enumerate(desk_rows())]
    policy = desk_policy(k=3, suppression_limit=1)
    path, report = desk.run(desk.source(rows), policy)
    assert (report["rows"], sum(not any(row.values()) for row in read_csv(path))) == (400, 10)
    with pytest.raises(ReleaseRefused, match=r"1 of 401 rows are blank .*data row 401") as caught:
        desk.run(desk.source([*rows, [""] * 5]), policy)
    assert "delete lines that hold delimiters alone" in caught.value.cure


@pytest.mark.slow
def test_a_data_frames_row_of_nothing_but_null_counts(desk: Desk) -> None:
    source = desk.folder / "in.parquet"
    sexes = ["nam", "nu"] * 30 + [None] * 3
    pq.write_table(pa.table({"sex": sexes, "n": pa.array([1.0] * 60 + [None] * 3)}), source)
    fields = {"sex": {"action": "keep", "role": "quasi"}, "n": {"action": "keep", "role": "quasi"}}
    _, report = desk.run(source, {"fields": fields, "microdata": {"k": 5, "suppression_limit": 1}}, "out.parquet")
    assert (report["rows"], report["suppressed_rows"], report["classes"]) == (63, 3, 2)
    _, report = desk.run(source, {"fields": fields, "microdata": {"k": 3, "suppression_limit": 0}}, "out.parquet")
    assert (report["suppressed_rows"], report["smallest_class"]) == (0, 3)


@pytest.mark.slow
@pytest.mark.parametrize(
    "text",
    [
        "age,band,Population\n" + "".join(f"{age},{age // 10}x,100\n" for age in range(1, 101)),
        "age,band\n" + "".join(f'{age},"{age // 10}\nx"\n' for age in range(1, 101)),
    ],
)
def test_maker_and_checker_read_a_hierarchy_alike(desk: Desk, text: str) -> None:
    source, policy = desk.source(desk_rows()), desk_policy(suppression_limit=1)
    (desk.folder / "band.csv").write_text(text, encoding="utf-8")
    policy["fields"]["Tuổi"]["hierarchy"] = "band.csv"
    if "Population" in text:
        policy["fields"]["Tuổi"]["min_population"] = 300
    _, report = desk.run(source, policy)
    assert report["verdict"]["passed"]


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
    assert Counter(row["sex"] for row in read_csv(path)) == {"Yes": 6, "No": 6, "": 6, "ét": 12, "NaN": 6}
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
    first = read_csv(path, ";")[:3]
    assert first == [
        {"ngay": "1950", "gia": "1.0", "ma": "000"},
        {"ngay": "1951", "gia": "2.0", "ma": "001"},
        {"ngay": "1952", "gia": "3.0", "ma": "002"},
    ]


def test_two_numbers_with_decimal_commas_are_one_place(desk: Desk) -> None:
    draw = random.Random(4)
    source = desk.folder / "in.csv"
    places = [f"10,7{draw.randint(100, 999)};106,6{draw.randint(100, 999)};A" for _ in range(60)]
    source.write_text("\n".join(["vi_do;kinh_do;x", *places]), encoding="utf-8")
    grid = {"action": "grid", "metres": 1000}
    path, _ = desk.run(source, {"subject": "none", "fields": {"vi_do": grid, "kinh_do": grid, "x": "keep"}})
    for row in read_csv(path, ";"):
        assert abs(float(row["vi_do"]) - 10.75) < 0.06
        assert abs(float(row["kinh_do"]) - 106.65) < 0.06


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
    assert {row["ngay"] for row in read_csv(desk.folder / "out.csv")} == {
        f"1990-{month:02d}-01" for month in range(1, 13)
    }
    schema.write_text(
        json.dumps({"fields": [{"name": "ngay", "type": "date", "format": "%d/%m/%Y"}]}), encoding="utf-8"
    )
    with pytest.raises(ReleaseRefused, match="not of their type"):
        anonymise_file(source, policy, desk.folder / "out.csv", schema=schema)


@pytest.mark.slow
def test_aggregates_stand_beside_the_rows(desk: Desk) -> None:
    policy = desk_policy() | {"tables": [{"id": "theo_gioi", "group_by": ["sex"], "small_cell": {"min": 5}}]}
    path, report = desk.run(desk.source(desk_rows()), policy)
    cells = read_csv(path.with_name("out.theo_gioi.csv"))
    assert {row["sex"] for row in cells} == {"", "Male", "Female"}
    assert sum(int(row["so_luong"]) for row in cells) == report["published_rows"]
    assert set(report["tables"]) == {"out", "theo_gioi"}
    only = {key: value for key, value in policy.items() if key != "microdata"}
    path, report = desk.run(desk.source(desk_rows()), only, "only.csv")
    assert list(read_csv(path)[0]) == ["sex", "so_luong"]
    assert "loss" not in report


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
    source = desk.source(desk_rows())
    words = [str(source), "--policy", str(policy), "--output", str(desk.folder / "out.csv")]
    answers = []
    for _ in range(3):
        done = CliRunner().invoke(phusa_with_settings(desk), ["anonymise", *words])
        assert done.exit_code == 0, (done.output, done.exception)
        answers.append((desk.folder / "out.csv").read_bytes())
    assert len(set(answers)) == 1
    with pytest.raises(PublisherError):
        anonymise_file(source, policy, desk.folder / "out.csv")


def test_the_command_writes_the_report_and_says_what_it_cost(desk: Desk) -> None:
    source, policy = desk.source(desk_rows()), desk.policy(desk_policy())
    words = [
        str(source),
        "--policy",
        str(policy),
        "--output",
        str(desk.folder / "out.csv"),
        "--report",
        str(desk.folder / "r.json"),
    ]
    done = CliRunner().invoke(phusa_with_settings(desk), ["anonymise", *words])
    assert done.exit_code == 0, done.output
    report = json.loads((desk.folder / "r.json").read_text(encoding="utf-8"))
    keys = "loss discernibility average_class_size classes smallest_class suppressed_rows levels nodes_checked seconds"
    assert set(keys.split()) <= set(report)
    assert 0 < report["seconds"] < report["total_seconds"]
    assert f"smallest class {report['smallest_class']}" in done.output


@pytest.mark.slow
@pytest.mark.parametrize("place", ["inside", "beside", "on the field"])
def test_a_hierarchy_is_declared_once_and_named(desk: Desk, place: str) -> None:
    policy: dict[str, Any] = {"privacy": desk_policy()}
    _, expected = desk.run(desk.source(desk_rows()), policy)
    declared = {"age": {"file": "age.csv", "delimiter": ";"}}
    policy["privacy"]["fields"]["Tuổi"] = {"action": "generalise", "hierarchy": "age", "role": "quasi"}
    if place == "on the field":
        policy["privacy"]["fields"]["Tuổi"] |= {"hierarchy": "age.csv", "delimiter": ";"}
    else:
        (policy if place == "beside" else policy["privacy"])["hierarchies"] = declared
    _, report = desk.run(desk.source(desk_rows()), policy)
    assert (report["loss"], report["levels"]) == (expected["loss"], expected["levels"])
    assert report["c_avg"] == pytest.approx(report["average_class_size"] / 5, abs=0.002)


def test_a_column_of_one_value_is_that_leaf_and_its_small_classes_stay_behind(desk: Desk) -> None:
    rows = [["x", "Never married", str(20 + place % 7 // 6), "Male", "A"] for place in range(20)]
    policy = desk_policy(suppression_limit=1)
    policy["fields"]["Tuổi"] = {"action": "keep", "role": "quasi"}
    path, report = desk.run(desk.source(rows), policy)
    assert report["suppressed_rows"] == 2
    assert {row["marital-status"] for row in read_csv(path)} == {"Never married"}


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
    text = yaml.safe_dump(desk_policy(), allow_unicode=True).replace(
        "microdata:\n", "microdata:\n  k: 7, max_quasi: 9\n"
    )
    text = text.replace("  k: 5\n", "")
    _, report = desk.run(desk.source(desk_rows()), text)
    assert report["k"] == 7
