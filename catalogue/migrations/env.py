"""Runs the migrations on the connection that `store.py` hands over."""

from __future__ import annotations

from alembic import context

from catalogue.model import CatalogueTable

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=CatalogueTable.metadata,
    render_as_batch=True,  # SQLite cannot alter tables in place
)
with context.begin_transaction():
    context.run_migrations()
