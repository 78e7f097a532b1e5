"""The version of a dataset's contract: MAJOR.MINOR.PATCH, computed from its difference to the release that is public.

A person may raise it with `version` in the definition, never lower it. A version names one contract for ever: what was released
under it once is not released under it with another contract, also not after a roll-back.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from publisher.errors import DescriptorError
from publisher.versions.contract import Contract
from publisher.versions.difference import Difference, differences, gravest

Numbers = tuple[int, int, int]


@dataclass(frozen=True)
class EarlierVersion:
    """An earlier release's version, what its definition stated, and its contract (empty: it was not kept)."""

    version: str
    stated: str
    contract: Contract


@dataclass(frozen=True)
class SchemaVersion:
    """The version of a new release; `since` is empty for the first release, `level` null when the contract is the same."""

    version: str
    since: str = ""
    level: str | None = None
    differences: tuple[Difference, ...] = ()

    @property
    def lets_less_out(self) -> bool:
        """Tell whether the policy lets less out than it did, so that nothing earlier may be repeated."""
        kinds = {"less_precise", "suppresses_more", "field_removed", "field_renamed", "table_removed", "grain_changed"}
        return any(one.kind in kinds for one in self.differences)


def numbers_of(version: str) -> Numbers:
    """Return the three numbers of a version."""
    major, minor, patch = (int(part) for part in version.split("."))
    return major, minor, patch


def major_of(version: str) -> int:
    """Return the first number of a version."""
    return numbers_of(version)[0]


def raised(version: str, level: str) -> str:
    """Return the next version of a level: `1.4.2` becomes `2.0.0`, `1.5.0` or `1.4.3`."""
    major, minor, patch = numbers_of(version)
    next_one = {"major": (major + 1, 0, 0), "minor": (major, minor + 1, 0), "patch": (major, minor, patch + 1)}
    return ".".join(map(str, next_one[level]))


def next_version(
    contract: Contract, *, stated: str, current: EarlierVersion | None, used: Sequence[EarlierVersion], dataset: str
) -> SchemaVersion:
    """Return the version of a release with this contract.

    Args:
        contract: of the new release.
        stated: `version` in the definition: a floor, and a raise where it differs from what it was.
        current: the release that is public; null for the first release.
        used: every release that was ever made.
        dataset: its name, for errors.

    Raises:
        DescriptorError: the definition states a lower version than the change needs, or one that stands for another contract.
    """
    if current is None or not current.version:
        return SchemaVersion(stated)
    found = tuple(differences(current.contract, contract)) if current.contract else ()
    level = gravest(found)
    version = _computed(contract, current=current, level=level, used=used)
    if stated != current.stated:
        if numbers_of(stated) < numbers_of(version):
            raise _too_low(stated, version, found, dataset=dataset)
        taken = {one.version for one in used if one.contract and one.contract != contract}
        if stated != version and stated in taken:
            message = f"The definition states version {stated}, under which another contract was released before."
            raise DescriptorError(message, dataset=dataset, cure="state a higher version in `version`")
        version = stated
    return SchemaVersion(version, current.version, level, found)


def _computed(contract: Contract, *, current: EarlierVersion, level: str | None, used: Sequence[EarlierVersion]) -> str:
    if level is None:
        return current.version
    # After a roll-back the contract that was taken back may come again: then it has its version, if that is a later one.
    same = [one.version for one in used if one.contract == contract and one.version]
    if same and numbers_of(newest := max(same, key=numbers_of)) > numbers_of(current.version):
        return newest
    version, taken = raised(current.version, level), {one.version for one in used}
    while version in taken:
        version = raised(version, level)
    return version


def _too_low(stated: str, needed: str, found: Sequence[Difference], *, dataset: str) -> DescriptorError:
    why = "; ".join(" ".join(filter(None, (one.kind.replace("_", " "), one.table, one.field))) for one in found[:5])
    message = (
        f"The definition states version {stated}, but the release needs {needed} at least ({why or 'its present one'})."
    )
    cure = f"leave `version` as it was, or raise it to {needed} or higher; a version is never lowered"
    return DescriptorError(message, dataset=dataset, cure=cure)
