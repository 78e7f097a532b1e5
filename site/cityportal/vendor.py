"""Copies the typeface that npm fetched into the static files: `python -m cityportal.vendor`; without it pages use system fonts."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

VENDOR = Path(__file__).parent / "static" / "vendor"
WEIGHTS = (400, 500, 600, 700)
SUBSETS = ("vietnamese", "latin")


def copy_fonts(package: Path, target: Path = VENDOR) -> list[Path]:
    """Copy the subsets, weights and licence we use out of the npm package, and return the copies.

    Raises:
        FileNotFoundError: the package is not there, or lacks a file.
    """
    target.mkdir(parents=True, exist_ok=True)
    copies = {
        package / "files" / f"be-vietnam-pro-{subset}-{weight}-normal.woff2": f"be-vietnam-pro-{subset}-{weight}.woff2"
        for subset in SUBSETS
        for weight in WEIGHTS
    }
    copies[package / "LICENSE"] = "be-vietnam-pro-LICENSE.txt"
    return [Path(shutil.copyfile(source, target / name)) for source, name in copies.items()]


def main() -> int:
    """Copy from `node_modules` in the working folder; return 3 when npm has not fetched it yet."""
    package = Path("node_modules/@fontsource/be-vietnam-pro")
    try:
        copies = copy_fonts(package)
    except FileNotFoundError as error:
        sys.stderr.write(f"{error.filename} is missing; run `npm ci` first. The pages work without it.\n")
        return 3
    sys.stdout.write(f"copied {len(copies)} files to {VENDOR}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
