"""Puts the definitions and Datasette's configuration of the top level into the wheel, where `phusa` finds them."""

from __future__ import annotations

import shutil
from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py

ROOT = Path(__file__).parent


class BuildWithConfiguration(build_py):
    """Copies them beside the code of `cityportal`, as `cityportal/installed`; an editable install reads the checkout's own."""

    def run(self) -> None:
        """Build the packages, then add the copies."""
        super().run()
        if not self.editable_mode:
            target = Path(self.build_lib) / "cityportal" / "installed"
            shutil.copytree(ROOT / "datasets", target / "datasets", dirs_exist_ok=True)
            shutil.copyfile(ROOT / "datasette.yaml", target / "datasette.yaml")


setup(cmdclass={"build_py": BuildWithConfiguration})
