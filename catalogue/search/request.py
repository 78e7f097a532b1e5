"""What is asked of the search index, and what it answers."""

from __future__ import annotations

from dataclasses import dataclass

from catalogue.search.order import SortKey
from catalogue.search.query import MatchAll, Node


@dataclass(frozen=True)
class Visibility:
    """What the caller may find beside active public datasets; stands outside whatever the caller's query says.

    Attributes:
        user_id: Owner of the drafts and deleted datasets that may be found; null for anonymous callers.
        organizations: Ids of organizations whose private datasets may be found.
        packages: Ids of private datasets that may be found by themselves, by a collaborator.
        is_unlimited: Sysadmin: all private, draft and deleted datasets that were asked for.
    """

    user_id: str | None = None
    organizations: tuple[str, ...] = ()
    packages: tuple[str, ...] = ()
    is_unlimited: bool = False
    include_private: bool = False
    include_drafts: bool = False
    include_deleted: bool = False


PUBLIC_ONLY = Visibility()
EVERYTHING = MatchAll()


@dataclass(frozen=True)
class SearchRequest:
    """One question to the index; a facet limit below 0 means all values."""

    query: Node = EVERYTHING
    filters: tuple[Node, ...] = ()
    visibility: Visibility = PUBLIC_ONLY
    sort: tuple[SortKey, ...] = ()
    start: int = 0
    rows: int = 10
    facets: tuple[str, ...] = ()
    facet_limit: int = 50
    facet_mincount: int = 1


@dataclass(frozen=True)
class SearchPage:
    """The answer: how many datasets match, the ids of one page, and counts per value of each facet field."""

    count: int
    ids: list[str]
    facets: dict[str, dict[str, int]]
