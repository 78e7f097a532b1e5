"""Drafts of small files: types over all rows, codes, marks, keys, names and what stays for a person to say."""

from __future__ import annotations

import gzip
import json
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import click
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml
from click.testing import CliRunner
from filled import load_filled
from servers.http import HttpServer, Reply

from publisher.cli import SETTINGS
from publisher.cli import dataset as dataset_command
from publisher.errors import DescriptorError, SourceError
from publisher.proposal.names import dataset_name, field_names, title_of
from publisher.proposal.propose import propose_dataset
from publisher.sandbox.windows_1258 import encode_windows_1258
from publisher.secrets import Secrets
from publisher.settings import PublisherSettings

pytestmark = pytest.mark.slow


def propose(path: Path, **more: Any) -> dict[str, Any]:
    draft: dict[str, Any] = yaml.safe_load(propose_dataset(str(path), secrets=Secrets({}), **more)[1])
    return draft


def fields(draft: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {field["name"]: field for field in draft["resources"][0]["schema"]["fields"]}


def write(path: Path, text: str, encoding: str = "utf-8") -> Path:
    path.write_bytes(text.encode(encoding))
    return path


def column(tmp_path: Path, values: list[str], header: str = "x") -> dict[str, Any]:
    rows = "\n".join(f'{row};"{value}"' for row, value in enumerate(values))
    draft = propose(write(tmp_path / "tep.csv", f"stt;{header}\n{rows}\n"))
    (found,) = [field for name, field in fields(draft).items() if name != "stt"]
    return {key: value for key, value in found.items() if key not in {"name", "source_name", "title", "constraints"}}


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (["1", "-20", "300"], {"type": "integer"}),
        (["1.5", "2", "3e4"], {"type": "number"}),
        (["1,5", "2", "-3,25"], {"type": "number", "decimalChar": ","}),
        (["1.234.567,5", "2"], {"type": "number", "decimalChar": ",", "groupChar": "."}),
        (["1,234,567.5", "2"], {"type": "number", "groupChar": ","}),
        (["Có", "Không", "Có"], {"type": "boolean", "trueValues": ["Có"], "falseValues": ["Không"]}),
        (["01", "02", "13"], {}),
        (["79001", "26734", "27004"], {}),
        (["0312345678", "0301234567-001"], {}),
        (["12345678901234567890", "1"], {}),
        (["31/12/2025", "1/2/2026"], {"type": "date", "format": "%d/%m/%Y"}),
        (["2025-12-31", "2026-02-01"], {"type": "date"}),
        (["12/31/2025", "02/01/2026"], {"type": "date", "format": "%m/%d/%Y"}),
        (["31/12/2025 10:05", "01/02/2026 7:30"], {"type": "datetime", "format": "%d/%m/%Y %H:%M"}),
        (["2025-12-31T10:05:00Z", "2026-02-01T07:30:00Z"], {"type": "datetime"}),
        (["10:05", "7:30"], {"type": "time", "format": "%H:%M"}),
        (["2025-12", "2026-02"], {"type": "yearmonth"}),
        (["12", "-", "7"], {"type": "integer", "missingValues": ["", "-"]}),
        (["12", "không có", "NA", "7"], {"type": "integer", "missingValues": ["", "NA", "không có"]}),
        (["Bàn", "không có", "Ghế"], {"missingValues": ["", "không có"]}),
        (["VN", "NA", "LA"], {}),
        (["12", "mười", "7"], {}),
        (["31/02/2026", "01/02/2026"], {}),
        (["9223372036854775808", "1"], {}),
    ],
)  # fmt: skip
def test_a_type_is_proposed_only_when_every_value_has_it(
    tmp_path: Path, values: list[str], expected: dict[str, Any]
) -> None:
    assert column(tmp_path, values) == expected


def test_one_odd_row_at_the_end_of_the_table_is_seen(tmp_path: Path) -> None:
    rows = [str(number) for number in range(20_000)]
    assert column(tmp_path, rows) == {"type": "integer"}
    assert column(tmp_path, [*rows, "n.n."]) == {}


@pytest.mark.parametrize(
    ("header", "values", "expected"),
    [
        ("Mã phường", ["1", "22", "333"], {}),
        ("Năm", ["2024", "2025"], {"type": "year"}),
        ("Số lượng", ["2024", "2025"], {"type": "integer"}),
        ("Ngày", ["20251231", "20260201"], {"type": "date", "format": "%Y%m%d"}),
        ("Tổng", ["20251231", "20260201"], {}),
    ],
)
def test_names_of_columns_decide_where_digits_may_be_either(
    tmp_path: Path, header: str, values: list[str], expected: dict[str, Any]
) -> None:
    assert column(tmp_path, values, header) == expected


def test_thousands_follow_the_decimal_commas_of_other_columns(tmp_path: Path) -> None:
    alone = propose(write(tmp_path / "a.csv", "x;y\n1.234;a\n5.678;b\n"))
    assert fields(alone)["x"].get("groupChar") is None
    beside = propose(write(tmp_path / "b.csv", "x;y\n1.234;0,5\n5.678;12,25\n"))
    assert fields(beside)["x"]["groupChar"] == "."


def test_names_are_ascii_and_headers_are_kept(tmp_path: Path) -> None:
    text = "Mã đơn vị,Tỉnh Thành Phố,2024,đơn_giá,Mã đơn vị\n01,Huế,1,2,x\n02,Hà Nội,3,4,y\n"
    found = fields(propose(write(tmp_path / "Danh mục đơn vị (2026).csv", text)))
    assert list(found) == ["ma_don_vi", "tinh_thanh_pho", "cot_2024", "don_gia", *list(found)[4:]]
    assert found["ma_don_vi"]["source_name"] == "Mã đơn vị"
    assert found["tinh_thanh_pho"]["title"] == "Tỉnh Thành Phố"
    assert dataset_name("Danh mục đơn vị (2026)") == "danh-muc-don-vi-2026"
    assert field_names(["", "a", "A", "StopId", "PM2.5"]) == ["cot_1", "a", "a_2", "stop_id", "pm2_5"]
    assert title_of("case_enquiry_id") == "Case enquiry id"


@pytest.mark.parametrize(
    ("encoding", "delimiter"),
    [("utf-8-sig", ","), ("utf-16", ";"), ("windows-1258", "	"), ("tcvn3", "|"), ("viscii", ",")],
)
def test_encoding_and_delimiter_are_found(tmp_path: Path, encoding: str, delimiter: str) -> None:
    from publisher.sources.files.encodings.decoding import vietnamese_letters

    words = ["Phường", "Xã", "Thị trấn", "Quận", "Huyện", "Thành phố", "Đường", "Ngõ", "Hẻm", "Tổ dân phố"]
    text = delimiter.join(["loai", "so"]) + "\n" + "".join(f"{word}{delimiter}{n}\n" for n, word in enumerate(words))
    if encoding == "windows-1258":
        data = encode_windows_1258(text)
    elif encoding in {"tcvn3", "viscii"}:
        letters = {letter: code for code, letter in vietnamese_letters(encoding).items()}
        data = b"".join(letters.get(letter, letter.encode("ascii", "ignore")) for letter in text)
    else:
        data = text.encode(encoding)
    path = tmp_path / "tep.txt"
    path.write_bytes(data)
    found = fields(propose(path))
    assert list(found) == ["loai", "so"]
    assert found["so"]["type"] == "integer"


def test_rows_above_the_header_are_left_out(tmp_path: Path) -> None:
    text = "BÁO CÁO THÁNG,,\nĐơn vị: người,,\nMã,Tên hàng,Số lượng\n01,Bàn,5\n02,Ghế,7\n03,Tủ,9\n"
    draft = propose(write(tmp_path / "bao-cao.csv", text))
    assert draft["resources"][0]["source"]["format"]["header_rows"] == [3]
    assert list(fields(draft)) == ["ma", "ten_hang", "so_luong"]


def test_a_file_without_a_header_keeps_everything_inside(tmp_path: Path) -> None:
    rows = "".join(f"{n},Bàn,{n}.5\n" for n in range(20, 40))
    text = propose_dataset(str(write(tmp_path / "tep.csv", rows)), secrets=Secrets({}))[1]
    draft = yaml.safe_load(text)
    assert draft["resources"][0]["source"]["format"]["header"] is False
    assert list(fields(draft)) == ["cot_1", "cot_2", "cot_3"]
    assert draft["resources"][0]["privacy"] == {"subject": None, "default": "drop", "fields": {}}
    assert "stays inside until you decide; the source has no header" in text


@pytest.mark.parametrize(
    ("rows", "key"),
    [
        ([("a", 1, 1), ("b", 1, 1), ("c", 2, 1)], ["ma"]),
        ([("a", 1, 1), ("a", 2, 1), ("b", 1, 1)], ["ma", "nam"]),
        ([("a", 1, 1), ("a", 1, 2), ("a", 2, 1), ("b", 1, 1)], ["ma", "nam", "thang"]),
        ([("a", 1, 1), ("a", 1, 1), ("b", 1, 1)], None),
        ([("a", 1, 1), ("", 2, 2), ("c", 1, 3)], ["thang"]),
    ],
)
def test_the_smallest_key_is_found(tmp_path: Path, rows: list[tuple[str, int, int]], key: list[str] | None) -> None:
    text = "ma,nam,thang\n" + "".join(f"{a},{b},{c}\n" for a, b, c in rows)
    assert propose(write(tmp_path / "tep.csv", text))["resources"][0]["schema"].get("primaryKey") == key


def test_personal_columns_are_dropped_and_their_values_nowhere(tmp_path: Path) -> None:
    people = [("Nguyễn Văn An", "001090012345", "0912345678"), ("Trần Thị Bích", "079185012346", "0987654321")]
    people += [
        (f"Lê Minh {name}", f"0790870{n:05d}", f"09{n:08d}")
        for n, name in enumerate(["Hà", "Sơn", "Tú", "Quân", "Oanh", "Ly", "Đạt"])
    ]
    rows = "".join(f"{name},{number},{phone},Nam,Loại {n % 2}\n" for n, (name, number, phone) in enumerate(people * 20))
    text = propose_dataset(
        str(write(tmp_path / "tep.csv", "Người nộp,Số CCCD,SĐT,Giới tính,Loại\n" + rows)), secrets=Secrets({})
    )[1]
    privacy = yaml.safe_load(text)["resources"][0]["privacy"]
    assert privacy["subject"] == "person"
    assert privacy["microdata"] == {"k": 5}
    assert {name for name, said in privacy["fields"].items() if said["action"] == "keep"} == {"loai"}
    assert {"so_cccd", "sdt"} <= {name for name, said in privacy["fields"].items() if said["action"] == "drop"}
    assert "gioi_tinh: stays inside" in text
    assert not [value for person in people for value in person if value in text]
    assert "Loại 1" in text  # few values of a clean column are listed


def test_a_header_that_is_a_row_of_somebody_is_refused(tmp_path: Path) -> None:
    rows = "a@b.vn,Bàn\nNguyễn,Ghế\n"
    with pytest.raises(SourceError) as caught:
        propose(write(tmp_path / "tep.csv", "nguyen.van.an@gmail.com,loại\n" + rows))
    assert "nguyen" not in str(caught.value)


def test_stations_get_a_geometry(tmp_path: Path) -> None:
    rows = "".join(f"KK-{n:04d},{10.7 + n / 1000:.3f},{106.6 + n / 1000:.3f}\n" for n in range(50))
    draft = propose(write(tmp_path / "tram.csv", "ma_tram,vi_do,kinh_do\n" + rows))
    assert draft["resources"][0]["geometry"] == {"longitude": "kinh_do", "latitude": "vi_do"}
    abroad = "".join(f"KK-{n:04d},{48 + n / 1000:.3f},{2 + n / 1000:.3f}\n" for n in range(50))
    assert "geometry" not in propose(write(tmp_path / "paris.csv", "ma_tram,vi_do,kinh_do\n" + abroad))["resources"][0]


@pytest.mark.parametrize(
    ("name", "content", "form"),
    [
        ("a.json", json.dumps({"meta": {"n": 2}, "result": {"records": [{"ma": "01", "so": 1}, {"ma": "02", "so": 2}]}}), {"kind": "json", "rows": "result.records"}),
        ("a.json", '[{"ma": "01", "so": 1}, {"ma": "02", "so": 2}]', {"kind": "json"}),
        ("a.ndjson", '{"ma": "01", "so": 1}\n{"ma": "02", "so": 2}\n', {"kind": "ndjson"}),
    ],
)  # fmt: skip
def test_json_is_read(tmp_path: Path, name: str, content: str, form: dict[str, Any]) -> None:
    draft = propose(write(tmp_path / name, content))
    assert draft["resources"][0]["source"]["format"] == form
    assert fields(draft)["ma"].get("type") is None
    assert fields(draft)["so"]["type"] == "integer"


def test_packed_files_and_parquet_are_read(tmp_path: Path) -> None:
    (tmp_path / "a.csv.gz").write_bytes(gzip.compress(b"ma,so\n01,1\n02,2\n"))
    assert list(fields(propose(tmp_path / "a.csv.gz"))) == ["ma", "so"]
    pq.write_table(pa.table({"ma": ["01", "02"], "khi": pa.array([0, 1], pa.timestamp("us"))}), tmp_path / "a.parquet")
    assert fields(propose(tmp_path / "a.parquet"))["khi"]["type"] == "datetime"


def test_a_database_is_read_by_table_or_query(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "so.db")) as database:
        database.execute("CREATE TABLE ho_so (ma TEXT, le_phi INTEGER)")
        database.executemany("INSERT INTO ho_so VALUES (?, ?)", [(f"HS-{n}", n * 1000) for n in range(9)])
        database.commit()
    secrets = Secrets({"SO": f"sqlite:///{tmp_path / 'so.db'}"})
    name, text = propose_dataset("env:SO", secrets=secrets, table="ho_so")
    draft = yaml.safe_load(text)
    assert name == "ho-so"
    assert draft["resources"][0]["source"] == {"kind": "sql", "url": "env:SO", "query": "SELECT * FROM ho_so"}
    assert fields(draft)["le_phi"]["type"] == "integer"
    assert str(tmp_path) not in text
    with pytest.raises(DescriptorError, match="--query"):
        propose_dataset("env:SO", secrets=secrets)


def test_a_service_is_read_and_its_rows_are_found(http_server: HttpServer) -> None:
    http_server.routes["/tram"] = lambda _: Reply({"items": [{"ma": "01", "so": 1}, {"ma": "02", "so": 2}]})
    _, text = propose_dataset("env:DICH_VU", secrets=Secrets({"DICH_VU": f"{http_server.url}/tram"}))
    draft = yaml.safe_load(text)
    assert draft["resources"][0]["source"] == {"kind": "rest", "url": "env:DICH_VU", "rows": "items"}
    assert list(fields(draft)) == ["ma", "so"]


def test_the_command_writes_a_draft_that_check_asks_to_finish(tmp_path: Path) -> None:
    path = write(tmp_path / "phuong.csv", "ma,ten_phuong\n01,Bến Nghé\n02,Tân Định\n")

    @click.group()
    @click.pass_context
    def phusa(context: click.Context) -> None:
        context.meta[SETTINGS] = lambda: PublisherSettings(home=tmp_path / "home", definitions=tmp_path / "datasets")

    phusa.add_command(dataset_command)
    runner = CliRunner()
    asked = ["dataset", "propose", str(path), "--organization", "so-thu", "--output", str(tmp_path / "datasets")]
    first = runner.invoke(phusa, asked)
    assert first.exit_code == 0, first.output
    written = tmp_path / "datasets" / "so-thu" / "phuong" / "dataset.yaml"
    (written.parent.parent / "organization.yaml").write_text("name: so-thu\ntitle: Sở thử\n")
    checked = runner.invoke(phusa, ["dataset", "check", "phuong"])
    asked_for = {line.split(": ")[1] for line in checked.stderr.splitlines() if "dataset.yaml:" in line}
    assert asked_for == {
        "title",
        "description",
        "contact.name",
        "release.cadence",
        "resources.0.title",
        "resources.0.row",
    }
    text = written.read_text()
    again = runner.invoke(phusa, asked)
    assert isinstance(again.exception, DescriptorError)
    assert written.read_text() == text
    assert load_filled(text, tmp_path / "filled", "phuong").resources[0].schema_.primaryKey == ["ma"]
