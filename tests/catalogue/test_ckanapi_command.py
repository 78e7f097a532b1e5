"""What the command line of ckanapi must be able to do: a portal dumped, loaded again, and cleaned."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

PROGRAMS = Path(sys.executable).parent


@pytest.fixture
def command(live, boss, tmp_path):
    def run(*words: str) -> str:
        environment = {
            **os.environ,
            "PATH": f"{PROGRAMS}{os.pathsep}{os.environ['PATH']}",
        }  # its workers call themselves
        arguments = ["ckanapi", *words, "-r", live.url]
        arguments += ["-a", boss] if words[0] in {"load", "delete"} else []
        result = subprocess.run(arguments, capture_output=True, text=True, cwd=tmp_path, env=environment, timeout=60)
        assert result.returncode == 0, result.stderr
        return result.stdout

    return run


@pytest.mark.slow
def test_a_portal_is_dumped_and_loaded_again(live, boss, command, tmp_path):
    live.call("organization_create", {"name": "so-yt", "title": "Sở Y tế"}, user="boss")
    for name in ("clinics", "pharmacies"):
        params = {
            "name": name,
            "owner_org": "so-yt",
            "tag_string": "y tế",
            "resources": [{"url": "http://x.example/a.csv"}],
        }
        live.call("package_create", params, user="boss")
    before = live.call("package_show", {"id": "clinics"})
    command("dump", "datasets", "--all", "-O", "datasets.jsonl", "-p", "1")
    command("dump", "organizations", "--all", "-O", "organizations.jsonl", "-p", "1")
    assert json.loads((tmp_path / "datasets.jsonl").read_text().splitlines()[0]) == before
    command("load", "organizations", "-I", "organizations.jsonl", "-p", "1")
    command("load", "datasets", "-I", "datasets.jsonl", "-p", "1")
    assert live.call("package_show", {"id": "clinics"}) == before
    live.call("dataset_purge", {"id": "clinics"}, user="boss")
    command("load", "datasets", "-I", "datasets.jsonl", "-p", "1")
    assert live.call("package_show", {"id": "clinics"})["id"] == before["id"]
    command("delete", "datasets", "clinics")
    assert live.call("package_list") == ["pharmacies"]
    assert '"count": 1' in command("action", "package_search", "q=pharmacies", "rows:0")


@pytest.mark.slow
def test_actions_take_words_json_and_files_and_a_search_pages_through_all(live, boss, command, tmp_path):
    live.call("organization_create", {"name": "so-xd", "title": "Sở Xây dựng"}, user="boss")
    (tmp_path / "permits.csv").write_text("ward,n\nBến Thành,3\n")
    made = command(
        *("action", "package_create", "name=permits", "owner_org=so-xd", "private:false"),
        *('tags:[{"name": "giấy phép"}]', "-j", "-a", boss),
    )
    assert [tag["name"] for tag in json.loads(made)["tags"]] == ["giấy phép"]
    file = ("action", "resource_create", "package_id=permits", "name=2026", "upload@permits.csv", "-j", "-a", boss)
    resource = json.loads(command(*file))
    assert (resource["url_type"], resource["size"], resource["format"]) == ("upload", 22, "CSV")
    command("action", "package_create", "name=permits-hidden", "owner_org=so-xd", "private:true", "-a", boss)
    found = [json.loads(line) for line in command("search", "datasets", "fq=organization:so-xd").splitlines()]
    assert found == [live.call("package_show", {"id": "permits"})]
    all_of_it = command("search", "datasets", "fq=organization:so-xd", "include_private:true", "-a", boss).splitlines()
    assert sorted(json.loads(line)["name"] for line in all_of_it) == ["permits", "permits-hidden"]
    assert json.loads(command("action", "package_show", "-g", "-j", "id=permits"))["id"] == found[0]["id"]
