"""What must hold between the releases of one dataset, all of which stay public."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from publisher.policy.strict import Strict


class Releases(Strict):
    """How a release is compared with those before it.

    `cumulative`: rows only come, and each release holds all of them. `snapshot`: each release holds what is true on its day.
    `append_only`: each release holds new rows beside the earlier ones, which do not change.
    """

    compare_with: Literal["all_published"] = "all_published"
    mode: Literal["cumulative", "snapshot", "append_only"] = "snapshot"
    min_batch: int | None = Field(
        None, ge=1, description="While fewer units than this changed since the newest release, the run is held."
    )
    same_suppression: bool = Field(
        True,
        description="A cell once hidden stays hidden in later releases, until the period that its groups name is over.",
    )
