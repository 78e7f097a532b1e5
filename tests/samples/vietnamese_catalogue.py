"""A catalogue of two cities with realistic Vietnamese titles: the sample file, and the city's own definitions."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import yaml
from samples.portal_on_disk import SamplePortal, open_portal

from catalogue.folding import folded
from catalogue.search.spelling import words_of

HERE = Path(__file__).parent
DEFINITIONS = HERE.parents[1] / "datasets"


@dataclass(frozen=True)
class Query:
    """What someone types, and the titles of which one is expected first."""

    kind: str
    text: str
    expected: tuple[str, ...]


def queries() -> Iterator[Query]:
    """Yield the realistic queries."""
    for kind, pairs in yaml.safe_load((HERE / "vietnamese_queries.yaml").read_text()).items():
        for text, expected in pairs:
            yield Query(kind, str(text), tuple(title.strip() for title in expected.split(" | ")))


def vietnamese_portal(home: Path) -> SamplePortal:
    """Return a catalogue with all datasets of the samples and of the city's definitions."""
    portal = open_portal(home)
    told = yaml.safe_load((HERE / "vietnamese_catalogue.yaml").read_text())
    for organization, content in told.items():
        portal.add_group(organization, content["title"])
        for number, line in enumerate(content["datasets"]):
            title, tags, notes = line.split(" | ")
            name = f"{'-'.join(words_of(folded(title)))}-{organization}-{number}"[:100]
            portal.add_dataset(name, title=title, organization=organization, tags=tags.split(", "), notes=notes)
    for path in sorted(DEFINITIONS.glob("*/*/dataset.yaml")):
        definition = yaml.safe_load(path.read_text())
        owner = path.parent.parent.name
        if owner not in told:
            described = yaml.safe_load((path.parent.parent / "organization.yaml").read_text())
            portal.add_group(owner, described["title"])
            told[owner] = described
        notes = f"{definition['description']} {definition.get('title_translated', {}).get('en', '')}"
        tags = [tag.strip() for tag in definition["keywords"]]
        portal.add_dataset(
            f"city-{definition['name']}", title=definition["title"], organization=owner, tags=tags, notes=notes
        )
    return portal
