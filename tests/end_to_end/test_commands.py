"""The command line as people and scripts use it: exit codes, one-line errors, a demo that checks itself."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from reliability.small_city import write_definition, write_drop
from servers.portal import running_portal

PHUSA = Path(sys.executable).parent / "phusa"


def phusa(*arguments: object, cwd: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    clean = {name: value for name, value in os.environ.items() if not name.startswith("PHUSA_")}
    command = [str(PHUSA), *map(str, arguments)]
    return subprocess.run(command, cwd=cwd, env={**clean, **environment}, capture_output=True, text=True, timeout=280)


@pytest.mark.slow
def test_the_demo_fills_a_portal_and_finds_nothing_wrong(tmp_path: Path) -> None:
    answer = phusa("demo", "--once", "--scale", "0.05", "--port", "0", "--home", tmp_path / "home", cwd=tmp_path)
    assert answer.returncode == 0, answer.stdout + answer.stderr
    assert answer.stdout.count("published") == 6
    assert "Everything answers as it should." in answer.stdout


@pytest.mark.slow
def test_exit_codes_tell_data_definition_and_environment_apart(tmp_path: Path) -> None:
    drops, definitions = tmp_path / "drops", write_definition(tmp_path / "datasets")
    write_drop(drops)
    with running_portal(tmp_path / "home", definitions, environment={"DROPS": str(drops)}) as portal:
        settings = {"PHUSA_HOME": str(tmp_path / "home"), "PHUSA_SITE_URL": portal.url}
        release = ("release", "thu-nghiem", "--definitions", definitions)
        assert phusa(*release, cwd=tmp_path, **settings, DROPS=str(drops)).returncode == 0
        assert phusa(*release, cwd=tmp_path, **settings).returncode == 2, (
            "a secret that is not set is a wrong definition"
        )
        (drops / "drop.csv").write_text("ma,tram,gia_tri\n")
        assert phusa(*release, cwd=tmp_path, **settings, DROPS=str(drops)).returncode == 1
        write_drop(drops, rows=101)
        away = {**settings, "PHUSA_PUBLISHER__CATALOGUE_URL": "http://127.0.0.1:9"}
        assert phusa(*release, cwd=tmp_path, **away, DROPS=str(drops)).returncode == 3
        assert phusa(*release, cwd=tmp_path, **settings, DROPS=str(drops)).returncode == 0
        first = portal.facilities.store.releases("thu-nghiem")[-1].release
        back = phusa("rollback", "thu-nghiem", first, "--reason", "a wrong number", cwd=tmp_path,
                     **settings, PHUSA_PUBLISHER__DEFINITIONS=str(definitions))  # fmt: skip
        assert back.returncode == 0, back.stderr
        assert "until it is resumed" in back.stdout
        assert portal.facilities.store.current("thu-nghiem").release == first


@pytest.mark.slow
def test_verify_needs_no_settings_and_leaves_nothing_behind(tmp_path: Path) -> None:
    (tmp_path / "phusa.toml").write_text("this is not TOML")
    (tmp_path / "release").mkdir()
    answer = phusa("verify", tmp_path / "release", cwd=tmp_path)
    assert answer.returncode == 1
    assert "manifest.json" in answer.stderr
    assert sorted(path.name for path in tmp_path.iterdir()) == ["phusa.toml", "release"]


@pytest.mark.slow
def test_a_broken_settings_file_is_told_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "phusa.toml").write_text("this is not TOML")
    answer = phusa("dataset", "list", cwd=tmp_path)
    assert (answer.returncode, len(answer.stderr.splitlines())) == (2, 1), answer.stderr
    assert "Cure" in answer.stderr


@pytest.mark.slow
def test_an_unknown_setting_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "phusa.toml").write_text("[storage]\nbucket = 'x'\n")
    answer = phusa("dataset", "list", cwd=tmp_path)
    assert answer.returncode == 2
    assert "storage.bucket" in answer.stderr


@pytest.mark.slow
def test_the_definitions_of_the_city_are_good(root: Path) -> None:
    answer = phusa("dataset", "check", cwd=root)
    assert answer.returncode == 0, answer.stderr
    assert answer.stdout.count(": good") == 6


@pytest.mark.slow
def test_a_mistake_in_a_definition_names_file_and_line(tmp_path: Path) -> None:
    write_definition(tmp_path / "datasets", release=", kadence: daily")
    answer = phusa("dataset", "check", cwd=tmp_path)
    assert answer.returncode == 2
    assert "dataset.yaml:" in answer.stderr
    assert "kadence: unknown key" in answer.stderr
