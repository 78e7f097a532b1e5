"""Runs every benchmark of this folder, one after the other; each prints its own figures and the ratio to its peer."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path


def main() -> int:
    failed = 0
    for script in sorted(Path(__file__).parent.glob("*.py")):
        if script.name != Path(__file__).name and not script.stem.endswith("_data"):
            print(f"== {script.stem}", flush=True)
            failed |= subprocess.run([sys.executable, str(script)], check=False).returncode
    return failed


if __name__ == "__main__":
    sys.exit(main())
