"""Rows that an organization pushed into the catalogue, read by the publisher as docs/pushed-rows.md shows it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from samples.served_catalogue import ServedCatalogue, catalogue_on, served
from samples.source_reader import Read

from publisher.definition import TableDefinition, load_dataset
from publisher.errors import SourceError

PAGE = Path(__file__).parents[3] / "docs" / "pushed-rows.md"


@pytest.fixture
def documented(tmp_path: Path) -> TableDefinition:
    """Return the table of the worked definition."""
    written = re.search(r"```yaml\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    assert written is not None
    folder = tmp_path / "so-xay-dung" / "cay-xanh"
    folder.mkdir(parents=True)
    (folder.parent / "organization.yaml").write_text("name: so-xay-dung\ntitle: Sở Xây dựng\n", encoding="utf-8")
    (folder / "dataset.yaml").write_text(written.group(1), encoding="utf-8")
    return load_dataset(folder / "dataset.yaml").resources[0]


@pytest.fixture(scope="module")
def pushed(tmp_path_factory: pytest.TempPathFactory):
    """Return a catalogue behind HTTP with 8,000 pushed rows that nobody has released, and the token of a member."""
    with catalogue_on(tmp_path_factory.mktemp("pushed") / "portal") as portal, served(portal):
        token = portal.add_user("lan")
        portal.add_user("boss", sysadmin=True)
        portal.call("organization_create", {"name": "so-xay-dung"}, user="boss")
        role = {"id": "so-xay-dung", "username": "lan", "role": "editor"}
        portal.call("organization_member_create", role, user="boss")
        portal.call("package_create", {"name": "cay-xanh-day", "owner_org": "so-xay-dung"}, user="lan")
        fields = [{"id": "ma_cay"}, {"id": "loai"}, {"id": "duong_kinh", "type": "numeric"}]
        records = [{"ma_cay": f"C-{n:05}", "loai": "Sao đen", "duong_kinh": n / 4} for n in range(8_000)]
        made = {
            "resource": {"package_id": "cay-xanh-day"},
            "fields": fields,
            "records": records,
            "aliases": "cay-xanh-day",
        }
        portal.call("datastore_create", {**made, "primary_key": "ma_cay"}, user="lan")
        yield portal, token


def secrets(portal: ServedCatalogue, token: str) -> dict[str, str]:
    address = f"{portal.url}/api/3/action/datastore_search"
    return {"PORTAL_DATASTORE_URL": address, "PORTAL_PUSH_TOKEN": token}


@pytest.mark.slow
def test_the_publisher_reads_pushed_rows_with_a_token(documented: TableDefinition, pushed, read: Read) -> None:
    portal, token = pushed
    source = documented.source.model_dump()
    rows = read(source, *documented.schema_.fields, secrets=secrets(portal, token))
    assert rows.names == ["ma_cay", "loai", "duong_kinh"]
    assert rows.expected == len(rows) == 8_000
    assert rows[7_999] == {"ma_cay": "C-07999", "loai": "Sao đen", "duong_kinh": "1999.75"}


@pytest.mark.slow
def test_without_a_members_token_it_reads_nothing(documented: TableDefinition, pushed, read: Read) -> None:
    portal, _ = pushed
    with pytest.raises(SourceError, match="404"):
        read(documented.source.model_dump(), *documented.schema_.fields, secrets=secrets(portal, "nobody"))
