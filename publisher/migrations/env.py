"""Alembic's entry: runs on the connection that `Store.upgrade` hands over."""

from alembic import context

from publisher.store import Row

context.configure(
    connection=context.config.attributes["connection"], target_metadata=Row.metadata, render_as_batch=True
)
context.run_migrations()
