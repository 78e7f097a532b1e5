"""The section `source` of a table: where its rows come from. Secrets are named, never written."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from publisher.sources.files.spec import FileSource
from publisher.sources.rest.spec import RestSource
from publisher.sources.sql.spec import SqlSource

__all__ = ["FileSource", "RestSource", "SourceSpec", "SqlSource"]

SourceSpec = Annotated[SqlSource | RestSource | FileSource, Field(discriminator="kind")]
