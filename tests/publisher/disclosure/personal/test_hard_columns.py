"""Hard columns, one by one: personal ones in the disguises of real files, and public ones that look the same."""

from __future__ import annotations

import random

import pyarrow as pa
import pytest
from made import personal as p
from made import traps as t
from made.worlds import HELD_OUT as W

from publisher.disclosure.personal.detectors import detect_column

d = random.Random(7)
PROVINCES = [
    *("Hà Giang", "Hà Nam", "Lâm Đồng", "Cao Bằng", "An Giang"),
    *("Kiên Giang", "Bạc Liêu", "Lai Châu", "Thái Bình", "Hà Tĩnh"),
]


def col(make, rows=60):
    return [make(d, W) for _ in range(rows)]


PERSONAL = [
    ("HOTENNGUOINOP", "full_name", col(p.full_name)),
    ("SODIENTHOA", "phone", col(p.mobile)),
    ("NGAYSINHCH", "birth_date", col(p.birth_date)),
    ("ten", "full_name", col(p.full_name)),
    ("Name", "full_name", col(p.full_name)),
    ("nguoi_ky", "full_name", [d.choice(col(p.full_name, 8)) for _ in range(200)]),
    ("ho", "full_name", [d.choice(W.surnames) for _ in range(60)]),
    ("Unnamed: 3", "full_name", [d.choice(W.given) for _ in range(200)]),
    ("F2", "full_name", [p.surname_and_middle(d, W) for _ in range(200)]),
    ("F2", "full_name", [p.plain(p.full_name(d, W)).lower() for _ in range(60)]),
    ("F2", "full_name", [p.titled_name(d, W) for _ in range(40)]),
    ("F2", "full_name", [p.full_name(d, W) + " (" + str(d.randrange(1950, 2000)) + ")" for _ in range(40)]),
    ("F2", "full_name", [p.full_name(d, W) + "; " + p.full_name(d, W) for _ in range(40)]),
    ("F2", "full_name", ["Hộ kinh doanh " + p.full_name(d, W) for _ in range(40)]),
    (
        "ten_co_so",
        "full_name",
        [
            "Hộ kinh doanh " + p.full_name(d, W) if d.random() < 0.5 else "Công ty TNHH " + d.choice(W.wards)
            for _ in range(60)
        ],
    ),
    ("F2", "full_name", [p.foreign_name(d, W) for _ in range(60)]),
    ("F2", "full_name", [p.minority_name(d, W) for _ in range(60)]),
    ("F2", "full_name", [t.to_tcvn3(p.full_name(d, W)) for _ in range(60)]),
    ("F2", "full_name", [t.to_vni(p.full_name(d, W).upper()) for _ in range(60)]),
    ("F2", "full_name", [t.to_viqr(p.full_name(d, W)) for _ in range(60)]),
    ("F2", "full_name", [t.to_cp1258_read_as_cp1252(p.full_name(d, W)) for _ in range(60)]),
    ("F2", "full_name", [t.to_utf8_read_as_cp1252(p.full_name(d, W)) for _ in range(60)]),
    ("F2", "full_name", [p.full_name(d, W) if d.random() < 0.25 else None for _ in range(60)]),
    ("Hä tªn", "full_name", [t.to_tcvn3(p.full_name(d, W)) for _ in range(60)]),
    ("hoc_sinh", "full_name", col(p.full_name)),
    ("GVCN", "full_name", col(p.full_name)),
    ("NguoiDaiDienPL", "full_name", col(p.full_name)),
    ("chu_tai_khoan", "full_name", [p.plain(p.full_name(d, W)).upper() for _ in range(60)]),
    ("Chủ đầu tư", "full_name", col(p.full_name)),
    ("lien_he", "phone", [p.full_name(d, W) + " - " + p.mobile(d, W) for _ in range(40)]),
    ("F9", "phone", [p.mobile(d, W) + " (" + d.choice(["Zalo", "vợ", "con"]) + ")" for _ in range(40)]),
    ("F9", "phone", ["Tel: " + p.mobile_grouped(d, W) for _ in range(40)]),
    ("F9", "phone", [p.mobile(d, W) + "/" + p.mobile(d, W) for _ in range(40)]),
    ("F9", "phone", [p.mobile(d, W) + ", " + p.mobile(d, W) for _ in range(40)]),
    ("F9", "phone", [str(int(p.mobile(d, W))) for _ in range(40)]),
    ("F9", "phone", [p.mobile(d, W) if d.random() < 0.15 else None for _ in range(300)]),
    ("sdt", "phone", [f"{int(p.mobile(d, W)):.2E}" for _ in range(40)]),
    ("so_cccd", "personal_id", [f"{int(p.personal_id(d, W)):.5E}" for _ in range(40)]),
    ("so_cccd", "personal_id", [f"{int(p.personal_id(d, W)):.2E}" for _ in range(40)]),
    ("SOGT", "personal_id", [d.choice([p.personal_id, p.old_personal_id, p.passport])(d, W) for _ in range(60)]),
    ("F5", "personal_id", [d.choice([p.personal_id, p.personal_id, p.old_personal_id])(d, W) for _ in range(60)]),
    ("F5", "personal_id", ["CCCD: " + p.personal_id(d, W) for _ in range(60)]),
    ("F5", "personal_id", [p.personal_id(d, W) + " cấp ngày 12/05/2021" for _ in range(60)]),
    ("F5", "personal_id", ["'" + p.personal_id(d, W) for _ in range(30)]),
    (
        "F5",
        "personal_id",
        [p.personal_id(d, W)[:3] + " " + p.personal_id(d, W)[3:6] + " " + p.personal_id(d, W)[6:] for _ in range(30)],
    ),
    (
        "data",
        "personal_id",
        [f'{{"cccd": "{p.personal_id(d, W)}", "ten": "{p.full_name(d, W)}"}}' for _ in range(40)],
    ),
    ("payload", "phone", [f'[{{"phone":"{p.mobile(d, W)}","note":"x"}}]' for _ in range(40)]),
    ("F5", "health_insurance", ["-".join([c[:2], c[2], c[3:5], c[5:]]) for c in col(p.health_insurance)]),
    ("F5", "health_insurance", [c.lower() for c in col(p.health_insurance)]),
    ("bhyt", "health_insurance", col(p.social_insurance)),
    ("mst", "tax_code", col(p.tax_code)),
    ("F5", "tax_code", col(p.tax_code)),
    ("mst", "personal_id", col(p.personal_id)),
    (
        "noi_sinh",
        "address",
        [f"xã {d.choice(W.wards)}, {d.choice(W.towns)}, {d.choice(W.provinces)}" for _ in range(60)],
    ),
    ("que_quan", "address", [f"{d.choice(W.wards)}, {d.choice(W.towns)}, {d.choice(W.provinces)}" for _ in range(60)]),
    ("F5", "address", col(p.home_in_town)),
    ("F5", "address", col(p.home_in_village)),
    ("F5", "address", [p.plain(c).upper() for c in col(p.home_in_town)]),
    ("F5", "address", [t.to_tcvn3(c) for c in col(p.home_in_town)]),
    ("Địa chỉ", "address", col(p.home_in_town)),
    ("DC", "address", col(p.home_in_town)),
    ("F5", "birth_date", col(p.birth_date)),
    ("F5", "birth_date", col(p.birth_date_words)),
    ("ngay_sinh", "birth_date", [str(d.randrange(15000, 42000)) for _ in range(40)]),
    ("ngay_sinh", "birth_date", ["12/5/85", "3/11/72", "1/1/90"] * 10),
    ("dob", "birth_date", [c + " 00:00:00" for c in col(p.birth_date_iso)]),
    ("F5", "bank_account", col(p.bank_account)),
    ("F5", "bank_account", ["VCB " + c for c in col(p.bank_account)]),
    ("F5", "bank_account", [c + " - Vietcombank CN Huế" for c in col(p.bank_account)]),
    ("biensoxe", "plate", [c.replace("-", "").replace(".", "") for c in col(p.plate)]),
    ("F5", "plate", [c.replace(".", " ").lower() for c in col(p.plate)]),
    ("F5", "email", col(p.office_email_of_a_person)),
    ("email", "email", [c.upper() for c in col(p.email)]),
    ("F5", "social_account", col(p.social_account)),
    ("zalo", "social_account", col(p.mobile)),
    ("F5", "ip_address", col(p.ip_address)),
    ("F5", "mac_address", col(p.mac_address)),
    ("ip", "ip_address", [f"192.168.1.{d.randrange(255)}" for _ in range(40)]),
    ("F5", "professional_licence", col(p.professional_licence)),
    ("ma_sinh_vien", "person_code", col(p.student_code)),
    ("PatientID", "person_code", [str(d.randrange(10**5, 10**6)) for _ in range(40)]),
    ("so_do", "land_certificate", col(p.land_certificate)),
    ("F5", "land_certificate", col(p.land_serial)),
    ("lat_nha", "coordinates", col(p.latitude)),
    ("toa_do_benh_nhan", "coordinates", col(p.coordinates)),
    (
        "Ghi chú",
        "full_name",
        [
            "ông " + p.full_name(d, W) + " đến nộp đơn xin cấp lại giấy" if d.random() < 0.1 else d.choice(W.notes)
            for _ in range(200)
        ],
    ),
    ("SHK", "household_book", col(p.household_book)),
    ("ho_chieu", "passport", [c.lower() for c in col(p.passport)]),
    ("F7", "passport", col(p.passport)),
]
PUBLIC = [
    ("ten_duong", [p.full_name(d, W) for _ in range(1)] * 100),
    ("F2", ["Nguyễn Huệ", "Lê Lợi", "Trần Hưng Đạo", "Đồng Khởi", "Pasteur"] * 20),
    ("Tên trường", ["THPT " + c for c in W.streets] * 4),
    ("Chủ nhiệm đề tài", ["Viện Khoa học"] * 50),
    ("hang_xe", ["Honda", "Yamaha", "Toyota"] * 20),
    ("email", [f"vanthu@{x}.gov.vn" for x in ["tphcm", "danang", "hue", "cantho"]] * 10),
    ("Email", [f"p.{x}@hue.gov.vn" for x in ["noivu", "taichinh", "tuphap", "vanhoa"]] * 10),
    ("website", [f"https://{x}.gov.vn" for x in ["a", "b", "c"]] * 20),
    ("so_dien_thoai", [f"1900{d.randrange(9999):04d}" for _ in range(40)]),
    ("SĐT", ["115", "114", "113", "1022"] * 10),
    ("Số điện thoại", [f"18001{d.randrange(999):03d}" for _ in range(30)]),
    ("dien_thoai_ubnd", [f"02343{d.randrange(10**6):06d}" for _ in range(40)]),
    (
        "Mã hồ sơ",
        [
            f"H57.{d.randrange(30)}.{d.randrange(9)}-25{d.randrange(1, 13):02d}{d.randrange(1, 29):02d}-{d.randrange(9999):04d}"
            for _ in range(60)
        ],
    ),
    ("F1", [f"{d.randrange(5000)}/QĐ-UBND" for _ in range(60)]),
    ("so_tien", [str(d.randrange(10**8, 10**9)) for _ in range(60)]),
    ("F1", [str(d.randrange(10**8, 10**9)) for _ in range(60)]),
    ("F1", [str(d.randrange(10**6, 10**12)) for _ in range(60)]),
    ("F1", [f"{d.randrange(10**9, 10**11):,}" for _ in range(60)]),
    ("dan_so", [str(d.randrange(10**7, 10**9)) for _ in range(60)]),
    ("id", [str(7 * 10**8 + i * 3) for i in range(300)]),
    ("ma_phan_anh", [str(2025 * 10**8 + d.randrange(10**8)) for _ in range(60)]),
    ("F1", [f"2025{d.randrange(1, 13):02d}{d.randrange(1, 29):02d}{d.randrange(10**4):04d}" for _ in range(100)]),
    ("F1", [f"24{d.randrange(1, 13):02d}{d.randrange(1, 29):02d}{d.randrange(10**6):06d}" for _ in range(100)]),
    ("uuid", [f"{d.randrange(16**8):08x}-0000-4000-8000-{d.randrange(16**12):012x}" for _ in range(40)]),
    ("ngay", [f"{d.randrange(1, 29):02d}/{d.randrange(1, 13):02d}/2024" for _ in range(60)]),
    (
        "Ngày thành lập",
        [f"{d.randrange(1, 29):02d}/{d.randrange(1, 13):02d}/{d.randrange(1930, 2020)}" for _ in range(60)],
    ),
    ("nguoi_dung", [str(d.randrange(100)) for _ in range(60)]),
    ("so_nguoi", [str(d.randrange(1000)) for _ in range(60)]),
    ("so_hoc_sinh", [str(d.randrange(1000)) for _ in range(60)]),
    ("benh_nhan", [str(d.randrange(1000)) for _ in range(60)]),
    ("Số hộ nghèo", [str(d.randrange(1000)) for _ in range(60)]),
    ("ty_le_ho_ngheo", [f"{d.random():.2f}" for _ in range(60)]),
    ("can_bo", ["12", "15", "20"] * 10),
    ("chu_ho", ["Nam", "Nữ"] * 30),
    ("Chủ thể", ["Cá nhân", "Tổ chức"] * 20),
    ("doi_tuong", ["Người cao tuổi", "Trẻ em", "Hộ nghèo", "Người khuyết tật"] * 15),
    ("ten_le_hoi", ["Lễ hội Đền Hùng", "Lễ hội Chùa Hương"] * 20),
    ("san_pham", ["Trà xanh", "Cao atiso", "Mai vàng", "Lê sấy"] * 15),
    ("ten_thuoc", ["Paracetamol", "Amoxicillin", "Cao ích mẫu"] * 20),
    ("Phường", ["Phường Võ Thị Sáu", "Phường Nguyễn Thái Bình", "Phường Phạm Ngũ Lão"] * 20),
    (
        "F4",
        [
            "Phạm Ngũ Lão",
            "Nguyễn Thái Bình",
            "Cầu Ông Lãnh",
            "Cô Giang",
            "Nguyễn Cư Trinh",
            "Đa Kao",
            "Bến Nghé",
            "Tân Định",
        ]
        * 8,
    ),
    ("tinh", PROVINCES * 6),
    ("F4", [*PROVINCES, "Vĩnh Long", "Đồng Nai"] * 6),
    ("dia_chi", [f"Trường THCS {d.choice(W.streets)}, {d.choice(W.wards)}" for _ in range(60)]),
    (
        "Địa chỉ trụ sở",
        [f"{d.randrange(300)} {d.choice(W.streets)}, phường {d.choice(W.wards)}" for _ in range(60)],
    ),
    ("vi_tri", [f"Ngã tư {d.choice(W.streets)} - {d.choice(W.streets)}" for _ in range(60)]),
    ("F4", [f"Trước số {d.randrange(300)} {d.choice(W.streets)}" for _ in range(60)]),
    ("F4", [f"{d.randrange(300)} {d.choice(W.streets)}" for _ in range(60)]),
    ("thua_dat", [f"{d.randrange(999)}" for _ in range(60)]),
    ("so_to_ban_do", [f"{d.randrange(99)}" for _ in range(60)]),
    ("Tài khoản", ["1121", "1111", "331", "511", "642"] * 10),
    ("so_tai_khoan_kbnn", [f"3713.0.{d.randrange(10**7):07d}" for _ in range(40)]),
    ("ma_tai_khoan", [f"{d.randrange(100, 999)}" for _ in range(60)]),
    ("lat", [f"{d.uniform(16, 17):.5f}" for _ in range(60)]),
    ("X", [f"{d.uniform(590000, 610000):.2f}" for _ in range(60)]),
    ("toa_do_nha_ve_sinh", [f"16.4{d.randrange(99999)}, 107.5{d.randrange(99999)}" for _ in range(60)]),
    ("version", [f"1.2.{d.randrange(9)}.4" for _ in range(60)]),
    ("F4", [f"{d.randrange(9)}.{d.randrange(20)}.{d.randrange(30)}" for _ in range(60)]),
    ("ip_may_chu", [f"10.0.0.{d.randrange(255)}" for _ in range(60)]),
    ("ma_sp", [f"SP{d.randrange(10**6):06d}" for _ in range(60)]),
    ("F4", [f"HD{d.randrange(10**6):06d}" for _ in range(60)]),
    ("F4", [f"HD{d.randrange(10**5):05d}/2024" for _ in range(60)]),
    ("F4", [f"B{i:07d}" for i in range(100, 200)]),
    ("F4", [f"T{d.randrange(10**7):07d}" for _ in range(60)]),
    ("ma_hang", [f"{8930000000000 + d.randrange(10**9):013d}" for _ in range(60)]),
    ("so_khung", [f"RLHJ{d.randrange(10**13):013d}" for _ in range(40)]),
    (
        "Ghi chú",
        [
            "Liên hệ Phòng TN&TKQ, ĐT 02343.822.122",
            "Theo QĐ số 123/QĐ-UBND ngày 12/03/2024",
            "Đã chuyển UBND phường Phú Hội",
            "Gọi 19001075 để được hỗ trợ",
        ]
        * 20,
    ),
    (
        "cau_hoi",
        [
            "Thủ tục cấp đổi căn cước công dân gồm những gì?",
            "Hộ kinh doanh có phải đăng ký thuế không?",
            "Đường Nguyễn Huệ khi nào sửa xong?",
        ]
        * 20,
    ),
    ("nguon_von", ["Vốn vay ODA", "Ngân sách tỉnh"] * 20),
    ("Chức danh", ["Chủ tịch", "Phó Chủ tịch", "Chánh Văn phòng"] * 20),
    ("ten_bien_bao", ["P.102", "W.207a", "R.412"] * 20),
    ("tram_bts", ["HUE_PV_001", "HUE_PV_002"] * 20),
    ("so_nha_tren_duong", [str(d.randrange(900)) for _ in range(40)]),
    ("gioi_tinh", ["Nam", "Nữ"] * 30),
    ("quoc_tich", ["Việt Nam", "Hàn Quốc", "Mỹ"] * 20),
    ("he_so", [f"{d.random():.3f}" for _ in range(30)]),
    ("dt_dat", [f"{d.random() * 500:.1f}" for _ in range(30)]),
    ("closed_dt", [f"2014-01-01 10:{d.randrange(60):02d}:00" for _ in range(40)]),
    ("tac_gia", ["Sở Y tế", "Sở Nội vụ"] * 20),
    ("nghe_si", ["Đoàn ca kịch Huế", "Nhà hát"] * 20),
    ("cong_ty", ["Công ty TNHH " + p.full_name(d, W) for _ in range(60)]),
    ("nha_thuoc", ["Nhà thuốc " + p.full_name(d, W) for _ in range(60)]),
    ("F4", ["Nhà thuốc " + d.choice(W.given) + " " + d.choice(W.given) for _ in range(60)]),
    ("Tên sông", ["Sông Hương", "Sông Bồ", "Sông Đào"] * 20),
    ("ten_cho", ["Chợ Đông Ba", "Chợ An Cựu", "Chợ Bà Chiểu"] * 20),
    ("ten_tuyen_xe", ["Bến Thành - Chợ Lớn", "Lê Hồng Phong - Thủ Đức"] * 20),
]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("header", "kind", "cells"), PERSONAL, ids=[f"{place}-{h}-{k}" for place, (h, k, _) in enumerate(PERSONAL)]
)
def test_personal_columns_are_found_with_their_kind(header: str, kind: str, cells: list[str | None]) -> None:
    assert kind in {found.kind for found in detect_column(header, pa.array(cells, pa.string()))}


@pytest.mark.slow
@pytest.mark.parametrize(("header", "cells"), PUBLIC, ids=[f"{place}-{h}" for place, (h, _) in enumerate(PUBLIC)])
def test_public_columns_are_left_alone(header: str, cells: list[str | None]) -> None:
    assert detect_column(header, pa.array(cells, pa.string())) == []
