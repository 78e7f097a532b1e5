"""Labelled columns with the look of agency data: personal ones, and public ones that look the same. Made up, with a seed."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator

SURNAMES = (
    ["Nguyễn"] * 38
    + ["Trần"] * 12
    + ["Lê"] * 10
    + ["Phạm"] * 7
    + ["Huỳnh"] * 5
    + ["Võ", "Vũ", "Đặng", "Bùi", "Đỗ", "Hồ", "Ngô", "Lý"] * 2
)
MIDDLES = ["Thị", "Văn", "Hữu", "Ngọc", "Minh", "Thanh", "Quốc", "Thị Thu", "Hoàng Gia", "Đức"]
GIVEN = [
    "An",
    "Bình",
    "Châu",
    "Dũng",
    "Giang",
    "Hà",
    "Hạnh",
    "Hùng",
    "Khánh",
    "Lan",
    "Linh",
    "Long",
    "Mai",
    "Nam",
    "Ngân",
    "Phúc",
    "Quân",
    "Sơn",
    "Thảo",
    "Trang",
    "Tuấn",
    "Vy",
    "Yến",
]
STREETS = ["Nguyễn Huệ", "Lê Lợi", "Trần Hưng Đạo", "Võ Thị Sáu", "Phan Đình Phùng", "Hai Bà Trưng", "Nguyễn Thị Minh Khai", "Lý Tự Trọng", "Cách Mạng Tháng Tám", "Điện Biên Phủ"]  # fmt: skip
WARDS = ["Sài Gòn", "Tân Định", "Bến Thành", "Võ Thị Sáu", "Phú Nhuận", "Bình Thạnh", "An Lạc", "Tân Sơn Nhì", "Thủ Đức", "Long Trường", "Hiệp Bình", "Vũng Tàu", "Dĩ An", "Thuận An"]  # fmt: skip


def name(draw: random.Random) -> str:
    return f"{draw.choice(SURNAMES)} {draw.choice(MIDDLES)} {draw.choice(GIVEN)}"


def personal_id(draw: random.Random) -> str:
    return f"0{draw.choice(['79', '01', '48', '46', '75', '56'])}{draw.choice('0123'[: draw.choice([2, 4])])}{draw.choice([*range(50, 99)] if draw.random() < 2 else []):02d}{draw.randrange(10**6):06d}"


def tax_code(draw: random.Random) -> str:
    while True:
        digits = f"03{draw.randrange(1, 10**7):07d}"
        check = 10 - sum(w * int(d) for w, d in zip((31, 29, 23, 19, 17, 13, 7, 5, 3), digits, strict=True)) % 11
        if check < 10:
            return digits + str(check)


def mobile(draw: random.Random) -> str:
    return f"0{draw.choice(['90', '91', '93', '98', '32', '35', '70', '77', '83', '56'])}{draw.randrange(10**7):07d}"


Maker = Callable[[random.Random], str]

PERSONAL: dict[tuple[str, str], Maker] = {
    ("so_cccd", "personal_id"): personal_id,
    ("c7", "personal_id"): personal_id,
    ("CCCD_EXCEL", "personal_id"): lambda d: personal_id(d)[1:],
    ("cccd_float", "personal_id"): lambda d: personal_id(d)[1:] + ".0",
    ("giay_to", "personal_id"): lambda d: personal_id(d) if d.random() < 0.4 else tax_code(d),
    ("mst", "personal_id"): lambda d: personal_id(d).replace("02", "00", 1) if d.random() < 0.4 else tax_code(d),
    ("cmnd", "old_personal_id"): lambda d: f"02{d.randrange(10**7):07d}",
    ("so_dien_thoai", "phone"): mobile,
    ("f12", "phone"): mobile,
    ("lien_lac", "phone"): lambda d: "+84" + mobile(d)[1:],
    ("sdt", "phone"): lambda d: f"{mobile(d)[:4]}.{d.randrange(1000):03d}.{d.randrange(1000):03d}",
    ("SOGOI", "phone"): lambda d: f"016{d.choice('3456789')}{d.randrange(10**7):07d}",
    ("dien_thoai", "phone"): lambda d: mobile(d)[1:],
    ("email", "email"): lambda d: f"{d.choice(['lan', 'hung', 'tuan'])}.{d.randrange(999)}@gmail.com",
    ("ghi_chu", "email"): lambda d: "đã xử lý" if d.random() < 0.95 else f"liên hệ tuan{d.randrange(99)}@yahoo.com nhé",
    ("noi_dung", "phone"): lambda d: "mất nước" if d.random() < 0.9 else f"gọi lại cho tôi số {mobile(d)} sau 5h",
    ("ho_ten", "full_name"): name,
    ("cot_3", "full_name"): name,
    ("HOTEN", "full_name"): lambda d: name(d).upper(),
    ("nguoi nop", "full_name"): name,
    ("bien_so_xe", "plate"): lambda d: (
        f"5{d.randrange(10)}{d.choice('ACDFGH')}-{d.randrange(1000):03d}.{d.randrange(100):02d}"
    ),
    ("x9", "plate"): lambda d: f"59{d.choice('XYZCD')}{d.randrange(1, 9)}-{d.randrange(10**5):05d}",
    ("dia_chi", "address"): lambda d: (
        f"{d.randrange(1, 400)}/{d.randrange(1, 90)} {d.choice(STREETS)}, P. {d.choice(WARDS)}"
    ),
    ("noi_thuong_tru", "address"): lambda d: f"{d.randrange(1, 400)} hẻm {d.randrange(9)} đường {d.choice(STREETS)}",
    ("cot5", "address"): lambda d: (
        f"{d.randrange(1, 400)}/{d.randrange(9)} {d.choice(STREETS)}, khu phố {d.randrange(9)}"
    ),
    ("ngay_sinh", "birth_date"): lambda d: (
        f"{d.randrange(1, 28):02d}/{d.randrange(1, 12):02d}/{d.randrange(1940, 2015)}"
    ),
    ("the_bhyt", "health_insurance"): lambda d: f"{d.choice(['DN', 'HS', 'GD'])}4{d.randrange(10**12):012d}",
}

PUBLIC: dict[str, Maker] = {
    "ma_so_thue": tax_code,
    "mst_dn": tax_code,
    "c4": tax_code,
    "ma_ho_so": lambda d: f"000.00.00.G12-24{d.randrange(1, 12):02d}01-{d.randrange(10**4):04d}",
    "ma_ho_so_hue": lambda d: f"H29.7-24{d.randrange(1, 12):02d}01-{d.randrange(10**4):04d}",
    "ma_thu_tuc": lambda d: f"{d.choice([1, 2])}.{d.randrange(10**6):06d}",
    "thu_tuc_day_du": lambda d: f"2.{d.randrange(10**6):06d}.000.00.00.H29",
    "phuong": lambda d: d.choice(WARDS),
    "ten_duong": lambda d: d.choice(STREETS),
    "v2": lambda d: d.choice(STREETS),
    "truong_hoc": lambda d: f"Trường THCS {d.choice(STREETS)} {d.randrange(20)}",
    "doanh_nghiep": lambda d: f"Công ty TNHH {name(d)}",
    "epoch": lambda d: str(1_700_000_000 + d.randrange(10**8)),
    "epoch_ms": lambda d: str(1_700_000_000_000 + d.randrange(10**11)),
    "so_tien": lambda d: str(d.randrange(1, 999_999) * 1000),
    "doanh_thu_dong": lambda d: str(d.randrange(10**8, 10**9)),
    "ma_phuong": lambda d: f"{26000 + d.randrange(1000):05d}",
    "ma_tinh": lambda d: f"{d.randrange(1, 96):02d}",
    "hotline": lambda d: d.choice(["1022", "19001022", "18001091", "02838222222"]),
    "duong_day_nong": lambda d: f"028{38000000 + d.randrange(10**6)}",
    "pm25": lambda d: f"{d.random() * 80:.7f}",
    "ty_le": lambda d: f"0.{d.randrange(10**9, 10**10 - 1)}"[:12],
    "kinh_do": lambda d: f"106.{d.randrange(10**8):08d}",
    "ngay_tiep_nhan": lambda d: f"2026-{d.randrange(1, 12):02d}-{d.randrange(1, 28):02d}",
    "thoi_diem": lambda d: f"2026-{d.randrange(1, 12):02d}-{d.randrange(1, 28):02d}T10:{d.randrange(60):02d}:00",
    "muc_ngan_sach": lambda d: f"{d.randrange(1000):03d}-{d.randrange(1000):03d}-{d.randrange(1000):03d}",
    "tai_khoan_kho_bac": lambda d: f"3713.0.{d.randrange(10**7):07d}.00000",
    "ma_vach": lambda d: f"893{d.randrange(10**10):010d}",
    "gtin12": lambda d: f"0{d.randrange(10**11):011d}",
    "ma_tai_san": lambda d: f"0792000{d.randrange(10**3):05d}",
    "cot_den": lambda d: f"51TB-{d.randrange(10**5):05d}",
    "quyet_dinh": lambda d: f"{d.randrange(1, 5000)}/QĐ-UBND",
    "goi_thau": lambda d: f"IB25{d.randrange(10**8):08d}",
    "email_don_vi": lambda d: d.choice(
        ["vanthu.q1@tphcm.gov.vn", "ubnd@hcmc.gov.vn", "info@moet.gov.vn", "phongvanhoa@gmail.com"]
    ),
    "dia_chi_tru_so": lambda d: f"{d.randrange(1, 400)} {d.choice(STREETS)}, P. {d.choice(WARDS)}",
    "giai_trinh": lambda d: d.choice(
        ["đã xử lý xong", "chuyển UBND phường", "theo Nghị định 356/2025/NĐ-CP", "hồ sơ 000.00.00.G12-240101-0001"]
    ),
    "nhom_tuoi": lambda d: d.choice(["20-29", "30-39", "90+"]),
    "nam_sinh": lambda d: str(d.randrange(1940, 2010)),
    "ma_an_danh": lambda d: f"{d.randrange(16**16):016x}",
    "chu_de": lambda d: d.choice(["Hạ tầng đô thị", "An ninh trật tự", "Lê phí đường bộ", "Môi trường"]),
    "so_luong": lambda d: str(d.randrange(10**4)),
    "stt": lambda d: str(d.randrange(900_000_000, 900_001_000)),
}


def personal_columns(rows: int, seed: int) -> Iterator[tuple[str, str, list[str | None]]]:
    for (header, kind), make in PERSONAL.items():
        draw = random.Random(f"{seed}{header}")
        yield header, kind, [None if draw.random() < 0.1 else make(draw) for _ in range(rows)]


def public_columns(rows: int, seed: int) -> Iterator[tuple[str, list[str | None]]]:
    for header, make in PUBLIC.items():
        draw = random.Random(f"{seed}{header}")
        yield header, [None if draw.random() < 0.1 else make(draw) for _ in range(rows)]
