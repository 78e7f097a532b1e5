"""Whatever the publisher may say of a run has words for people, in both languages."""

from __future__ import annotations

import pytest

from cityportal.languages import LANGUAGES, has_message, translate
from publisher.errors import PublisherError
from publisher.run_log import STEPS
from publisher.runs import TRIGGERS
from publisher.store import RUN_TRANSITIONS


def all_errors(kind: type[PublisherError]) -> set[type[PublisherError]]:
    return {kind}.union(*(all_errors(child) for child in kind.__subclasses__()))


KEYS = [
    *(f"run_states.{state}" for state in RUN_TRANSITIONS),
    *(f"triggers.{trigger}" for trigger in TRIGGERS),
    *(f"steps.{step}.title" for step in STEPS),
    *(f"steps.{step}.done" for step in STEPS),
    *sorted(
        {f"reasons.{error.reason_code}.{part}" for error in all_errors(PublisherError) for part in ("why", "cure")}
    ),
]


@pytest.mark.parametrize("key", KEYS)
def test_what_the_publisher_says_has_words(key: str) -> None:
    assert has_message(key)
    assert all(translate(language, key) for language in LANGUAGES)
