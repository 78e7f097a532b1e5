"""The tables of the catalogue, the same on SQLite and on PostgreSQL.

All times are naive UTC, as the CKAN API shows them. Ids are text (uuid4, or what a sysadmin chose) and are never recycled.
A name belongs to its dataset or group for ever: after a rename, `NameRedirect` keeps the old one taken and leads on.
"""

from __future__ import annotations

import uuid
from datetime import date, datetime
from typing import Any

from sqlalchemy import JSON, BigInteger, Column, ForeignKey, Index, Integer, MetaData, String, Table, Text, false
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship

JsonObject = dict[str, Any]
JsonList = list[Any]


def new_id() -> str:
    """Return a fresh id."""
    return str(uuid.uuid4())


class CatalogueTable(DeclarativeBase):
    """What all tables share: names of constraints that migrations can rely on."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map = {str: Text(), JsonObject: JSON(), JsonList: JSON(), int: Integer()}  # noqa: RUF012  SQLAlchemy reads it once


package_tags = Table(
    "package_tags",
    CatalogueTable.metadata,
    Column("package_id", ForeignKey("packages.id", ondelete="CASCADE"), primary_key=True),
    Column("tag_id", ForeignKey("tags.id"), primary_key=True, index=True),
)

package_groups = Table(
    "package_groups",
    CatalogueTable.metadata,
    Column("package_id", ForeignKey("packages.id", ondelete="CASCADE"), primary_key=True),
    Column("group_id", ForeignKey("groups.id", ondelete="CASCADE"), primary_key=True, index=True),
)

group_parents = Table(
    "group_parents",
    CatalogueTable.metadata,
    Column("child_id", ForeignKey("groups.id", ondelete="CASCADE"), primary_key=True),
    Column("parent_id", ForeignKey("groups.id", ondelete="CASCADE"), primary_key=True, index=True),
)


class Vocabulary(CatalogueTable):
    """A closed list of tags, kept by sysadmins."""

    __tablename__ = "vocabularies"

    id: Mapped[str] = mapped_column(primary_key=True, default=new_id)
    name: Mapped[str] = mapped_column(unique=True)


class Tag(CatalogueTable):
    """A word on datasets, free or of a vocabulary; its id follows from vocabulary and name, so that it can exist only once."""

    __tablename__ = "tags"

    id: Mapped[str] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(index=True)
    vocabulary_id: Mapped[str | None]


class Group(CatalogueTable):
    """An organization, which owns datasets, or a group, which is a theme; both share one name space.

    `valid_from` and `valid_to` (null: open) are the days between which an agency exists; `GroupSuccession` tells what
    became of it.
    """

    __tablename__ = "groups"

    id: Mapped[str] = mapped_column(primary_key=True, default=new_id)
    name: Mapped[str] = mapped_column(unique=True)
    title: Mapped[str] = mapped_column(default="")
    description: Mapped[str] = mapped_column(default="")
    image_url: Mapped[str] = mapped_column(default="")
    is_organization: Mapped[bool] = mapped_column(default=False)
    type: Mapped[str] = mapped_column(String(100), default="group")
    state: Mapped[str] = mapped_column(String(20), default="active")
    approval_status: Mapped[str] = mapped_column(String(20), default="approved")
    created: Mapped[datetime]
    extras: Mapped[JsonObject] = mapped_column(default=dict)
    valid_from: Mapped[date | None]
    valid_to: Mapped[date | None]

    parents: Mapped[list[Group]] = relationship(
        secondary=group_parents,
        primaryjoin=lambda: Group.id == group_parents.c.child_id,
        secondaryjoin=lambda: Group.id == group_parents.c.parent_id,
        order_by=lambda: Group.name,
    )
    members: Mapped[list[Member]] = relationship(back_populates="group", cascade="all, delete-orphan")


class GroupSuccession(CatalogueTable):
    """One agency that was renamed, merged or split into another on a day."""

    __tablename__ = "group_successions"

    predecessor_id: Mapped[str] = mapped_column(ForeignKey("groups.id", ondelete="CASCADE"), primary_key=True)
    successor_id: Mapped[str] = mapped_column(ForeignKey("groups.id", ondelete="CASCADE"), primary_key=True, index=True)
    kind: Mapped[str] = mapped_column(String(20))  # renamed, merged or split
    on: Mapped[date | None]


class Package(CatalogueTable):
    """One dataset, under CKAN's word for it; `extras` maps key to text and holds the pointer `release`."""

    __tablename__ = "packages"
    __table_args__ = (
        Index("ix_packages_state_private_metadata_modified", "state", "private", "metadata_modified"),
        Index("ix_packages_state_private_name", "state", "private", "name"),
        Index("ix_packages_owner_org_state_private", "owner_org", "state", "private"),
    )

    id: Mapped[str] = mapped_column(primary_key=True, default=new_id)
    name: Mapped[str] = mapped_column(unique=True)
    title: Mapped[str]
    notes: Mapped[str | None]
    url: Mapped[str | None]
    version: Mapped[str | None]
    author: Mapped[str | None]
    author_email: Mapped[str | None]
    maintainer: Mapped[str | None]
    maintainer_email: Mapped[str | None]
    license_id: Mapped[str | None]
    type: Mapped[str] = mapped_column(String(100), default="dataset")
    state: Mapped[str] = mapped_column(String(20), default="active")  # active, draft or deleted
    private: Mapped[bool] = mapped_column(default=False)
    owner_org: Mapped[str | None] = mapped_column(ForeignKey("groups.id"), index=True)
    creator_user_id: Mapped[str | None]
    metadata_created: Mapped[datetime]
    metadata_modified: Mapped[datetime]
    extras: Mapped[JsonObject] = mapped_column(default=dict)

    organization: Mapped[Group | None] = relationship()
    resources: Mapped[list[Resource]] = relationship(
        back_populates="package", cascade="all, delete-orphan", order_by=lambda: Resource.position
    )
    tags: Mapped[list[Tag]] = relationship(secondary=package_tags, order_by=lambda: Tag.name)
    groups: Mapped[list[Group]] = relationship(secondary=package_groups, order_by=lambda: Group.name)
    relationships: Mapped[list[PackageRelationship]] = relationship(
        primaryjoin=lambda: (
            (Package.id == PackageRelationship.subject_id) | (Package.id == PackageRelationship.object_id)
        ),
        viewonly=True,
    )


class Resource(CatalogueTable):
    """One distribution of a dataset; keys that CKAN does not know are kept in `extras` with their JSON type."""

    __tablename__ = "resources"
    __table_args__ = (Index("ix_resources_package_id_position", "package_id", "position"),)

    id: Mapped[str] = mapped_column(primary_key=True, default=new_id)
    package_id: Mapped[str] = mapped_column(ForeignKey("packages.id", ondelete="CASCADE"))
    position: Mapped[int]
    name: Mapped[str | None]
    description: Mapped[str | None]
    url: Mapped[str] = mapped_column(default="")
    url_type: Mapped[str | None]
    format: Mapped[str] = mapped_column(default="")
    mimetype: Mapped[str | None]
    mimetype_inner: Mapped[str | None]
    size: Mapped[int | None] = mapped_column(BigInteger)
    hash: Mapped[str] = mapped_column(default="")
    created: Mapped[datetime]
    last_modified: Mapped[datetime | None]
    metadata_modified: Mapped[datetime]
    cache_url: Mapped[str | None]
    cache_last_updated: Mapped[datetime | None]
    resource_type: Mapped[str | None]
    state: Mapped[str] = mapped_column(String(20), default="active")
    datastore_active: Mapped[bool] = mapped_column(default=False)
    extras: Mapped[JsonObject] = mapped_column(default=dict)

    package: Mapped[Package] = relationship(back_populates="resources")


class ShownPackage(CatalogueTable):
    """The dataset dict of a package as JSON text, ready to be sent; written with the package, absent when outdated.

    `made_by` tells which version of the code made it, see `shown_packages.py`.
    """

    __tablename__ = "shown_packages"

    package_id: Mapped[str] = mapped_column(ForeignKey("packages.id", ondelete="CASCADE"), primary_key=True)
    made_by: Mapped[str] = mapped_column(String(16))
    body: Mapped[str]


class PackageRelationship(CatalogueTable):
    """How one dataset depends on, derives from, links to or belongs to another."""

    __tablename__ = "package_relationships"
    __table_args__ = (Index("ix_package_relationships_object_id", "object_id"),)

    id: Mapped[str] = mapped_column(primary_key=True, default=new_id)
    subject_id: Mapped[str] = mapped_column(ForeignKey("packages.id", ondelete="CASCADE"), index=True)
    object_id: Mapped[str] = mapped_column(ForeignKey("packages.id", ondelete="CASCADE"))
    type: Mapped[str] = mapped_column(String(20))
    comment: Mapped[str] = mapped_column(default="")

    subject: Mapped[Package] = relationship(foreign_keys=[subject_id])
    object: Mapped[Package] = relationship(foreign_keys=[object_id])


class ResourceView(CatalogueTable):
    """One way to look at a resource; `config` holds the settings of its type, shown at the top level."""

    __tablename__ = "resource_views"

    id: Mapped[str] = mapped_column(primary_key=True, default=new_id)
    resource_id: Mapped[str] = mapped_column(ForeignKey("resources.id", ondelete="CASCADE"), index=True)
    title: Mapped[str] = mapped_column(default="")
    description: Mapped[str] = mapped_column(default="")
    view_type: Mapped[str] = mapped_column(String(100))
    position: Mapped[int] = mapped_column(default=0)
    config: Mapped[JsonObject] = mapped_column(default=dict)


class Upload(CatalogueTable):
    """A file that a client sent us, under a key of its own in the storage; of a resource, or the image of a group."""

    __tablename__ = "uploads"

    key: Mapped[str] = mapped_column(primary_key=True)
    resource_id: Mapped[str | None] = mapped_column(ForeignKey("resources.id", ondelete="SET NULL"), index=True)
    group_id: Mapped[str | None] = mapped_column(ForeignKey("groups.id", ondelete="SET NULL"), index=True)
    file_name: Mapped[str]
    original_name: Mapped[str]
    media_type: Mapped[str]
    size: Mapped[int] = mapped_column(BigInteger)
    sha256: Mapped[str] = mapped_column(String(64))
    created: Mapped[datetime]


class PushedTable(CatalogueTable):
    """A table of rows that an organization pushes with the datastore actions; the rows lie beside the database."""

    __tablename__ = "pushed_tables"

    resource_id: Mapped[str] = mapped_column(ForeignKey("resources.id", ondelete="CASCADE"), primary_key=True)
    fields: Mapped[JsonList]
    primary_key: Mapped[JsonList]
    indexes: Mapped[JsonList]
    aliases: Mapped[JsonList]
    created: Mapped[datetime]
    modified: Mapped[datetime]


class User(CatalogueTable):
    """A person or a program with an account; `locked_until` follows from too many failed sign-ins.

    Who signs in through an OIDC provider is known by `oidc_issuer` and `oidc_subject`. `reset_sha256` is the hash of the
    key in a letter that lets its reader choose a password, until `reset_until`.
    """

    __tablename__ = "users"

    id: Mapped[str] = mapped_column(primary_key=True, default=new_id)
    name: Mapped[str] = mapped_column(unique=True)
    fullname: Mapped[str | None]
    email: Mapped[str | None] = mapped_column(unique=True)
    password_hash: Mapped[str | None]
    about: Mapped[str | None]
    image_url: Mapped[str | None]
    sysadmin: Mapped[bool] = mapped_column(default=False)
    state: Mapped[str] = mapped_column(String(20), default="active")
    created: Mapped[datetime]
    last_active: Mapped[datetime | None]
    failed_sign_ins: Mapped[int] = mapped_column(default=0)
    locked_until: Mapped[datetime | None]
    oidc_issuer: Mapped[str | None]
    oidc_subject: Mapped[str | None]
    reset_sha256: Mapped[str | None] = mapped_column(String(64))
    reset_until: Mapped[datetime | None]

    __table_args__ = (  # indexes, because SQLite cannot add constraints to a table that others refer to
        Index("ix_users_oidc_issuer_oidc_subject", "oidc_issuer", "oidc_subject", unique=True),
        Index("ix_users_reset_sha256", "reset_sha256", unique=True),
    )


class Member(CatalogueTable):
    """The role of a user in an organization or group: capacity is admin, editor or member."""

    __tablename__ = "members"

    group_id: Mapped[str] = mapped_column(ForeignKey("groups.id", ondelete="CASCADE"), primary_key=True)
    user_id: Mapped[str] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), primary_key=True, index=True)
    id: Mapped[str] = mapped_column(unique=True, default=new_id)
    capacity: Mapped[str] = mapped_column(String(20))

    group: Mapped[Group] = relationship(back_populates="members")
    user: Mapped[User] = relationship()


class Collaborator(CatalogueTable):
    """The capacity (member, editor, admin) of one person in one dataset, beside the roles in its organization."""

    __tablename__ = "collaborators"

    package_id: Mapped[str] = mapped_column(ForeignKey("packages.id", ondelete="CASCADE"), primary_key=True)
    user_id: Mapped[str] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), primary_key=True, index=True)
    capacity: Mapped[str] = mapped_column(String(20))
    modified: Mapped[datetime]


class Follow(CatalogueTable):
    """A person who wants to hear of a dataset or group."""

    __tablename__ = "follows"

    follower_id: Mapped[str] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), primary_key=True)
    object_id: Mapped[str] = mapped_column(primary_key=True, index=True)
    kind: Mapped[str] = mapped_column(String(10))  # dataset or group
    at: Mapped[datetime]


class ConfigOption(CatalogueTable):
    """A setting that a sysadmin changed through the API; stands before the one of the settings file."""

    __tablename__ = "config_options"

    key: Mapped[str] = mapped_column(primary_key=True)
    value: Mapped[str]
    at: Mapped[datetime]


class ApiToken(CatalogueTable):
    """An API token; only its SHA-256 is stored, the token itself was shown once.

    `scope` is what it may be used for: `all` that its owner may, or `read` only.
    """

    __tablename__ = "api_tokens"

    id: Mapped[str] = mapped_column(primary_key=True, default=new_id)
    user_id: Mapped[str] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    name: Mapped[str]
    token_sha256: Mapped[str] = mapped_column(String(64), unique=True)
    created_at: Mapped[datetime]
    last_access: Mapped[datetime | None]
    expires_at: Mapped[datetime | None]
    scope: Mapped[str] = mapped_column(String(20), default="all", server_default="all")

    user: Mapped[User] = relationship()


class BrowserSession(CatalogueTable):
    """A person signed in in one browser; only the SHA-256 of the key in the browser's cookie is stored."""

    __tablename__ = "browser_sessions"

    key_sha256: Mapped[str] = mapped_column(String(64), primary_key=True)
    user_id: Mapped[str] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    created: Mapped[datetime]
    ends_at: Mapped[datetime] = mapped_column(index=True)

    user: Mapped[User] = relationship()


class Activity(CatalogueTable):
    """Who changed what: `data` holds a full snapshot of the object after the change.

    `hidden` tells that the dataset was private or a draft then, so that the snapshot is not for everybody, ever.
    """

    __tablename__ = "activities"
    __table_args__ = (Index("ix_activities_object_id_timestamp", "object_id", "timestamp"),)

    id: Mapped[str] = mapped_column(primary_key=True, default=new_id)
    timestamp: Mapped[datetime] = mapped_column(index=True)
    user_id: Mapped[str | None] = mapped_column(index=True)
    object_id: Mapped[str]
    activity_type: Mapped[str] = mapped_column(String(50))
    data: Mapped[JsonObject]
    hidden: Mapped[bool] = mapped_column(default=False, server_default=false())


class DatasetRelease(CatalogueTable):
    """One published version of a dataset; exactly one of a dataset is `published`, the one its pointer names.

    The state is published, superseded, rolled_back or withdrawn.
    """

    __tablename__ = "dataset_release"

    dataset_id: Mapped[str] = mapped_column(ForeignKey("packages.id", ondelete="CASCADE"), primary_key=True)
    release: Mapped[str] = mapped_column(primary_key=True)
    summary: Mapped[JsonObject]
    published_at: Mapped[datetime]
    state: Mapped[str] = mapped_column(String(20), index=True)


class ChangeLog(CatalogueTable):
    """The last change of each package, written in the write's own transaction; each search index follows it by `seq`."""

    __tablename__ = "change_log"
    __table_args__ = {"sqlite_autoincrement": True}  # noqa: RUF012  SQLAlchemy reads it once

    seq: Mapped[int] = mapped_column(BigInteger().with_variant(Integer, "sqlite"), primary_key=True)
    package_id: Mapped[str] = mapped_column(index=True)
    at: Mapped[datetime]


class NameRedirect(CatalogueTable):
    """A former name of a package or group: stays taken and leads to its owner."""

    __tablename__ = "name_redirects"

    kind: Mapped[str] = mapped_column(String(10), primary_key=True)  # package or group
    name: Mapped[str] = mapped_column(primary_key=True)
    target_id: Mapped[str] = mapped_column(index=True)
    at: Mapped[datetime]
