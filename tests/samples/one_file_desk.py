"""A folder with a file, its policy and a hierarchy, as `phusa anonymise` gets them, and the command itself."""

from __future__ import annotations

import csv
import random
from pathlib import Path
from typing import Any

import click
import yaml

from publisher.cli import SETTINGS, anonymise
from publisher.one_file.anonymise import anonymise_file
from publisher.settings import PublisherSettings

HEADER = ["id", "marital-status", "Tuổi", "sex", "benh"]


def desk_rows(number: int = 400, seed: int = 1) -> list[list[str]]:
    """Return people, the same for the same seed."""
    draw = random.Random(seed)
    return [
        [
            f"REC{place:06d}",
            draw.choice(["Married", "Divorced", "Never married"]),
            str(draw.randint(18, 90)),
            draw.choice(["Male", "Female", ""]),
            draw.choice(["A", "B", "C"]),
        ]
        for place in range(number)
    ]


def desk_policy(**microdata: Any) -> dict[str, Any]:
    """Return a policy for them; what is given goes into its `microdata`."""
    marital = {"Married": ["spouse", "*"], "Divorced": ["no spouse", "*"], "Never married": ["no spouse", "*"]}
    return {
        "subject": "person",
        "fields": {
            "id": {"action": "drop"},
            "marital-status": {"action": "generalise", "hierarchy": marital, "role": "quasi"},
            "Tuổi": {"action": "generalise", "hierarchy": {"file": "age.csv", "delimiter": ";"}, "role": "quasi"},
            "sex": {"action": "keep", "role": "quasi"},
            "benh": {"action": "keep", "role": "sensitive"},
        },
        "microdata": {"k": 5, "suppression_limit": 0.05, **microdata},
    }


class Desk:
    """A folder with a file, a policy and a hierarchy in the manner of ARX: semicolons, no header."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        ages = [f"{age};{age // 10 * 10}-{age // 10 * 10 + 9};{age // 50 * 50}+;*" for age in range(1, 101)]
        (folder / "age.csv").write_text("\n".join(ages) + "\n", encoding="utf-8")

    def source(self, rows: list[list[str]], *, name: str = "in.csv", sign: str = ",") -> Path:
        """Write rows to a file under the header."""
        path = self.folder / name
        with path.open("w", encoding="utf-8", newline="") as file:
            csv.writer(file, delimiter=sign).writerows([HEADER, *rows])
        return path

    def policy(self, policy: Any) -> Path:
        """Write a policy."""
        path = self.folder / "policy.yaml"
        text = policy if isinstance(policy, str) else yaml.safe_dump(policy, allow_unicode=True)
        path.write_text(text, encoding="utf-8")
        return path

    def run(self, source: Path, policy: Any, name: str = "out.csv") -> tuple[Path, dict[str, Any]]:
        """Anonymise a file; return the output and its report."""
        done = anonymise_file(source, self.policy(policy), self.folder / name)
        return self.folder / name, done.report


def read_csv(path: Path, sign: str = ",") -> list[dict[str, str]]:
    """Return the rows of a CSV file."""
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file, delimiter=sign))


def phusa_with_settings(desk: Desk) -> click.Group:
    """Return the command with a home in the folder."""

    @click.group()
    @click.pass_context
    def phusa(context: click.Context) -> None:
        context.meta[SETTINGS] = lambda: PublisherSettings(home=desk.folder / "home")

    phusa.add_command(anonymise)
    return phusa
