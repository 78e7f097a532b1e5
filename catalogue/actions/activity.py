"""Actions on one activity: showing it, its snapshot, and what changed since the one before. Docstrings are help texts."""

from __future__ import annotations

import json
from difflib import context_diff, unified_diff
from typing import Any

from catalogue.actions.authorize import refusal
from catalogue.actions.context import Context, Params
from catalogue.actions.parameters import boolean, optional_text, required_text
from catalogue.errors import NotFound, ValidationError
from catalogue.model import Activity
from catalogue.register.activities import activity_to_dict, newest_first, visible_activities
from catalogue.register.json_patch import json_patch

OBJECT_TYPES = {"package": "package", "dataset": "package", "group": "group", "organization": "group", "user": "user"}
DIFF_TYPES = ("unified", "context", "json")
MAX_LINES = 20_000  # comparing lines takes time that grows with the square of their number


def activity_show(context: Context, params: Params) -> dict[str, Any]:
    """Return the activity `id` with its snapshot; with `include_data` false only with the title of what changed."""
    activity = _visible_activity(context, required_text(params, "id"))
    return activity_to_dict(activity, context, include_data=boolean(params, "include_data", default=True))


def activity_data_show(context: Context, params: Params) -> dict[str, Any]:
    """Return the snapshot in the activity `id`.

    `object_type` (package, organization, group or user) says of what; without it all that the activity holds comes.
    """
    data: dict[str, Any] = activity_to_dict(_visible_activity(context, required_text(params, "id")), context)["data"]
    object_type = optional_text(params, "object_type")
    return _snapshot(data, object_type) if object_type else data


def activity_diff(context: Context, params: Params) -> dict[str, Any]:
    """Return what the activity `id` changed in its object, against the activity before it.

    `object_type` is package, organization or group. `diff_type` is `unified` (as usual) or `context`, a text about lines of
    sorted JSON, or `json`, a list of operations as in RFC 6902. The answer is `{diff, activities: [before, after]}`.
    """
    activity = _visible_activity(context, required_text(params, "id"))
    object_type = required_text(params, "object_type")
    diff_type = optional_text(params, "diff_type") or "unified"
    if diff_type not in DIFF_TYPES:
        raise ValidationError({"diff_type": [f"Must be one of {', '.join(DIFF_TYPES)}"]})
    earlier = visible_activities(context).where(
        Activity.object_id == activity.object_id, Activity.timestamp < activity.timestamp
    )
    previous = context.session.scalars(newest_first(earlier).limit(1)).first()
    if previous is None:
        raise NotFound("Previous activity for this object not found")
    shown = [activity_to_dict(row, context) for row in (previous, activity)]
    before, after = (_snapshot(one["data"], object_type) for one in shown)
    diff = json_patch(before, after) if diff_type == "json" else _diff_of_lines(before, after, diff_type)
    return {"diff": diff, "activities": shown}


def _diff_of_lines(before: dict[str, Any], after: dict[str, Any], diff_type: str) -> str:
    old, new = (json.dumps(one, indent=2, sort_keys=True, ensure_ascii=False).splitlines() for one in (before, after))
    if len(old) + len(new) > MAX_LINES:
        raise ValidationError({"diff_type": ["The snapshots are too long to be compared by line: use `json`"]})
    compare = unified_diff if diff_type == "unified" else context_diff
    return "\n".join(compare(old, new, lineterm=""))


def _visible_activity(context: Context, activity_id: str) -> Activity:
    """Return the activity.

    Raises:
        NotFound: there is none.
        NotAuthorized: the caller may not see it.
    """
    activity = context.session.scalars(visible_activities(context).where(Activity.id == activity_id)).first()
    if activity is not None:
        return activity
    if context.session.get(Activity, activity_id) is None:
        raise NotFound("Activity was not found.")
    raise refusal(context, "read_hidden_dataset", subject=activity_id)


def _snapshot(data: dict[str, Any], object_type: str) -> dict[str, Any]:
    snapshot = data.get(OBJECT_TYPES.get(object_type, ""))
    if not isinstance(snapshot, dict):
        raise NotFound("Object not found in the activity: use its own `object_type`")
    return snapshot
