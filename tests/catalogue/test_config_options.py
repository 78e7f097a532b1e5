"""Settings that sysadmins change while the portal runs."""

from __future__ import annotations

import pytest
from flask import Flask

from catalogue.errors import NotAuthorized, ValidationError
from catalogue.web.open_formats import open_formats_blueprint


def update(catalogue, **options):
    return catalogue.call(
        "config_option_update", {key.replace("__", "."): one for key, one in options.items()}, user="boss"
    )


def show(catalogue, key):
    return catalogue.call("config_option_show", {"key": key}, user="boss")


def test_only_sysadmins_see_and_change_settings(catalogue):
    for user in (None, "binh", "lan"):
        for action, params in (
            ("config_option_list", {}),
            ("config_option_show", {"key": "ckan.site_title"}),
            ("config_option_update", {"ckan.site_title": "x"}),
        ):
            with pytest.raises(NotAuthorized):
                catalogue.call(action, params, user=user)


def test_a_changed_setting_stands_before_the_settings_file_until_it_is_given_back(catalogue):
    assert "ckan.site_title" in catalogue.call("config_option_list", user="boss")
    from_file = show(catalogue, "ckan.site_title")
    assert update(catalogue, ckan__site_title="Cổng dữ liệu", email_to="data@city.example") == {
        "ckan.site_title": "Cổng dữ liệu",
        "email_to": "data@city.example",
    }
    assert show(catalogue, "ckan.site_title") == "Cổng dữ liệu"
    status = catalogue.call("status_show")
    assert (status["site_title"], status["error_emails_to"]) == ("Cổng dữ liệu", "data@city.example")
    update(catalogue, ckan__site_title="Cổng 2", ckan__site_description="")
    assert catalogue.call("status_show")["site_title"] == "Cổng 2"
    assert update(catalogue, ckan__site_title=None) == {"ckan.site_title": from_file}
    assert catalogue.call("status_show")["site_title"] == from_file


@pytest.mark.parametrize(
    ("params", "field"),
    [
        ({}, "message"),
        ({"ckan.site_url": "x"}, "message"),
        ({"sqlalchemy.url": "x", "ckan.site_title": "y"}, "message"),
        ({"ckan.site_title": " "}, "ckan.site_title"),
        ({"ckan.site_title": "x" * 201}, "ckan.site_title"),
        ({"email_to": "nobody"}, "email_to"),
    ],
)
def test_other_settings_and_odd_values_are_refused(catalogue, params, field):
    with pytest.raises(ValidationError) as refusal:
        catalogue.call("config_option_update", params, user="boss")
    assert list(refusal.value.error_dict) == [field]
    assert catalogue.call("status_show")["site_title"] == catalogue.settings.title


@pytest.mark.parametrize("key", ["", None, "ckan.site_url", "secret_key"])
def test_other_settings_are_not_shown(catalogue, key):
    with pytest.raises(ValidationError) as refusal:
        show(catalogue, key)
    assert list(refusal.value.error_dict) == ["key"]


def test_feeds_and_catalogues_bear_the_changed_title(catalogue):
    app = Flask("formats")
    app.register_blueprint(open_formats_blueprint(catalogue.services))
    client = app.test_client()
    update(catalogue, ckan__site_title="Cổng dữ liệu", ckan__site_description="Của thành phố")
    assert "Cổng dữ liệu" in client.get("/feeds/dataset.atom").text
    catalog = client.get("/catalog.ttl").text
    assert "Cổng dữ liệu" in catalog
    assert "Của thành phố" in catalog
