from __future__ import annotations

import json
import unicodedata
from itertools import pairwise
from pathlib import Path

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from publisher.cli import scan
from publisher.disclosure.personal.findings import Span
from publisher.disclosure.personal.spans import find_spans, scan_texts
from publisher.errors import DescriptorError
from tests.publisher.disclosure.personal.texts import heldout, training
from tests.publisher.disclosure.personal.texts.corpus import corpus, judge

RICH = (
    "Tôi là Nguyễn Thị Hoa, sinh ngày 12/03/1985, CCCD 079185001234, ngụ tại 12/3/4 Lê Văn Sỹ, phường 13, quận 3, "
    "điện thoại 0903 123 456, email hoa.nguyen@gmail.com, xe biển số 59X1-234.56, STK 0071001234567."
)
FOUND = [
    ("Nguyễn Thị Hoa", "full_name"),
    ("12/03/1985", "birth_date"),
    ("079185001234", "personal_id"),
    ("12/3/4 Lê Văn Sỹ, phường 13, quận 3", "address"),
    ("0903 123 456", "phone"),
    ("hoa.nguyen@gmail.com", "email"),
    ("59X1-234.56", "plate"),
    ("0071001234567", "bank_account"),
]


def found_in(text: str) -> list[tuple[str, str]]:
    return [(text[span.start : span.end], span.kind) for span in find_spans(text)]


def test_every_kind_is_found_where_it_stands() -> None:
    assert found_in(RICH) == FOUND


@pytest.mark.slow
@pytest.mark.parametrize("seed", [11, 12])
def test_nine_in_ten_are_found_and_right_in_texts_that_no_detector_was_tuned_on(seed: int) -> None:
    judged = judge(corpus(heldout, seed=seed, count=420))
    assert judged.recall >= 0.96
    assert judged.precision >= 0.97


def test_texts_that_the_detectors_were_tuned_on_are_found_still() -> None:
    judged = judge(corpus(training, seed=5, count=410))
    assert judged.recall >= 0.98
    assert judged.precision >= 0.99


def test_places_are_of_the_text_as_given_when_its_letters_are_decomposed() -> None:
    text = unicodedata.normalize("NFD", RICH)
    assert found_in(text) == [(unicodedata.normalize("NFD", value), kind) for value, kind in FOUND]


def test_places_are_of_the_text_as_given_in_an_old_encoding() -> None:
    text = "\u00a4ng NguyÔn V¨n An (0903123456) ph\u00b6n \u00b8nh \u00ae\u00adêng h\u00ad."
    assert ("NguyÔn V¨n An", "full_name") in found_in(text)
    assert ("0903123456", "phone") in found_in(text)


@pytest.mark.parametrize(
    "text",
    [
        "Hồ sơ H29.7-240101-0001 theo Quyết định 1234/QĐ-UBND ngày 12/01/2024",
        "Trường THPT Nguyễn Thị Minh Khai, 275 Điện Biên Phủ, phường 7, quận 3",
        "đường dây nóng 0967 771 010 của Sở Y tế",
        "Văn phòng UBND quận 5, điện thoại (028) 3855 1234",
        "Công ty TNHH Lê Nguyễn, MST 0312345678, địa chỉ trụ sở: 12 Nguyễn Huệ, phường Bến Nghé, quận 1",
        "hố ga trước số 45/6 Lê Lợi, phường 4, quận Gò Vấp",
        "trụ đèn 51TB-12345 trên đường Võ Văn Kiệt",
        "chuyển vào tài khoản kho bạc 3713.0.1058812.00000",
        "Trạm quan trắc tại 10.803121, 106.712541",
        "phần mềm phiên bản 10.200.15.31, mục 2.3.1.4",
        "học sinh ngày 05/09/2024 tựu trường, vệ sinh ngày 12/05/2024",
        "xe buýt qua Lê Lợi, Hàm Nghi và Trần Hưng Đạo",
        "Bà Rịa - Vũng Tàu sáp nhập vào TP.HCM",
        "kinh phí 079.123.456.789 đồng",
        "facebook.com/ubndquan1 đăng lịch cúp nước",
    ],
)
def test_what_is_public_is_left_alone(text: str) -> None:
    assert found_in(text) == []


@pytest.mark.parametrize(
    ("text", "value", "kind"),
    [
        ("toi ten la tran van hai, sdt 0903123456", "tran van hai", "full_name"),
        ("TÔI TÊN LÀ TRẦN VĂN HẢI, CMND SỐ 023456789", "TRẦN VĂN HẢI", "full_name"),
        ("bà H'Linh Niê làm đơn", "H'Linh Niê", "full_name"),
        ("Ông Michael Johnson, quốc tịch Mỹ", "Michael Johnson", "full_name"),
        ("sđt không chín không ba một hai ba bốn năm sáu", "không chín không ba một hai ba bốn năm sáu", "phone"),
        ("gọi +1 415 555 0123 gặp anh ấy", "+1 415 555 0123", "phone"),
        ("CCCD gắn chíp: 79203001234", "79203001234", "personal_id"),
        ("số 079 203 001 234 là căn cước của tôi", "079 203 001 234", "personal_id"),
        ("thẻ bhyt DN 4 79 01 234 56789", "DN 4 79 01 234 56789", "health_insurance"),
        ("mã số BHXH 7912345678", "7912345678", "social_insurance"),
        ("hộ chiếu số C1234567", "C1234567", "passport"),
        ("GPLX số 790123456789", "790123456789", "driving_licence"),
        ("MST cá nhân 8123456789", "8123456789", "tax_code"),
        ("sổ đỏ số CH 01234", "CH 01234", "land_certificate"),
        ("sổ hộ khẩu số 310123456", "310123456", "household_book"),
        ("mã bệnh nhân BN240123", "BN240123", "person_code"),
        ("CCHN số 012345/HCM-CCHN", "012345/HCM-CCHN", "professional_licence"),
        ("IP đăng nhập 113.161.72.5", "113.161.72.5", "ip_address"),
        ("MAC 00:1A:2B:3C:4D:5E", "00:1A:2B:3C:4D:5E", "mac_address"),
        ("xem facebook.com/nguyen.hai.yen.92 nhé", "facebook.com/nguyen.hai.yen.92", "social_account"),
        ("nhà em vị trí 10.762622,106.660172", "10.762622,106.660172", "coordinates"),
        ("thư về nguyenvanan (at) gmail (dot) com", "nguyenvanan (at) gmail (dot) com", "email"),
        ("Địa chỉ nhà: ấp 3, xã Bình Mỹ, huyện Củ Chi", "ấp 3, xã Bình Mỹ, huyện Củ Chi", "address"),
    ],
)
def test_forms_that_people_write(text: str, value: str, kind: str) -> None:
    assert (value, kind) in found_in(text)


@given(st.text())
def test_any_text_is_read_and_spans_lie_in_it_apart_from_each_other(text: str) -> None:
    spans = find_spans(text)
    assert all(0 <= span.start < span.end <= len(text) for span in spans)
    assert all(one.end <= other.start for one, other in pairwise(spans))


@given(
    st.lists(
        st.sampled_from(
            ["Nguyễn Văn An ", "0903123456 ", "\u0301", "\u200b", "\n", "Ä", "Ã¡ ", "số 12/3 Lê Lợi, P.5 ", "ông "]
        )
    )
)
def test_odd_letters_do_not_move_spans(pieces: list[str]) -> None:
    text = "".join(pieces)
    for start, end in [(span.start, span.end) for span in find_spans(text) if span.kind == "phone"]:
        assert text[start:end].replace("\u200b", "").replace("\u0301", "").strip() == "0903123456"


def test_the_command_prints_one_object_a_line(tmp_path: Path) -> None:
    path = tmp_path / "texts.jsonl"
    path.write_text(json.dumps({"id": "a", "text": RICH}) + "\n" + '{"id": 2, "text": ""}\n', encoding="utf-8")
    result = CliRunner().invoke(scan, [str(path), "--format", "json"])
    first, second = map(json.loads, result.output.splitlines())
    assert [RICH[one["start"] : one["end"]] for one in first["spans"]] == [value for value, _ in FOUND]
    assert second == {"id": 2, "spans": []}


@pytest.mark.parametrize("line", ['{"id": 1}', "no json", '["text"]', '{"id": 1, "text": 5}'])
def test_a_line_without_text_is_refused_by_its_number(tmp_path: Path, line: str) -> None:
    path = tmp_path / "texts.jsonl"
    path.write_text('{"id": 1, "text": "gọi"}\n' + line + "\n", encoding="utf-8")
    with pytest.raises(DescriptorError, match="Line 2"):
        list(scan_texts(path))


def test_spans_are_plain_values() -> None:
    assert find_spans("gọi 0912345678") == [Span(4, 14, "phone")]
