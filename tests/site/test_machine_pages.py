from __future__ import annotations


def test_robots_may_read_pages_and_catalogue_but_not_searches(client):
    text = client.get("/robots.txt").get_data(as_text=True)
    assert "Disallow: /query/" in text
    assert "Disallow: /dataset?" in text
    assert "Disallow: /api" not in text
    assert "Sitemap: http://portal.test/sitemap.xml" in text


def test_health_is_ok_while_the_catalogue_answers(client):
    answer = client.get("/health")
    assert answer.status_code == 200
    assert answer.get_json()["status"] == "ok"


def test_metrics_are_in_the_form_that_prometheus_reads(client):
    lines = client.get("/metrics").get_data(as_text=True).splitlines()
    values = dict(line.split(" ") for line in lines if not line.startswith("#"))
    assert values["phusa_datasets"] == "3"
    assert int(values["phusa_rows"]) > 800_000
    assert sum(line.startswith("# TYPE") for line in lines) == len(values)


def test_the_signing_keys_come_from_the_configuration(city):
    app = city.app()
    app.config["SIGNING_KEYS"] = lambda: [{"algorithm": "Ed25519", "public_key": "AAAA"}]
    answer = app.test_client().get("/.well-known/portal-signing-keys.json")
    assert answer.get_json() == {"keys": [{"algorithm": "Ed25519", "public_key": "AAAA"}]}
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
