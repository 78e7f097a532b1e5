"""Settings that sysadmins change while the portal runs: they stand before those of the settings file."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session

from catalogue.model import ConfigOption
from catalogue.settings import CatalogueSettings

# CKAN's name of the option: our field of the settings.
OPTIONS = {
    "ckan.site_title": "title",
    "ckan.site_description": "description",
    "ckan.site_about": "about",
    "email_to": "contact",
}


def settings_in_force(session: Session, settings: CatalogueSettings) -> CatalogueSettings:
    """Return the settings with what sysadmins changed; one small query."""
    rows = session.execute(select(ConfigOption.key, ConfigOption.value).where(ConfigOption.key.in_(OPTIONS))).all()
    return settings.model_copy(update={OPTIONS[key]: value for key, value in rows}) if rows else settings
