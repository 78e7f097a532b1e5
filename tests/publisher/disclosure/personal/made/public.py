"""Makers of public cells that look like personal ones: a draw and a world in, one cell out; with the headers that agencies give them."""

from __future__ import annotations

import random

from .personal import Maker, digits, full_name, tax_code
from .worlds import World


def _running(first: int, gap: int) -> Maker:
    def make(draw: random.Random, world: World) -> str:
        return str(first + draw.randrange(gap))

    return make


def enterprise_tax_code(draw: random.Random, world: World) -> str:
    return tax_code(draw, world, draw.choice(["03", "03", "03", "01", "04", "33"]))


def branch_tax_code(draw: random.Random, world: World) -> str:
    return tax_code(draw, world, "03") + draw.choice(["", "-001", "-002", ""])


def office_address(draw: random.Random, world: World) -> str:
    return f"{draw.choice(world.offices)}, {draw.randrange(1, 400)} {draw.choice(world.streets)}, phường {draw.choice(world.wards)}"


def plain_office_address(draw: random.Random, world: World) -> str:
    return f"{draw.randrange(1, 400)} {draw.choice(world.streets)}, phường {draw.choice(world.wards)}, {draw.choice(world.towns)}"


def recent(draw: random.Random, world: World) -> str:
    return f"{draw.randrange(1, 29):02d}/{draw.randrange(1, 13):02d}/{draw.randrange(2021, 2026)}"


def founded(draw: random.Random, world: World) -> str:
    return f"{draw.randrange(1, 29):02d}/{draw.randrange(1, 13):02d}/{draw.randrange(1976, 2022)}"


def landline_office(draw: random.Random, world: World) -> str:
    return f"(028) 38{digits(draw, 2)}.{digits(draw, 4)}"


# header in each of the two worlds -> cell. A header without meaning means: told by the cells alone.
PUBLIC: list[tuple[tuple[str, str], Maker]] = [
    (("ma_so_thue", "MST doanh nghiệp"), enterprise_tax_code),
    (("c4", "F8"), enterprise_tax_code),
    (("mst_chi_nhanh", "Mã số thuế đơn vị"), branch_tax_code),
    (("mst_excel", "ma_so_dn"), lambda d, w: str(int(enterprise_tax_code(d, w)))),
    (("ma_ho_so", "Số hồ sơ"), lambda d, w: f"000.00.00.G12-24{d.randrange(1, 13):02d}{d.randrange(1, 29):02d}-{digits(d, 4)}"),
    (("x3", "Unnamed: 5"), lambda d, w: f"H29.{d.randrange(1, 30)}-24{d.randrange(1, 13):02d}{d.randrange(1, 29):02d}-{digits(d, 4)}"),
    (("ma_thu_tuc", "Mã TTHC"), lambda d, w: f"{d.choice('123')}.{digits(d, 6)}"),
    (("tthc_day_du", "ma_tthc_quoc_gia"), lambda d, w: f"2.{digits(d, 6)}.000.00.00.H29"),
    (("ma_qhns", "Mã QHNS"), lambda d, w: f"1{digits(d, 6)}"),
    (("muc_luc_ns", "Chương-Khoản-Mục"), lambda d, w: f"{digits(d, 3)}-{digits(d, 3)}-{digits(d, 3)}"),
    (("tai_khoan_kho_bac", "TK kho bạc"), lambda d, w: f"{d.choice(['3713', '9527', '3741'])}.0.{digits(d, 7)}.00000"),
    (("so_chung_tu_kb", "Số giao dịch kho bạc"), lambda d, w: f"24{d.randrange(1, 13):02d}{digits(d, 8)}"),
    (("citad", "Mã CITAD"), lambda d, w: f"{d.choice(['79', '01', '48'])}2{digits(d, 2)}00{d.randrange(10)}"),
    (("ma_phuong", "Mã xã"), lambda d, w: f"{26000 + d.randrange(1500):05d}"),
    (("ma_tinh", "Mã tỉnh"), lambda d, w: f"{d.randrange(1, 97):02d}"),
    (("vsic", "Mã ngành"), lambda d, w: d.choice(["4711", "5610", "6810", "4520", "8510"])),
    (("hs_code", "Mã HS"), lambda d, w: f"{d.choice(['8471', '6109', '0303'])}{digits(d, 4)}"),
    (("ma_icd", "ICD10"), lambda d, w: f"{d.choice('AEIJ')}{digits(d, 2)}.{d.randrange(10)}"),
    (("ma_vach", "Barcode"), lambda d, w: f"893{digits(d, 10)}"),
    (("gtin12", "GTIN"), lambda d, w: f"0{digits(d, 11)}"),
    (("so_quyet_dinh", "Văn bản"), lambda d, w: f"{d.randrange(1, 5000)}/{d.choice(['QĐ-UBND', 'NQ-HĐND', 'TB-SYT'])}"),
    (("goi_thau", "Số TBMT"), lambda d, w: f"IB25{digits(d, 8)}"),
    (("epoch", "ts"), lambda d, w: str(1_690_000_000 + d.randrange(6 * 10**7))),
    (("_c4", "col_2"), lambda d, w: str(1_690_000_000 + d.randrange(6 * 10**7))),
    (("epoch_ms", "updated_at"), lambda d, w: str(1_690_000_000_000 + d.randrange(6 * 10**10))),
    (("so_tien", "Kinh phí"), lambda d, w: str(d.randrange(10**5, 10**6) * 1000)),
    (("doanh_thu", "Giá trị hợp đồng"), lambda d, w: str(d.randrange(10**8, 10**10))),
    (("b2", "F21"), lambda d, w: f"{d.randrange(1, 999)}.{digits(d, 3)}.000"),
    (("hotline", "Đường dây nóng"), lambda d, w: d.choice(["1022", "1900 1022", "18001091", "113", "19006923"])),
    (("duong_day_nong", "Tổng đài"), lambda d, w: d.choice(["0283.8291.187", "02838222222", "1800 585826"])),
    (("dien_thoai_co_quan", "ĐT trụ sở"), landline_office),
    (("so_dien_thoai_don_vi", "Điện thoại trường"), landline_office),
    (("email_don_vi", "Email cơ quan"), lambda d, w: d.choice(w.roles)),
    (("email_lien_he", "hop_thu_dien_tu"), lambda d, w: d.choice(w.roles)),
    (("dia_chi_tru_so", "Địa chỉ cơ quan"), plain_office_address),
    (("dia_diem", "Địa chỉ"), office_address),
    (("dia_diem_thi_cong", "Vị trí công trình"), lambda d, w: f"Đường {d.choice(w.streets)} đoạn từ {d.choice(w.streets)} đến {d.choice(w.streets)}"),
    (("nut_giao", "Giao lộ"), lambda d, w: f"{d.choice(w.streets)} - {d.choice(w.streets)}"),
    (("ten_duong", "Tuyến đường"), lambda d, w: d.choice(w.streets)),
    (("v2", "Column5"), lambda d, w: d.choice(w.streets)),
    (("ten_truong", "Đơn vị"), lambda d, w: f"Trường {d.choice(['THCS', 'THPT', 'Tiểu học'])} {d.choice(w.streets)}"),
    (("c12", "F5"), lambda d, w: f"{d.choice(['THCS', 'THPT', 'TH'])} {d.choice(w.streets)}"),
    (("benh_vien", "Cơ sở khám bệnh"), lambda d, w: f"Bệnh viện {d.choice(w.streets)}"),
    (("phuong", "Phường/Xã"), lambda d, w: d.choice(w.wards)),
    (("k7", "Unnamed: 9"), lambda d, w: f"Phường {d.choice(w.wards)}"),
    (("ten_cau", "Cầu"), lambda d, w: f"Cầu {d.choice(w.streets)}"),
    (("doanh_nghiep", "Tên công ty"), lambda d, w: f"Công ty TNHH {d.choice(['MTV', 'TM DV', ''])} {full_name(d, w)}".replace("  ", " ")),
    (("co_quan", "Cơ quan giải quyết"), lambda d, w: d.choice(w.offices)),
    (("chu_de", "Lĩnh vực"), lambda d, w: d.choice(["Hạ tầng đô thị", "Lê phí đường bộ", "Hồ tiêu", "Cao su", "Mai vàng", "An ninh trật tự"])),
    (("ma_tram", "Mã trụ đèn"), lambda d, w: f"{d.choice(['51TB', '50CX', '59DC'])}-{digits(d, 5)}"),
    (("ma_cay_xanh", "Mã cây"), lambda d, w: f"Q{d.randrange(1, 13)}-CX-{digits(d, 4)}"),
    (("bien_so_xe_cong", "Biển số xe chuyên dùng"), lambda d, w: f"80A-{digits(d, 3)}.{digits(d, 2)}"),
    (("ma_tai_san", "Số hiệu tài sản"), lambda d, w: f"0792000{digits(d, 5)}"),
    (("c9", "X2"), lambda d, w: f"0792024{digits(d, 5)}"),
    (("so_serial", "Số máy"), lambda d, w: f"{d.choice('TE')}{digits(d, 7)}"),
    (("chuyen_bay", "Số hiệu chuyến bay"), lambda d, w: f"{d.choice(['VN', 'VJ', 'QH'])}{digits(d, 3)}"),
    (("lat", "Vĩ độ trạm"), lambda d, w: f"{d.uniform(10.6, 10.9):.6f}"),
    (("kinh_do", "Kinh độ"), lambda d, w: f"{d.uniform(106.5, 106.9):.6f}"),
    (("toa_do_tram", "Tọa độ cây xanh"), lambda d, w: f"{d.uniform(10.6, 10.9):.6f}, {d.uniform(106.5, 106.9):.6f}"),
    (("phien_ban", "Version"), lambda d, w: f"{d.randrange(1, 12)}.{d.randrange(30)}.{d.randrange(20)}.{d.randrange(99)}"),
    (("dieu_khoan", "Điều khoản"), lambda d, w: f"{d.randrange(1, 40)}.{d.randrange(1, 9)}.{d.randrange(1, 9)}.{d.randrange(1, 5)}"),
    (("dai_mang", "CIDR"), lambda d, w: f"{d.randrange(11, 220)}.{d.randrange(256)}.{d.randrange(256)}.0/24"),
    (("fanpage", "Trang thông tin"), lambda d, w: f"https://www.facebook.com/{d.choice(['ubnd', 'congan', 'doanthanhnien', 'sotnmt'])}{d.choice(['quan1', 'tphcm', 'phuvang', 'hue'])}"),
    (("ma_truong", "Mã cơ sở"), lambda d, w: f"790{digits(d, 5)}"),
    (("ma_hoc_phan", "Mã môn học"), lambda d, w: f"{d.choice(['CS', 'IT', 'MA', 'PH'])}{digits(d, 3)}"),
    (("ngay_cap", "Ngày ban hành"), recent),
    (("d1", "F17"), recent),
    (("ngay_thanh_lap", "Ngày thành lập"), founded),
    (("ngay_sinh_hoat", "ngay_tiep_nhan"), recent),
    (("thoi_diem", "created_at"), lambda d, w: f"2025-{d.randrange(1, 13):02d}-{d.randrange(1, 29):02d}T{d.randrange(24):02d}:{d.randrange(60):02d}:00"),
    (("nam_sinh", "Năm"), lambda d, w: str(d.randrange(1940, 2015))),
    (("stt", "STT"), _running(900_000_000, 2000)),
    (("so_hieu", "id"), _running(100_000_000, 100_000)),
    (("giai_trinh", "Nội dung xử lý"), lambda d, w: d.choice([*w.notes, "theo Nghị định 356/2025/NĐ-CP", "hồ sơ 000.00.00.G12-240101-0001", "liên hệ tổng đài 1022", "gọi 1900 1022 để được hướng dẫn"])),
    (("ma_an_danh", "hash"), lambda d, w: f"{d.randrange(16**16):016x}"),
    (("dien_tich", "Diện tích (dt)"), lambda d, w: f"{d.uniform(20, 900):.1f}"),
    (("open_dt", "closed_dt"), lambda d, w: f"2025-{d.randrange(1, 13):02d}-{d.randrange(1, 29):02d} {d.randrange(24):02d}:{d.randrange(60):02d}:{d.randrange(60):02d}"),
    (("chu_quan", "chu_dau_tu"), lambda d, w: d.choice(w.offices)),
    (("loai_cay", "Tên cây"), lambda d, w: d.choice(["Mai vàng", "Đào phai", "Cao su", "Hồ tiêu", "Kim giao", "Lim xanh", "Bàng Đài Loan", "Lộc vừng"])),
    (("dan_toc", "Dân tộc"), lambda d, w: d.choice(["Kinh", "Tày", "Thái", "Mường", "Khơ Me", "Hoa", "Nùng"])),
    (("le_hoi", "Di tích"), lambda d, w: d.choice(["Đình Bình Hòa", "Chùa Giác Lâm", "Lăng Lê Văn Duyệt", "Đền Trần Hưng Đạo", "Nhà thờ Đức Bà"])),
]  # fmt: skip
