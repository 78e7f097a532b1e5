"""One served catalogue for all tests of the contract; they make datasets of their own in it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from samples.api_over_http import CITY, Api
from samples.served_catalogue import catalogue_on, served


@pytest.fixture(scope="session")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    with catalogue_on(tmp_path_factory.mktemp("contract")) as portal, served(portal):
        api = Api(portal)
        api("organization_create", {"name": CITY, "title": "Sở Giao thông"}, user="boss")
        for name, role in (("lan", "editor"), ("an", "member")):
            api("organization_member_create", {"id": CITY, "username": name, "role": role}, user="boss")
        api("organization_create", {"name": "so-yt"}, user="boss")
        api("group_create", {"name": "transport", "title": "Giao thông"}, user="boss")
        yield api
