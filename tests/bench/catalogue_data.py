"""Synthetic catalogues of any size, written straight into the database: input of the benchmarks, not of the tests.

Usage: catalogue_data.py HOME COUNT
The same count gives the same catalogue. Words are Vietnamese and English; tags, formats and organizations follow Zipf's law.
"""

from __future__ import annotations

import random
import sys
import time
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import accumulate
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, insert

from catalogue.folding import folded
from catalogue.model import ChangeLog, Group, Package, Resource, Tag, package_groups, package_tags
from catalogue.settings import CatalogueSettings
from catalogue.store import Store, open_store

START = datetime(2019, 1, 1, tzinfo=UTC).replace(tzinfo=None)
SPACE = uuid.UUID("0f9b1b52-5a0c-5d6e-8a53-3a2a4f7e5c11")
BATCH = 5000
THINGS = """
danh sách|bản đồ|thống kê|hồ sơ|giấy phép|kế hoạch|quy hoạch|dự án|công trình|tuyến đường|trạm xe buýt|bến xe|trường học|
bệnh viện|phòng khám|nhà thuốc|chợ|siêu thị|doanh nghiệp|hộ kinh doanh|giá đất|nhà ở xã hội|chung cư|công viên|cây xanh|
chiếu sáng|cấp nước|thoát nước|ngập nước|rác thải|chất lượng không khí|chất lượng nước|quan trắc|tiếng ồn|mưa|triều cường|
tai nạn giao thông|camera giao thông|đèn tín hiệu|bãi đỗ xe|xe đạp công cộng|metro|đường thủy|cầu|hầm|vỉa hè|dân số|hộ nghèo|
lao động|việc làm|bảo hiểm xã hội|trẻ em|người cao tuổi|tiêm chủng|dịch bệnh|an toàn thực phẩm|thủ tục hành chính|phản ánh|
ngân sách|đầu tư công|thu thuế|đấu thầu|tài sản công|di tích|bảo tàng|thư viện|lễ hội|khách sạn|lữ hành|đất nông nghiệp|
chăn nuôi|thủy sản|rừng|phòng cháy chữa cháy|an ninh trật tự|căn cước|bus stops|air quality|budget|schools|land prices|permits
"""
QUALITIES = """
theo phường|theo quận|theo tháng|theo năm|theo quý|trên địa bàn thành phố|tại các khu công nghiệp|được cấp phép|đang hoạt động|
đã hoàn thành|chưa xử lý|giai đoạn 2021-2025|năm 2023|năm 2024|năm 2025|năm 2026|cập nhật hằng ngày|thời gian thực|trực tuyến|
khu vực trung tâm|vùng ven|thí điểm|tổng hợp|chi tiết|ngoài công lập|công lập|quản lý|khai thác|bảo trì|nâng cấp|mở rộng|
by ward|monthly|open data|survey|register
"""
SENTENCES = """
Dữ liệu do đơn vị quản lý cung cấp và được cập nhật định kỳ.|Mỗi dòng là một đối tượng, kèm vị trí và trạng thái.|
Số liệu dùng cho nghiên cứu, quy hoạch và phát triển dịch vụ.|Các trường định danh cá nhân đã được loại bỏ trước khi công bố.|
Nguồn: cơ sở dữ liệu chuyên ngành của thành phố.|Tọa độ theo hệ VN-2000, đã chuyển sang WGS 84.|
The dataset is released under an open licence and refreshed on a schedule.|Xem thêm từ điển dữ liệu đi kèm bản phát hành.|
Thông tin được đối chiếu với báo cáo của Cục Thống kê.|Đơn vị hành chính theo mô hình hai cấp từ ngày 1 tháng 7 năm 2025.
"""
AGENCIES = """
Sở Xây dựng|Sở Tài chính|Sở Y tế|Sở Giáo dục và Đào tạo|Sở Nông nghiệp và Môi trường|Sở Khoa học và Công nghệ|Sở Nội vụ|
Sở Công Thương|Sở Tư pháp|Sở Du lịch|Sở Văn hóa và Thể thao|Sở An toàn thực phẩm|Sở Quy hoạch Kiến trúc|Công an thành phố|
Văn phòng Ủy ban nhân dân|Thanh tra thành phố|Trung tâm Chuyển đổi số|Ban Quản lý Đường sắt đô thị|Cục Thống kê|Kho bạc Nhà nước
"""
FORMATS = ["CSV", "XLSX", "JSON", "Parquet", "GeoJSON", "PDF", "SHP", "XML", "KML", "API", "ZIP", "WMS"]
LICENCES = ["cc-by", "odc-by", "cc-zero", "odc-odbl", "notspecified", "cc-by-sa"]
FREQUENCIES = ["daily", "weekly", "monthly", "quarterly", "yearly", "irregular"]
THEMES = [
    "giao-thong",
    "moi-truong",
    "y-te",
    "giao-duc",
    "kinh-te",
    "dat-dai",
    "van-hoa",
    "an-sinh",
    "hanh-chinh",
    "du-lich",
]


def listed(text: str) -> list[str]:
    return [part.strip() for part in text.replace("\n", "").split("|") if part.strip()]


class Zipf:
    """Picks from a list, early entries far more often than late ones."""

    def __init__(self, values: list[Any], exponent: float = 1.0) -> None:
        self.values = values
        self.weights = list(accumulate(1 / (n + 1) ** exponent for n in range(len(values))))

    def pick(self, chance: random.Random) -> Any:
        return chance.choices(self.values, cum_weights=self.weights)[0]


class SyntheticCatalogue:
    """The rows of a catalogue of `count` datasets, in batches."""

    def __init__(self, count: int) -> None:
        self.count = count
        self.chance = random.Random(count)
        self.things, self.qualities = Zipf(listed(THINGS), 0.5), Zipf(listed(QUALITIES), 0.3)
        self.sentences = listed(SENTENCES)
        self.organizations = Zipf(self.groups("org", self.organization_titles(), is_organization=True), 0.7)
        self.themes = Zipf(self.groups("theme", THEMES, is_organization=False))
        self.tags = Zipf(self.tag_rows(min(5000, max(50, count // 50))))
        self.formats, self.licences = Zipf(FORMATS), Zipf(LICENCES, 1.5)

    def organization_titles(self) -> list[str]:
        places = ["Thành phố Hồ Chí Minh", "thành phố Huế", "vùng Thủ Đức"]
        titles = [f"{agency} {place}" for place in places for agency in listed(AGENCIES)]
        return titles[: 20 if self.count < 10_000 else 60]

    def groups(self, kind: str, titles: list[str], *, is_organization: bool) -> list[dict[str, Any]]:
        return [
            {
                "id": str(uuid.uuid5(SPACE, f"{kind}:{title}")),
                "name": folded(title).replace(" ", "-"),
                "title": title,
                "description": "",
                "image_url": "",
                "is_organization": is_organization,
                "type": "organization" if is_organization else "group",
                "state": "active",
                "approval_status": "approved",
                "created": START,
                "extras": {},
            }
            for title in titles
        ]

    def tag_rows(self, count: int) -> list[dict[str, Any]]:
        words = [*listed(THINGS), *listed(QUALITIES)]
        names = [*words, *(f"{words[n % len(words)]} {n}" for n in range(count))][:count]
        return [{"id": str(uuid.uuid5(SPACE, f"tag:{name}")), "name": name, "vocabulary_id": None} for name in names]

    def batches(self) -> Iterator[dict[Any, list[dict[str, Any]]]]:
        """Yield the rows of some datasets by table."""
        for first in range(0, self.count, BATCH):
            rows: dict[Any, list[dict[str, Any]]] = {}
            for number in range(first, min(first + BATCH, self.count)):
                self.add_dataset(rows, number)
            yield rows

    def add_dataset(self, rows: dict[Any, list[dict[str, Any]]], number: int) -> None:
        chance = self.chance
        package_id = str(uuid.uuid5(SPACE, f"package:{self.count}:{number}"))
        thing, other = self.things.pick(chance), self.things.pick(chance)
        title = f"{thing} {other if chance.random() < 0.4 else ''} {self.qualities.pick(chance)}".replace("  ", " ")
        created = START + timedelta(seconds=chance.randrange(7 * 365 * 86_400), microseconds=chance.randrange(10**6))
        modified = created + timedelta(days=chance.randrange(400))
        fate = chance.random()
        package = {
            "id": package_id,
            "name": f"{folded(thing).replace(' ', '-')}-{number}",
            "title": title[:1].upper() + title[1:],
            "notes": " ".join(chance.sample(self.sentences, chance.randint(1, 4))) + f" {thing}, {other}.",
            "license_id": self.licences.pick(chance),
            "type": "dataset",
            "state": "draft" if fate < 0.01 else "deleted" if fate < 0.02 else "active",
            "private": 0.02 <= fate < 0.05,
            "owner_org": self.organizations.pick(chance)["id"],
            "metadata_created": created,
            "metadata_modified": modified,
            "extras": {"frequency": chance.choice(FREQUENCIES), "language": chance.choice(["vi", "en"])},
        }
        rows.setdefault(Package, []).append(package)
        rows.setdefault(Resource, []).extend(self.resources(package, chance.choice([1, 1, 2, 2, 3, 4])))
        tags = {self.tags.pick(chance)["id"] for _ in range(chance.randint(1, 5))}
        rows.setdefault(package_tags, []).extend({"package_id": package_id, "tag_id": tag} for tag in sorted(tags))
        theme = {"package_id": package_id, "group_id": self.themes.pick(chance)["id"]}
        rows.setdefault(package_groups, []).append(theme)
        rows.setdefault(ChangeLog, []).append({"package_id": package_id, "at": modified})

    def resources(self, package: dict[str, Any], count: int) -> Iterator[dict[str, Any]]:
        for position in range(count):
            form = self.formats.pick(self.chance)
            yield {
                "id": str(uuid.uuid5(SPACE, f"{package['id']}:{position}")),
                "package_id": package["id"],
                "position": position,
                "name": f"{package['title']} ({form})",
                "description": self.sentences[position],
                "url": f"https://files.example.vn/{package['name']}/{position}.{form.lower()}",
                "format": form,
                "size": self.chance.randrange(10**7),
                "hash": "",
                "created": package["metadata_created"],
                "metadata_modified": package["metadata_modified"],
                "state": "active",
                "datastore_active": False,
                "extras": {},
            }


def fill(store: Store, count: int) -> None:
    """Write a catalogue of this size into an empty database."""
    catalogue = SyntheticCatalogue(count)
    with store.engine.execution_options(immediate=True).begin() as connection:
        write(connection, {Group: catalogue.organizations.values + catalogue.themes.values, Tag: catalogue.tags.values})
    for rows in catalogue.batches():
        with store.engine.execution_options(immediate=True).begin() as connection:
            write(connection, rows)


def write(connection: Connection, rows: dict[Any, list[dict[str, Any]]]) -> None:
    for table, values in rows.items():
        connection.execute(insert(table), values)


def main() -> None:
    home, count = Path(sys.argv[1]), int(sys.argv[2])
    store = open_store(CatalogueSettings(home=home))
    began = time.perf_counter()
    fill(store, count)
    store.close()
    print(f"{count} datasets written in {time.perf_counter() - began:.1f} s")


if __name__ == "__main__":
    sys.path[:0] = [str(Path(__file__).resolve().parents[2])]
    main()
