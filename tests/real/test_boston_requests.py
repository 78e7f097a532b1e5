"""Boston 2011: 58,251 requests leave by record and as counts, without a trace of who asked and where they live."""

from __future__ import annotations

import pytest
from real.real_city import RealCity
from real.released import Released, assert_all_agree
from real.traces import traces, values_of

pytestmark = pytest.mark.slow
DELIVERED = 58_251
QUASI = ["opened", "reason", "neighborhood"]
DROPPED = [
    "case_enquiry_id", "open_dt", "target_dt", "closed_dt", "closure_reason", "case_title", "closedphoto", "location",
    "location_street_name", "type", "queue", "latitude", "longitude",
]  # fmt: skip
KEPT = ["reason", "neighborhood", "ontime", "case_status", "department", "source"]
STREETS = "regexp_replace(location_street_name, '^(INTERSECTION |[0-9-]+[A-Z]? )', '')"


@pytest.fixture(scope="module")
def requests(city: RealCity) -> Released:
    return city.publish("service-requests")


def test_all_forms_tell_the_same(requests: Released) -> None:
    report = requests.document("privacy.json")["tables"]["requests"]
    left = report["published_rows"]
    cells = requests.ask("SELECT count(DISTINCT (neighborhood, reason)) FROM released", "requests")[0][0]
    assert_all_agree(requests, {"requests": left, "requests_by_reason": cells})


def test_only_rare_combinations_were_left_out(requests: Released) -> None:
    report = requests.document("privacy.json")["tables"]["requests"]
    assert requests.document("quality.json")["tables"][0]["valid_rows"] == DELIVERED
    assert report["rows"] == DELIVERED
    assert report["published_rows"] + report["suppressed_rows"] == DELIVERED
    assert report["suppressed_rows"] <= 0.03 * DELIVERED


def test_every_class_holds_five_requests(requests: Released) -> None:
    grouped = f"SELECT count(*) AS n FROM released GROUP BY {', '.join(QUASI)}"
    [(smallest, classes)] = requests.ask(f"SELECT min(n), count(*) FROM ({grouped})", "requests")
    report = requests.document("privacy.json")["tables"]["requests"]
    assert smallest >= 5
    assert (smallest, classes) == (report["smallest_class"], report["classes"])


def test_counts_are_those_of_the_rows_that_left(requests: Released) -> None:
    """Groups of quasi-identifiers alone: each cell holds whole classes, so none is small and rows give none away."""
    counted = requests.ask("SELECT neighborhood, reason, count(*) FROM released GROUP BY ALL", "requests")
    published = [tuple(row.values()) for row in requests.rows("requests_by_reason")]
    assert sorted(published, key=str) == sorted(counted, key=str)
    assert min(number for *_, number in counted) >= 5


def test_no_address_case_or_text_of_the_input_left(requests: Released, city: RealCity) -> None:
    source = f"read_csv('{city.data / 'requests311' / 'boston_311_2011.csv.gz'}', all_varchar=true)"
    secret, public = values_of(source, [*DROPPED, STREETS]), values_of(source, KEPT)
    assert len(secret) > 200_000
    assert traces(secret, requests, public=public) == []
