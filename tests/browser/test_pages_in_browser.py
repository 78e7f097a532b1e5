from __future__ import annotations

import pytest
from samples.sample_city import PASSWORD, id_of

pytestmark = [pytest.mark.slow, pytest.mark.server]

D = "/dataset/phan-anh-1022"
PUBLIC = [
    *("/", "/en/", "/dataset", "/en/dataset?q=khong+khi&organization=so-moi-truong", "/dataset?q=zzzz"),
    *(
        D,
        f"/en{D}",
        "/en/dataset/quan-trac-khong-khi",
        f"{D}/api",
        f"/en{D}/dictionary",
        f"{D}/releases",
        f"{D}/quality",
        f"{D}/privacy",
        f"/en{D}/privacy",
    ),
    *("/r/phan-anh-1022/2026-11-20.1/", f"{D}/resource/{id_of('phan-anh-1022/phan_anh.parquet')}"),
    *(
        "/organization",
        "/en/organization/tong-dai-1022",
        "/group",
        "/about",
        "/en/developers",
        "/user/login",
        "/en/user/reset",
        "/user/password",
        "/khong-co",
    ),
]
WORKSPACE = [
    *("/workspace", "/en/workspace", "/workspace/datasets/phan-anh-1022", "/workspace/datasets/doanh-nghiep"),
    *("/workspace/runs/waiting", "/en/workspace/runs/drift", "/account", "/en/account"),
    "/workspace/datasets/phan-anh-1022/roll-back/2026-11-20.1",
    "/workspace/datasets/phan-anh-1022/withdraw/2026-11-20.1",
]
STANDARDS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]


def sign_in(page, portal):
    page.goto(f"{portal}/user/login")
    page.fill("#name", "approver")
    page.fill("#password", PASSWORD)
    page.click("form.fields button")


def faults_of(page, axe):
    page.evaluate(axe)
    found = page.evaluate("tags => axe.run(document, {runOnly: tags})", STANDARDS)
    return [(fault["id"], [node["html"][:120] for node in fault["nodes"]][:3]) for fault in found["violations"]]


@pytest.mark.parametrize("path", PUBLIC)
@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (390, "dark")])
def test_public_pages_are_accessible(open_page, axe, path, width, scheme):
    assert faults_of(open_page(path, width=width, scheme=scheme), axe) == []


@pytest.mark.parametrize(("width", "scheme"), [(1280, "dark"), (390, "light")])
def test_workspace_pages_are_accessible(open_page, portal, axe, width, scheme):
    page = open_page("/", width=width, scheme=scheme)
    sign_in(page, portal)
    for path in WORKSPACE:
        page.goto(f"{portal}{path}")
        assert faults_of(page, axe) == [], path


@pytest.mark.parametrize("width", [320, 390, 768])
def test_no_page_scrolls_sideways(open_page, portal, width):
    page = open_page("/", width=width)
    sign_in(page, portal)
    for path in PUBLIC + WORKSPACE:
        page.goto(f"{portal}{path}")
        too_wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        assert too_wide == 0, path


@pytest.mark.parametrize("path", ["/", D, f"{D}/api"])
def test_nothing_is_asked_of_anybody_else_and_little_of_us(open_page, portal, path):
    page = open_page(path)
    page.wait_for_load_state("networkidle")
    assert all(url.startswith(f"{portal}/") for url in page.asked)
    assert len(page.asked) <= 12
    assert page.complaints == []


def test_fonts_of_a_page_stay_under_seventy_kilobytes(open_page):
    page = open_page(D)
    page.wait_for_load_state("networkidle")
    sizes = page.evaluate(
        "performance.getEntriesByType('resource').filter(r => r.name.includes('woff2')).map(r => r.decodedBodySize)"
    )
    assert sum(sizes) < 70_000


def test_searching_narrowing_and_reading_need_no_script(open_page):
    page = open_page("/", javascript=False)
    page.fill("input[name=q]", "khong khi")
    page.click("form.search button")
    page.click("aside .facet a >> nth=0")
    page.click("ul.rows h3 a")
    assert page.locator("table tbody tr").count() == 20
    page.click("a.other-language")
    assert page.get_attribute("html", "lang") == "en"
    assert page.url.endswith("/en/dataset/quan-trac-khong-khi")


def test_deciding_needs_no_script(open_page, portal):
    page = open_page("/user/login", javascript=False)
    sign_in(page, portal)
    page.goto(f"{portal}/workspace/datasets/phan-anh-1022")
    page.click("summary.button")
    page.fill("#reason", "source moves")
    page.click("details form button")
    assert page.locator(".says.done").count() == 1
    assert "source moves" in page.inner_text("main")
    page.click("section.actions button")
    assert page.locator(".says.done").count() == 1


def test_the_first_stop_of_the_keyboard_leads_past_the_navigation(open_page):
    page = open_page(D)
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    assert page.locator("a.skip").bounding_box()["x"] >= 0
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    assert page.evaluate("document.querySelector('main').contains(document.activeElement)")


def test_the_focus_can_be_seen_at_every_stop(open_page):
    page = open_page(D)
    for _ in range(25):
        page.keyboard.press("Tab")
        outline = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
        assert outline != "none"


def test_a_snippet_is_copied_as_it_stands(open_page, portal):
    page = open_page(f"{D}/api")
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.click(".snippet button >> nth=0")
    copied = page.evaluate("navigator.clipboard.readText()")
    assert copied.startswith(f'curl "{portal}/api/3/action/datastore_search?resource_id=')


def test_paper_carries_the_content_without_the_controls(open_page):
    page = open_page(D)
    page.emulate_media(media="print")
    assert page.locator("nav.tabs").is_hidden()
    assert page.locator("h1").is_visible()
    assert page.locator("table").is_visible()
