"""When an agency's system may be read: load windows in the dataset's time zone."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

from publisher.errors import SourceError


def _utc_now() -> datetime:
    return datetime.now(UTC)


class LoadWindow:
    """The times of day in which a source may be read; without any, always.

    Args:
        times: such as `22:00-05:30`; a window that ends no later than it begins runs over midnight.
        time_zone: IANA name of the zone they are in.
        now: tells the moment, with its zone.
    """

    def __init__(self, times: Sequence[str], time_zone: str, now: Callable[[], datetime] = _utc_now) -> None:
        self._spans = [_span(text) for text in times]
        self._zone = ZoneInfo(time_zone)
        self._zone_name = time_zone
        self._now = now

    def refuse_outside(self) -> None:
        """Go on only inside a window.

        Raises:
            SourceError: names the next window.
        """
        if self.seconds_left() == 0:
            moment = self._now().astimezone(self._zone)
            begin, end = min(self._ahead(moment))
            raise SourceError(
                f"The source may not be read at {moment:%H:%M} ({self._zone_name}).",
                cure=f"run between {begin:%H:%M} and {end:%H:%M} on {begin:%Y-%m-%d}, or have the agency widen `load_window`",
            )

    def seconds_left(self) -> int | None:
        """Return how long the window stays open: 0 when none is, null when it never closes."""
        if not self._spans:
            return None
        moment = self._now().astimezone(self._zone)
        # Windows may touch; then the later end counts. Differences are of instants, for clocks are put forward and back.
        until = moment
        for begin, end in sorted(self._around(moment)):
            if begin <= until < end:
                until = end
        return max(0, round(until.timestamp() - moment.timestamp()))

    def _around(self, moment: datetime) -> list[tuple[datetime, datetime]]:
        return [self._on(moment + timedelta(days=days), *span) for days in (-1, 0, 1) for span in self._spans]

    def _ahead(self, moment: datetime) -> list[tuple[datetime, datetime]]:
        return [window for window in self._around(moment) if window[0] > moment]

    def _on(self, day: datetime, begin: time, end: time) -> tuple[datetime, datetime]:
        first = datetime.combine(day.date(), begin, self._zone)
        last = datetime.combine(day.date() + timedelta(days=end <= begin), end, self._zone)
        return first, last


def _span(text: str) -> tuple[time, time]:
    begin, _, end = text.partition("-")
    return time.fromisoformat(begin), time.fromisoformat("00:00" if end == "24:00" else end)
