"""Actions on vocabularies, the closed lists of tags. Their docstrings are `help_show`'s texts."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from catalogue.actions.authorize import require
from catalogue.actions.context import Context, Params
from catalogue.actions.parameters import required_text
from catalogue.actions.tags import take_off_datasets
from catalogue.errors import ValidationError
from catalogue.model import Package, Tag, Vocabulary, new_id, package_tags
from catalogue.register.change_log import log_changes
from catalogue.register.validation import (
    MISSING,
    FieldReader,
    as_text,
    id_faults,
    length_faults,
    list_of_dicts,
    tag_faults,
)
from catalogue.register.vocabularies import (
    find_vocabulary,
    get_vocabulary,
    new_tag,
    number_of_datasets,
    tags_of,
    vocabulary_to_dict,
)

NAME_TAKEN = "That vocabulary name is already in use."


def vocabulary_list(context: Context, _params: Params) -> list[dict[str, Any]]:
    """Return all vocabularies with their tags, sorted by name."""
    vocabularies = context.session.scalars(select(Vocabulary).order_by(Vocabulary.name)).all()
    tags = tags_of(context.session, [vocabulary.id for vocabulary in vocabularies])
    return [vocabulary_to_dict(vocabulary, tags[vocabulary.id]) for vocabulary in vocabularies]


def vocabulary_show(context: Context, params: Params) -> dict[str, Any]:
    """Return the vocabulary whose id or name is `id`, with its tags."""
    return _shown(context, get_vocabulary(context.session, required_text(params, "id")))


def vocabulary_create(context: Context, params: Params) -> dict[str, Any]:
    """Create the vocabulary `name` with the tags `tags`, a list of `{"name": …}`; for sysadmins."""
    require(context, "portal")
    reader = FieldReader(params)
    vocabulary = Vocabulary(id=_read_id(context, reader) or new_id(), name=_read_name(context, reader, None))
    names = _read_tags(reader)
    reader.finish()
    context.session.add(vocabulary)
    context.session.add_all(new_tag(vocabulary, name) for name in names)
    _flush(context)
    return _shown(context, vocabulary)


def vocabulary_update(context: Context, params: Params) -> dict[str, Any]:
    """Rename the vocabulary `id` to `name`, and give it exactly the tags of `tags`; for sysadmins.

    What is left out stays as it is. Tags that are no longer in the list are taken off all datasets that carry them.
    """
    require(context, "portal")
    vocabulary = get_vocabulary(context.session, required_text(params, "id"))
    context.session.refresh(vocabulary, with_for_update=True)
    reader = FieldReader(params)
    name = _read_name(context, reader, vocabulary)
    names = _read_tags(reader) if params.get("tags") is not None else None
    reader.finish()
    if name != vocabulary.name:
        vocabulary.name = name
        _log_change_of_datasets(context, vocabulary)
    if names is not None:
        _replace_tags(context, vocabulary, names)
    _flush(context)
    return _shown(context, vocabulary)


def vocabulary_delete(context: Context, params: Params) -> None:
    """Delete the vocabulary `id` with its tags; refused while a dataset carries one of them; for sysadmins."""
    require(context, "portal")
    vocabulary = get_vocabulary(context.session, required_text(params, "id"))
    context.session.refresh(vocabulary, with_for_update=True)
    tags = tags_of(context.session, [vocabulary.id], lock=True)[vocabulary.id]
    if used := number_of_datasets(context.session, tags):
        raise ValidationError(
            f"Vocabulary cannot be deleted while {used} datasets carry its tags: "
            "take the tags off with vocabulary_update and an empty list of tags, or with tag_delete, first"
        )
    for tag in tags:
        context.session.delete(tag)
    context.session.delete(vocabulary)


def _shown(context: Context, vocabulary: Vocabulary) -> dict[str, Any]:
    return vocabulary_to_dict(vocabulary, tags_of(context.session, [vocabulary.id])[vocabulary.id])


def _read_id(context: Context, reader: FieldReader) -> str | None:
    """Return the id that was asked for, so that a catalogue can be taken over with its ids; null: a fresh one."""
    written = reader.text("id")
    if not written:
        return None
    for fault in id_faults(written):
        reader.fault("id", fault)
    if context.session.get(Vocabulary, written) is not None:
        reader.fault("id", "Id already exists")
    return written


def _read_name(context: Context, reader: FieldReader, vocabulary: Vocabulary | None) -> str:
    if vocabulary is not None and not reader.gives("name"):
        return vocabulary.name
    name = reader.text("name", required=True) or ""
    for fault in length_faults(name) if name.strip() else []:
        reader.fault("name", fault)
    found = find_vocabulary(context.session, name) if name else None
    if found is not None and found is not vocabulary:
        reader.fault("name", NAME_TAKEN)
    return name


def _read_tags(reader: FieldReader) -> list[str]:
    names: dict[str, None] = {}
    for item in list_of_dicts(reader.raw, "tags"):
        name = as_text(item["name"]).strip() if item.get("name") is not None else ""
        for fault in tag_faults(name) if name else [MISSING]:
            reader.fault("tags", fault)
        names[name] = None
    return list(names)


def _replace_tags(context: Context, vocabulary: Vocabulary, names: list[str]) -> None:
    stored = {tag.name: tag for tag in tags_of(context.session, [vocabulary.id], lock=True)[vocabulary.id]}
    gone = [tag for name, tag in stored.items() if name not in names]
    take_off_datasets(context, gone)
    for tag in gone:
        context.session.delete(tag)
    context.session.add_all(new_tag(vocabulary, name) for name in names if name not in stored)


def _log_change_of_datasets(context: Context, vocabulary: Vocabulary) -> None:
    """Tell the search indexes about the datasets that are found under the name of the vocabulary."""
    tagged = select(package_tags.c.package_id).join(Tag, Tag.id == package_tags.c.tag_id)
    carry_one = Package.id.in_(tagged.where(Tag.vocabulary_id == vocabulary.id))
    log_changes(context.session, carry_one, context.now())


def _flush(context: Context) -> None:
    try:
        context.session.flush()
    except IntegrityError as error:  # another call was faster
        raise ValidationError({"name": [NAME_TAKEN]}) from error
