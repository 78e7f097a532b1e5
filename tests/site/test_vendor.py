from __future__ import annotations

import json
import re

import pytest

from cityportal import vendor


def test_fonts_and_their_licence_are_copied(tmp_path):
    package = tmp_path / "package"
    (package / "files").mkdir(parents=True)
    (package / "LICENSE").write_text("OFL")
    for subset in vendor.SUBSETS:
        for weight in vendor.WEIGHTS:
            (package / "files" / f"be-vietnam-pro-{subset}-{weight}-normal.woff2").write_bytes(b"wOF2")
    copies = vendor.copy_fonts(package, tmp_path / "vendor")
    assert {copy.name for copy in copies} >= {"be-vietnam-pro-vietnamese-400.woff2", "be-vietnam-pro-LICENSE.txt"}
    assert len(copies) == 9


def test_without_npm_the_command_says_what_to_do(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert vendor.main() == 3
    assert "npm ci" in capsys.readouterr().err


def test_every_font_that_the_style_sheet_names_is_copied():
    css = (vendor.VENDOR.parent / "site.css").read_text(encoding="utf-8")
    named = set(re.findall(r"vendor/(be-vietnam-pro-[\w-]+\.woff2)", css))
    copied = {f"be-vietnam-pro-{subset}-{weight}.woff2" for subset in vendor.SUBSETS for weight in vendor.WEIGHTS}
    assert named
    assert named <= copied


@pytest.mark.parametrize("name", ["package.json", "package-lock.json"])
def test_the_lock_names_no_address_to_download_from(root, name):
    text = (root / name).read_text(encoding="utf-8")
    assert "resolved" not in text
    assert set(re.findall(r"https?://([^/\"]+)", text)) <= {"github.com"}
    json.loads(text)
