from __future__ import annotations

from pathlib import Path

import pytest

from publisher.disclosure.personal.spans import detect_text, find_spans, scan_texts


@pytest.mark.parametrize(
    ("text", "kinds"),
    [
        ("Hồ sơ của ông Nguyễn Văn An nộp ngày 1/2", ["full_name"]),
        ("Nguyễn Thị Minh", ["full_name"]),
        ("Gọi 0912 345 678 hoặc +84 35.123.4567", ["phone"]),
        ("số định danh 079203001234, cần tra cứu", ["personal_id"]),
        ("CMND: 023456789", ["old_personal_id"]),
        ("thẻ DN4791234567890", ["health_insurance"]),
        ("thư về lan.nguyen@gmail.com", ["email"]),
        ("opendata@tphcm.gov.vn hoặc vanthu@gmail.com", []),
        ("Đường Nguyễn Thị Minh Khai, Quận 1", []),
        ("hồ sơ 000.00.00.G12-240101-0001 theo Nghị định 356/2025/NĐ-CP", []),
        ("f" * 20 + "079203001234" + "a" * 32, []),
        ("6f3d2c8a-9c1b-5e0f-8a57-079203001234", []),
        ("55ab076a692b9acb6242913ca68780fc8cf18a554436634fc5282b1bd93b36e9", []),
        ("1a69bc37063d1076a59e73a5638d69042f88a5e033a6fe0a771b988191360acb", []),
        ("acbb1dce4ec3bf81c20a2fda3b80d4c23098aa6848472e873c00863c32990904acb", []),
        ("f8583059-4acb-45a9-908f-bdd441ad3936", []),
        ("Gmgl1TDx2e1ijASNzIdDXed+7962623F", []),
        ("chuyển qua ACB 0071001234567", ["bank_account"]),
        ("chuyển qua acb0071001234567 nhé", ["bank_account"]),
        ("0071001234567 ACB", ["bank_account"]),
        ("0071001234567-VCB", ["bank_account"]),
        ("tổng đài 1022, 1900 1022", []),
        ("1.004194 lượt, 2.850.000 dòng", []),
        ("Ủy ban nhân dân Thành phố", []),
    ],
)
def test_texts_are_judged(text: str, kinds: list[str]) -> None:
    assert detect_text(text) == kinds


def test_spans_say_where() -> None:
    text = "gọi 0912345678 nhé"
    assert [text[span.start : span.end] for span in find_spans(text)] == ["0912345678"]


def test_a_file_of_texts_is_scanned_line_by_line(tmp_path: Path) -> None:
    path = tmp_path / "texts.jsonl"
    path.write_text('{"id": 1, "text": "gọi 0912345678"}\n\n{"id": "b", "text": null}\n', encoding="utf-8")
    assert list(scan_texts(path)) == [
        {"id": 1, "spans": [{"start": 4, "end": 14, "kind": "phone"}]},
        {"id": "b", "spans": []},
    ]


def test_a_name_ends_where_capitals_end() -> None:
    text = "Ông Nguyễn Văn An nộp hồ sơ"
    assert [text[span.start : span.end] for span in find_spans(text)] == ["Nguyễn Văn An"]
