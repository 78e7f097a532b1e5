"""The style sheet keeps its promises: contrast in both modes, few bytes, nothing from elsewhere."""

from __future__ import annotations

import gzip
import re
from pathlib import Path

import pytest

import cityportal

STATIC = Path(cityportal.__file__).parent / "static"
CSS = (STATIC / "site.css").read_text(encoding="utf-8")
TEXT = ("ink", "ink-2", "ink-3", "silt", "silt-deep", "ok", "late", "stop")


def _colours(mode):
    roots = re.findall(r":root \{(.*?)\}", CSS, re.DOTALL)
    found = dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6})", roots[0]))
    return found | (dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6})", roots[1])) if mode == "dark" else {})


def _luminance(colour):
    parts = [int(colour[n : n + 2], 16) / 255 for n in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def _contrast(one, other):
    light, dark = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("mode", ["light", "dark"])
@pytest.mark.parametrize("ground", ["paper", "surface", "silt-wash"])
@pytest.mark.parametrize("text", TEXT)
def test_text_has_enough_contrast_on_every_ground(mode, ground, text):
    colours = _colours(mode)
    assert _contrast(colours[text], colours[ground]) >= 4.5


@pytest.mark.parametrize("mode", ["light", "dark"])
def test_borders_of_fields_and_the_focus_ring_can_be_seen(mode):
    colours = _colours(mode)
    for ground in ("paper", "surface"):
        assert _contrast(colours["edge"], colours[ground]) >= 3
        assert _contrast(colours["focus"], colours[ground]) >= 3


def test_every_rule_of_the_style_sheet_is_closed():
    assert CSS.count("{") == CSS.count("}")


def test_style_and_script_stay_small():
    sizes = {path.name: len(gzip.compress(path.read_bytes())) for path in STATIC.glob("*.*")}
    assert sizes["site.css"] < 8_000
    assert sizes["copy.js"] < 1_000


def test_nothing_comes_from_elsewhere():
    for path in STATIC.glob("*.*"):
        text = path.read_text(encoding="utf-8").replace("http://www.w3.org/2000/svg", "")
        assert "//" not in re.sub(r"^//.*$|/\*.*?\*/", "", text, flags=re.MULTILINE)


def test_motion_only_for_those_who_want_it_and_paper_without_navigation():
    assert "prefers-reduced-motion: no-preference" in CSS
    assert "@media print" in CSS
