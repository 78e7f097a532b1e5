"""Keys that the sections of several kinds of source share."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

Secret = Annotated[
    str, Field(pattern=r"^(env|file):.+", description="Where the secret lies: `env:NAME` or `file:PATH`.")
]

TimesOfDay = Annotated[str, Field(pattern=r"^([01]\d|2[0-3]):[0-5]\d-(([01]\d|2[0-3]):[0-5]\d|24:00)$")]

WINDOW_MEANING = (
    "Times of day, in the dataset's time zone, in which the agency's system may be read, such as `22:00-05:30`; absent: "
    "always. A run outside fails and names the next window; one that is still reading at the end is broken off."
)
