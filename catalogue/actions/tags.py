"""Actions on tags: the free ones that appear by use, and those of vocabularies. Their docstrings are `help_show`'s texts."""

from __future__ import annotations

from typing import Any

from sqlalchemy import func, or_, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.sql.selectable import Select

from catalogue.actions.authorize import is_public_now, reads_hidden, require
from catalogue.actions.context import Context, Params
from catalogue.actions.parameters import boolean, contains, natural, optional_text, required_text, sought
from catalogue.errors import NotFound, ValidationError
from catalogue.model import Package, Tag, Vocabulary, package_tags
from catalogue.register.package_changes import save_package
from catalogue.register.packages import get_package, package_to_dict
from catalogue.register.shown_packages import shown_list
from catalogue.register.validation import MISSING, FieldReader, tag_faults
from catalogue.register.vocabularies import find_vocabulary, get_vocabulary, new_tag, tag_to_dict

MAX_PAGE = 1000


def tag_list(context: Context, params: Params) -> list[Any]:
    """Return tags, as names, or as dicts with `all_fields`, sorted by name.

    Without `vocabulary_id` these are the free tags of public datasets; with it (an id or a name) all tags of that
    vocabulary. `query` narrows them down to those whose name contains it.
    """
    all_fields = boolean(params, "all_fields", default=False)
    query = optional_text(params, "query")
    tags = context.session.scalars(_matching(context, params, [query] if query else []).order_by(Tag.name))
    return [tag_to_dict(tag) if all_fields else tag.name for tag in tags]


def tag_autocomplete(context: Context, params: Params) -> list[str]:
    """Return the names of tags that contain `query`, from the vocabulary `vocabulary_id` or from the free tags in use.

    `limit` and `offset` cut a page out.
    """
    statement = _matching(context, params, _terms(params)).order_by(Tag.name)
    return [tag.name for tag in context.session.scalars(_paged(statement, params))]


def tag_search(context: Context, params: Params) -> dict[str, Any]:
    """Return how many tags contain `query` (a text, or a list of texts that must all be in the name), and those tags.

    They are of the vocabulary `vocabulary_id`, or without it the free tags of public datasets. `limit` and `offset` cut
    a page out; `count` is of all.
    """
    terms = _terms(params)
    if not terms:
        return {"count": 0, "results": []}
    statement = _matching(context, params, terms)
    count = context.session.scalar(select(func.count()).select_from(statement.subquery()))
    tags = context.session.scalars(_paged(statement.order_by(Tag.name), params))
    results = [{"id": tag.id, "name": tag.name, "vocabulary_id": tag.vocabulary_id} for tag in tags]
    return {"count": count, "results": results}


def tag_show(context: Context, params: Params) -> dict[str, Any]:
    """Return the tag whose id or name is `id`, by name among the free tags or in the vocabulary `vocabulary_id`.

    With `include_datasets` the public datasets that carry it come along.
    """
    tag = _get_tag(context, params)
    if tag.vocabulary_id is None and not _is_on_readable_dataset(context, tag):
        raise NotFound("Tag was not found.")
    shown = tag_to_dict(tag)
    if boolean(params, "include_datasets", default=False):
        tagged = select(package_tags.c.package_id).where(package_tags.c.tag_id == tag.id)
        public = select(Package.id).where(Package.state == "active", Package.private.is_(False))
        statement = public.where(Package.id.in_(tagged)).order_by(Package.name).limit(MAX_PAGE)
        ids = context.session.scalars(statement).all()
        shown["packages"] = shown_list(context, ids)
    return shown


def tag_create(context: Context, params: Params) -> dict[str, Any]:
    """Add the tag `name` to the vocabulary `vocabulary_id` (an id or a name); for sysadmins.

    Free tags are not made this way: they appear when a dataset carries them.
    """
    require(context, "portal")
    reader = FieldReader(params)
    name = (reader.text("name", required=True) or "").strip()
    for fault in tag_faults(name) if name else []:
        reader.fault("name", fault)
    written = reader.text("vocabulary_id", required=True)
    vocabulary = find_vocabulary(context.session, written) if written else None
    if vocabulary is None:
        if written:
            reader.fault("vocabulary_id", "Tag vocabulary was not found.")
        reader.finish()
        raise ValidationError({"vocabulary_id": [MISSING]})
    tag = new_tag(vocabulary, name)
    if context.session.get(Tag, tag.id) is not None:
        reader.fault("vocabulary_id", _already(tag, vocabulary))
    reader.finish()
    context.session.add(tag)
    try:
        context.session.flush()
    except IntegrityError as error:
        raise ValidationError({"vocabulary_id": [_already(tag, vocabulary)]}) from error
    return tag_to_dict(tag)


def tag_delete(context: Context, params: Params) -> None:
    """Delete the tag whose id or name is `id` from its vocabulary `vocabulary_id`, and from its datasets; for sysadmins.

    A free tag goes with the last dataset that carries it, so it cannot be deleted here.
    """
    require(context, "portal")
    tag = _get_tag(context, params)
    if tag.vocabulary_id is None:
        raise ValidationError({"id": ["Free tags vanish with the last dataset that carries them: change the datasets"]})
    context.session.refresh(tag, with_for_update=True)
    take_off_datasets(context, [tag])
    context.session.delete(tag)


def take_off_datasets(context: Context, tags: list[Tag]) -> None:
    """Take the tags off all datasets; each is written like any other change of it. Reads every dataset that has one."""
    gone = {tag.id for tag in tags}
    carriers = select(package_tags.c.package_id).where(package_tags.c.tag_id.in_(gone)).distinct()
    for package_id in sorted(context.session.scalars(carriers)):  # in one order, so that two such calls cannot block
        package = get_package(context.session, package_id, lock=True)
        before = package_to_dict(package)
        package.tags = [tag for tag in package.tags if tag.id not in gone]
        save_package(context, package, before=before)


def _already(tag: Tag, vocabulary: Vocabulary) -> str:
    return f"Tag {tag.name} already belongs to vocabulary {vocabulary.name}"


def _get_tag(context: Context, params: Params) -> Tag:
    written, vocabulary_name = required_text(params, "id"), optional_text(params, "vocabulary_id")
    vocabulary_id = get_vocabulary(context.session, vocabulary_name).id if vocabulary_name else None
    statement = select(Tag).where((Tag.id == written) | ((Tag.name == written) & _of_vocabulary(vocabulary_id)))
    tag = context.session.scalars(statement.order_by(Tag.id != written)).first()
    if tag is None:
        raise NotFound("Tag was not found.")
    return tag


def _is_on_readable_dataset(context: Context, tag: Tag) -> bool:
    """Tell whether the caller may read a dataset that carries the tag: what only hidden ones carry is hidden as well."""
    tagged = select(package_tags.c.package_id).where(package_tags.c.tag_id == tag.id)
    readable = or_(is_public_now(), reads_hidden(context))
    return context.session.scalar(select(Package.id).where(Package.id.in_(tagged), readable).limit(1)) is not None


def _of_vocabulary(vocabulary_id: str | None) -> Any:
    return Tag.vocabulary_id == vocabulary_id if vocabulary_id else Tag.vocabulary_id.is_(None)


def _terms(params: Params) -> list[str]:
    """Return the words that a name must contain.

    Raises:
        ValidationError: no query is given.
    """
    given = params.get("query") if params.get("query") is not None else params.get("q")
    if given is None:
        raise ValidationError({"query": MISSING})
    return [term for item in sought(given, "query") if (term := item.strip())]


def _matching(context: Context, params: Params, terms: list[str]) -> Select[Tag]:
    """Return the tags of the given vocabulary, or the free ones in use, whose names contain all terms."""
    written = optional_text(params, "vocabulary_id")
    vocabulary_id = get_vocabulary(context.session, written).id if written else None
    statement = select(Tag).where(_of_vocabulary(vocabulary_id))
    if vocabulary_id is None:
        used = select(package_tags.c.tag_id).join(Package, Package.id == package_tags.c.package_id)
        # The expression keeps SQLite from beginning with all active datasets, for each tag anew.
        is_active = func.coalesce(Package.state, "") == "active"
        public = used.where(package_tags.c.tag_id == Tag.id, is_active, Package.private.is_(False))
        statement = statement.where(public.exists())
    for term in terms:
        statement = statement.where(contains(Tag.name, term))
    return statement


def _paged(statement: Select[Tag], params: Params) -> Select[Tag]:
    limit = natural(params, "limit", default=MAX_PAGE, maximum=MAX_PAGE)
    return statement.limit(limit).offset(natural(params, "offset", default=0))
