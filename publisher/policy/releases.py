"""What must hold between the releases of one dataset, all of which stay public."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from publisher.policy.base import Strict


class Releases(Strict):
    """How a release is compared with those before it.

    `cumulative`: rows only come, and each release holds all of them. `snapshot`: each release holds what is true on its day.
    `append_only`: each release holds new rows beside the earlier ones, which do not change.
    """

    compare_with: Literal["all_published"] = "all_published"
    mode: Literal["cumulative", "snapshot", "append_only"] = "snapshot"
    min_batch: int | None = Field(
        None, ge=1, description="With fewer changed units than this nothing is released until there are more."
    )
    same_suppression: bool = Field(
        True, description="A cell once hidden stays hidden: its pattern is inherited by later releases."
    )
