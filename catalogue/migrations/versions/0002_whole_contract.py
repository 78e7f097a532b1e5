"""What the whole of the CKAN contract needs: views, uploads, pushed rows, vocabularies, collaborators, follows, successions."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the tables and add the columns; no table is built anew, others refer to them."""
    _create_config_options()
    _create_browser_sessions()
    _create_vocabularies()
    _create_follows()
    _create_group_successions()
    _create_collaborators()
    _create_package_relationships()
    _create_shown_packages()
    op.create_index("ix_change_log_package_id", "change_log", ["package_id"])
    op.create_index("ix_packages_state_private_name", "packages", ["state", "private", "name"])
    op.create_index("ix_packages_owner_org_state_private", "packages", ["owner_org", "state", "private"])
    _create_pushed_tables()
    _create_resource_views()
    _create_uploads()
    _add_columns()


def downgrade() -> None:
    """Drop them with all they hold."""
    op.drop_index("ix_users_reset_sha256", "users")
    op.drop_index("ix_users_oidc_issuer_oidc_subject", "users")
    op.drop_column("users", "reset_until")
    op.drop_column("users", "reset_sha256")
    op.drop_column("users", "oidc_subject")
    op.drop_column("users", "oidc_issuer")

    op.drop_column("groups", "valid_to")
    op.drop_column("groups", "valid_from")

    op.drop_column("api_tokens", "scope")
    op.drop_column("activities", "hidden")

    op.drop_index("ix_browser_sessions_ends_at", "browser_sessions")
    op.drop_index("ix_browser_sessions_user_id", "browser_sessions")

    op.drop_table("browser_sessions")

    op.drop_index("ix_uploads_resource_id", "uploads")
    op.drop_index("ix_uploads_group_id", "uploads")

    op.drop_table("uploads")
    op.drop_index("ix_resource_views_resource_id", "resource_views")

    op.drop_table("resource_views")
    op.drop_table("pushed_tables")
    op.drop_index("ix_packages_owner_org_state_private", "packages")
    op.drop_index("ix_packages_state_private_name", "packages")
    op.drop_index("ix_change_log_package_id", "change_log")
    op.drop_table("shown_packages")
    op.drop_index("ix_package_relationships_subject_id", "package_relationships")
    op.drop_index("ix_package_relationships_object_id", "package_relationships")

    op.drop_table("package_relationships")
    op.drop_index("ix_collaborators_user_id", "collaborators")

    op.drop_table("collaborators")
    op.drop_index("ix_group_successions_successor_id", "group_successions")

    op.drop_table("group_successions")
    op.drop_index("ix_follows_object_id", "follows")

    op.drop_table("follows")
    op.drop_table("vocabularies")
    op.drop_table("config_options")


def _create_browser_sessions() -> None:
    op.create_table(
        "browser_sessions",
        sa.Column("key_sha256", sa.String(length=64), nullable=False),
        sa.Column("user_id", sa.Text(), nullable=False),
        sa.Column("created", sa.DateTime(), nullable=False),
        sa.Column("ends_at", sa.DateTime(), nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name="fk_browser_sessions_user_id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("key_sha256", name="pk_browser_sessions"),
    )
    op.create_index("ix_browser_sessions_user_id", "browser_sessions", ["user_id"])
    op.create_index("ix_browser_sessions_ends_at", "browser_sessions", ["ends_at"])


def _create_config_options() -> None:
    op.create_table(
        "config_options",
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(), nullable=False),
        sa.PrimaryKeyConstraint("key", name="pk_config_options"),
    )


def _create_vocabularies() -> None:
    op.create_table(
        "vocabularies",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_vocabularies"),
        sa.UniqueConstraint("name", name="uq_vocabularies_name"),
    )


def _create_follows() -> None:
    op.create_table(
        "follows",
        sa.Column("follower_id", sa.Text(), nullable=False),
        sa.Column("object_id", sa.Text(), nullable=False),
        sa.Column("kind", sa.String(length=10), nullable=False),
        sa.Column("at", sa.DateTime(), nullable=False),
        sa.ForeignKeyConstraint(["follower_id"], ["users.id"], name="fk_follows_follower_id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("follower_id", "object_id", name="pk_follows"),
    )
    op.create_index("ix_follows_object_id", "follows", ["object_id"])


def _create_group_successions() -> None:
    op.create_table(
        "group_successions",
        sa.Column("predecessor_id", sa.Text(), nullable=False),
        sa.Column("successor_id", sa.Text(), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("on", sa.Date(), nullable=True),
        sa.ForeignKeyConstraint(
            ["predecessor_id"], ["groups.id"], name="fk_group_successions_predecessor_id", ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["successor_id"], ["groups.id"], name="fk_group_successions_successor_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("predecessor_id", "successor_id", name="pk_group_successions"),
    )
    op.create_index("ix_group_successions_successor_id", "group_successions", ["successor_id"])


def _create_collaborators() -> None:
    op.create_table(
        "collaborators",
        sa.Column("package_id", sa.Text(), nullable=False),
        sa.Column("user_id", sa.Text(), nullable=False),
        sa.Column("capacity", sa.String(length=20), nullable=False),
        sa.Column("modified", sa.DateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["package_id"], ["packages.id"], name="fk_collaborators_package_id", ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name="fk_collaborators_user_id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("package_id", "user_id", name="pk_collaborators"),
    )
    op.create_index("ix_collaborators_user_id", "collaborators", ["user_id"])


def _create_package_relationships() -> None:
    op.create_table(
        "package_relationships",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("subject_id", sa.Text(), nullable=False),
        sa.Column("object_id", sa.Text(), nullable=False),
        sa.Column("type", sa.String(length=20), nullable=False),
        sa.Column("comment", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["object_id"], ["packages.id"], name="fk_package_relationships_object_id", ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["subject_id"], ["packages.id"], name="fk_package_relationships_subject_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_package_relationships"),
    )
    op.create_index("ix_package_relationships_object_id", "package_relationships", ["object_id"])
    op.create_index("ix_package_relationships_subject_id", "package_relationships", ["subject_id"])


def _create_shown_packages() -> None:
    op.create_table(
        "shown_packages",
        sa.Column("package_id", sa.Text(), nullable=False),
        sa.Column("made_by", sa.String(length=16), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["package_id"], ["packages.id"], name="fk_shown_packages_package_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("package_id", name="pk_shown_packages"),
    )


def _create_pushed_tables() -> None:
    op.create_table(
        "pushed_tables",
        sa.Column("resource_id", sa.Text(), nullable=False),
        sa.Column("fields", sa.JSON(), nullable=False),
        sa.Column("primary_key", sa.JSON(), nullable=False),
        sa.Column("indexes", sa.JSON(), nullable=False),
        sa.Column("aliases", sa.JSON(), nullable=False),
        sa.Column("created", sa.DateTime(), nullable=False),
        sa.Column("modified", sa.DateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["resource_id"], ["resources.id"], name="fk_pushed_tables_resource_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("resource_id", name="pk_pushed_tables"),
    )


def _create_resource_views() -> None:
    op.create_table(
        "resource_views",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("resource_id", sa.Text(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("view_type", sa.String(length=100), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("config", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(
            ["resource_id"], ["resources.id"], name="fk_resource_views_resource_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_resource_views"),
    )
    op.create_index("ix_resource_views_resource_id", "resource_views", ["resource_id"])


def _create_uploads() -> None:
    op.create_table(
        "uploads",
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("resource_id", sa.Text(), nullable=True),
        sa.Column("group_id", sa.Text(), nullable=True),
        sa.Column("file_name", sa.Text(), nullable=False),
        sa.Column("original_name", sa.Text(), nullable=False),
        sa.Column("media_type", sa.Text(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("created", sa.DateTime(), nullable=False),
        sa.ForeignKeyConstraint(["group_id"], ["groups.id"], name="fk_uploads_group_id", ondelete="SET NULL"),
        sa.ForeignKeyConstraint(["resource_id"], ["resources.id"], name="fk_uploads_resource_id", ondelete="SET NULL"),
        sa.PrimaryKeyConstraint("key", name="pk_uploads"),
    )
    op.create_index("ix_uploads_group_id", "uploads", ["group_id"])
    op.create_index("ix_uploads_resource_id", "uploads", ["resource_id"])


def _add_columns() -> None:
    _add_hidden_to_activities()
    op.add_column("api_tokens", sa.Column("scope", sa.String(length=20), server_default="all", nullable=False))
    op.add_column("groups", sa.Column("valid_from", sa.Date(), nullable=True))
    op.add_column("groups", sa.Column("valid_to", sa.Date(), nullable=True))
    op.add_column("users", sa.Column("oidc_issuer", sa.Text(), nullable=True))
    op.add_column("users", sa.Column("oidc_subject", sa.Text(), nullable=True))
    op.add_column("users", sa.Column("reset_sha256", sa.String(length=64), nullable=True))
    op.add_column("users", sa.Column("reset_until", sa.DateTime(), nullable=True))
    op.create_index("ix_users_oidc_issuer_oidc_subject", "users", ["oidc_issuer", "oidc_subject"], unique=True)
    op.create_index("ix_users_reset_sha256", "users", ["reset_sha256"], unique=True)


def _add_hidden_to_activities() -> None:
    op.add_column("activities", sa.Column("hidden", sa.Boolean(), server_default=sa.false(), nullable=False))
    activities = sa.table("activities", sa.column("data", sa.JSON()), sa.column("hidden", sa.Boolean()))
    snapshot = activities.c.data["package"]
    was_hidden = sa.or_(snapshot["private"].as_boolean().is_(True), snapshot["state"].as_string() == "draft")
    op.execute(activities.update().where(was_hidden).values(hidden=True))
