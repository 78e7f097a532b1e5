"""The definitions in `datasets/`: they load, name what the synthetic city gives, and let nothing personal out."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from publisher.anonymise import anonymise_table
from publisher.definition import DatasetDefinition, dataset_paths, load_dataset
from publisher.disclosure.personal.detectors import detect_table
from publisher.extraction import extract_table
from publisher.policy import GeneraliseHierarchy
from publisher.published import PublishedTable, published_tables
from publisher.sandbox import facts
from publisher.sandbox.city import SyntheticCity
from publisher.secrets import Secrets
from publisher.validation import validate_table

DATASETS = Path(__file__).resolve().parent.parent.parent / "datasets"
NAMES = sorted(dataset_paths(DATASETS))
NOW = datetime(2026, 11, 22, 18, 15)
PERSONAL_SOURCES = re.compile(
    r"caller_|applicant_|contact_|vehicle_plate|description|dossier_id|ticket_id"
    r"|CCCD|Điện thoại|Địa chỉ|Thư điện tử|Ngày sinh|Chủ hộ|hộ kinh doanh|đại diện"
)


def load(name: str) -> DatasetDefinition:
    return load_dataset(dataset_paths(DATASETS)[name])


def test_five_organizations_publish_six_datasets() -> None:
    assert len(NAMES) == 6
    assert len({load(name).organization.name for name in NAMES}) == 5
    assert {load(name).release.approval for name in NAMES} == {"standing", "four_eyes"}


@pytest.mark.parametrize("name", NAMES)
def test_everything_public_is_told_in_both_languages(name: str) -> None:
    definition = load(name)
    told = [definition.title_translated, definition.description_translated, definition.organization.title_translated]
    for table in definition.resources:
        for published in published_tables(table):
            told += [published.title_translated, published.row_translated]
            told += [field.title_translated for field in published.fields]
            told += [
                field.description_translated
                for field in published.fields
                if field.treatment not in {"count", "mean", "median"}
            ]
    assert all(texts.get("en") for texts in told)
    assert 50 <= len(definition.description) <= 5000


@pytest.mark.parametrize("name", NAMES)
def test_schedules_are_cron_and_every_dataset_says_who_answers_for_it(name: str) -> None:
    definition = load(name)
    assert definition.release.schedule
    assert len(definition.release.schedule.split()) == 5
    assert definition.contact.email
    assert definition.legal_basis
    assert definition.theme
    assert all(table.privacy.legal for table in definition.resources)


@pytest.mark.parametrize("name", NAMES)
def test_definitions_name_only_variables_that_the_city_gives(name: str, tmp_path: Path) -> None:
    city = SyntheticCity(tmp_path, now=NOW, scale=0.001)
    named = set(re.findall(r"env:(\w+)", (load(name).folder / "dataset.yaml").read_text(encoding="utf-8")))
    assert named
    assert named <= set(city.environment())
    city.stop()


@pytest.mark.parametrize("name", NAMES)
def test_published_tables_hold_none_of_the_personal_columns(name: str) -> None:
    for table in load(name).resources:
        personal = {field.name for field in table.schema_.fields if PERSONAL_SOURCES.search(field.at_source)}
        for published in published_tables(table):
            assert personal.isdisjoint(field.name for field in published.fields)
            assert {"birth_date", "logger_serial"}.isdisjoint(
                table.schema_.field(field.name).at_source for field in published.fields if field.treatment == "keep"
            )


def test_household_businesses_leave_as_counts_only() -> None:
    (households,) = (table for table in load("doanh-nghiep").resources if table.name == "ho_kinh_doanh")
    assert not households.privacy.publishes_rows
    (enterprises,) = (table for table in load("doanh-nghiep").resources if table.name == "doanh_nghiep")
    pattern = enterprises.schema_.field("ma_so_thue").constraints.pattern
    assert pattern is not None
    assert not re.fullmatch(pattern, "079190000001")


def test_dossiers_are_microdata_with_k_of_five() -> None:
    (dossiers,) = load("ho-so-mot-cua").resources
    assert dossiers.privacy.microdata is not None
    assert dossiers.privacy.microdata.k == 5
    quasi = {name for name in dossiers.privacy.fields if dossiers.privacy.action_of(name).role == "quasi"}
    assert quasi == {"nam_sinh", "gioi_tinh", "khu_vuc", "nhom_thu_tuc"}


@pytest.mark.parametrize("name", NAMES)
def test_hierarchies_hold_every_ward_and_the_schema_lets_no_other_code_in(name: str) -> None:
    definition = load(name)
    codes = [ward["code"] for ward in facts.wards()]
    for table in definition.resources:
        for field, action in table.privacy.fields.items():
            if isinstance(action, GeneraliseHierarchy):
                with (definition.folder / action.hierarchy).open(encoding="utf-8", newline="") as file:
                    rows = list(csv.reader(file))
                assert rows[1:] == [[w["code"], w["full_name"], w["area"], w["region"]] for w in facts.wards()]
                assert table.schema_.field(field).constraints.enum == codes
        for field in table.schema_.fields:
            if pattern := field.constraints.pattern if field.name == "ma_phuong" else None:
                assert all(re.fullmatch(pattern, code) for code in codes)
                assert not re.fullmatch(pattern, facts.texts("call_texts")["unknown_ward"])


def anonymised(city: SyntheticCity, folder: Path) -> Iterator[tuple[PublishedTable, pa.Table]]:
    """Yield every table that leaves the city, after extraction, validation and anonymisation."""
    secrets = Secrets(city.environment())
    for name in NAMES:
        definition = load(name)
        for table in definition.resources:
            extract = extract_table(table, folder / name / "in", definition=definition, secrets=secrets)
            valid = folder / name / "valid"
            validate_table(extract.path, table, valid=valid, quarantine=folder / name / "bad")
            made = anonymise_table(
                valid, table, folder=definition.folder, output=folder / name, secrets=secrets, release="r", seed=1
            )
            yield from ((published, pq.read_table(path)) for published, path in made.tables)


def phrases(text: str) -> set[str]:
    """Return every run of three to five words."""
    words = text.split()
    return {" ".join(words[i : i + n]) for n in (3, 4, 5) for i in range(len(words) - n + 1)}


@pytest.mark.slow
@pytest.mark.parametrize(("scale", "visible"), [(0.02, 0.0), (0.1, 0.0), (1.0, 0.5)])
def test_what_leaves_is_useful_at_full_size_and_holds_nothing_personal(
    tmp_path: Path, scale: float, visible: float
) -> None:
    city = SyntheticCity(tmp_path, now=NOW, scale=scale)
    city.build()
    city.start()
    texts: set[str] = set()
    for published, content in anonymised(city, tmp_path):
        assert content.num_rows > 0
        assert detect_table({name: content[name] for name in content.column_names}) == []
        for column in content.columns:
            texts |= {str(value) for value in column.unique().to_pylist()}
        if published.aggregate:
            hidden = content[published.aggregate.measures[0].name].null_count
            assert 1 - hidden / content.num_rows >= visible, published.name
    personal = set(city.personal_values())
    city.stop()
    assert texts.isdisjoint(personal)
    assert set().union(*map(phrases, texts)).isdisjoint(personal)
