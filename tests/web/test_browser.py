"""The pages in Chromium: a pair is picked, a bad file is sent, nothing is asked of other hosts."""

import os
from pathlib import Path

import pytest
from conftest import flow_csv, flow_row

pytestmark = pytest.mark.browser

CHROMIUM = Path("/usr/bin/chromium")
SWITCHES = [
    "--no-sandbox", "--headless", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
]  # fmt: skip
PAGES = (
    "/",
    "/?lang=fr",
    "/dataflows/MIGDX/DF_MIG_FLOW",
    "/help",
    "/help/unknown_code",
    "/help/sum_of_parts?lang=fr",
    "/structures",
    "/structures?q=area&lang=fr",
    "/structures/codelist/MIGDX/CL_AREA/1.0.0",
    "/structures/datastructure/MIGDX/DSD_MIG_FLOW/1.0.0?lang=fr",
    "/structures/hierarchy/MIGDX/H_AREA/1.0.0",
    "/structures/codelist/MIGDX/CL_MIG_INDICATOR/1.0.0",
    "/structures/metadatastructure/MIGDX/MSD_MIGRATION/1.0.0",
    "/structures/dataconstraint/MIGDX/CR_MIG_FLOW/1.0.0",
    "/structures/representationmap/MIGDX/RM_MIG_STATUS/1.0.0",
    "/structures/provisionagreement/MIGDX/MIG_FLOW_FRA/1.0.0?lang=fr",
    "/help/no_such_check",
)


@pytest.fixture(scope="module")
def browser():
    if not CHROMIUM.is_file():
        reason = f"{CHROMIUM} is missing: apt-get install chromium"
        if os.environ.get("CI", "").lower() in ("", "0", "false"):
            pytest.skip(reason)
        pytest.fail(reason)
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=SWITCHES)
        yield chromium
        chromium.close()


@pytest.fixture(
    params=[(360, "light"), (1440, "light"), (360, "dark")], ids=lambda value: f"{value[0]}-{value[1]}"
)
def tab(request, browser, live):
    """A page of a browser; what the console says, and what is asked of another host, fails the test."""
    width, scheme = request.param
    context = browser.new_context(
        viewport={"width": width, "height": 800}, color_scheme=scheme, locale="en-GB", base_url=live
    )
    tab = context.new_page()
    said, foreign = [], []
    tab.on("console", lambda message: said.append(message.text))
    tab.on("pageerror", lambda error: said.append(str(error)))
    tab.on("request", lambda asked: foreign.append(asked.url) if not asked.url.startswith(live) else None)
    yield tab
    context.close()
    assert said == []
    assert foreign == []


def fits(tab):
    """Nothing is wider than the window."""
    return tab.evaluate("document.documentElement.scrollWidth <= window.innerWidth")


@pytest.mark.parametrize("url", PAGES[:-1])
def test_pages_fit_the_window_and_no_text_is_cut_off(tab, url):
    tab.goto(url)
    assert fits(tab)
    assert tab.locator("h1").count() == 1
    # nothing reaches out of the page's frame, where it would be clipped or lie upon something else
    outside = tab.evaluate(
        "[...document.querySelectorAll('main dd, main td, main th, main li, main p')]"
        ".filter(one => !one.closest('.unseen, thead') && one.scrollWidth > one.clientWidth + 1"
        " && getComputedStyle(one).display !== 'inline').map(one => one.textContent.trim().slice(0, 60))"
    )
    assert outside == []


def test_a_pair_is_picked(tab):
    tab.goto("/")
    tab.get_by_label("From", exact=True).select_option(label="Germany")
    tab.get_by_label("To", exact=True).select_option(label="France")
    tab.get_by_role("button", name="Show").click()
    tab.wait_for_url("**/?from=276&to=250#pair")
    table = tab.get_by_role("table", name="Migration from Germany to France")
    assert table.get_by_role("row").filter(has_text="2018").inner_text().split()[:3] == [
        "2018",
        "1,800",
        "3,018",
    ]
    drawings = [drawing for drawing in tab.locator(".chart svg").all() if drawing.is_visible()]
    assert len(drawings) == 1
    assert "reported" in drawings[0].text_content()
    assert fits(tab)
    tab.get_by_role("link", name="The opposite direction").click()
    tab.get_by_role("heading", name="Migration from France to Germany").wait_for()


def test_a_drawing_stays_inside_its_page(tab):
    tab.goto("/?from=276&to=250")
    svg = next(drawing for drawing in tab.locator(".chart svg").all() if drawing.is_visible())
    outside = svg.evaluate(
        "svg => [...svg.querySelectorAll('text')].filter(text => {"
        " const a = text.getBoundingClientRect(), b = svg.getBoundingClientRect();"
        " return a.left < b.left - 1 || a.right > b.right + 1 || a.top < b.top - 1 "
        "|| a.bottom > b.bottom + 1 })"
        ".map(text => text.textContent)"
    )
    assert outside == []


def test_a_bad_file_is_sent_and_its_report_says_where(tab, tmp_path):
    file = tmp_path / "bad.csv"
    file.write_bytes(
        flow_csv(flow_row("250", "IMMIG", "276", 2018, 5), flow_row("250", "IMMIG", "FR", 2019, 5))
    )
    tab.goto("/")
    tab.get_by_label("File", exact=True).set_input_files(file)
    tab.get_by_label("Data provider").select_option(label="France")
    tab.get_by_role("button", name="Check the file").click()
    tab.get_by_role("heading", name="This file would be rejected").wait_for()
    finding = tab.get_by_role("listitem").filter(has_text="unknown_code")
    assert "Counterpart area [COUNTERPART_AREA] has no code 'FR'" in finding.inner_text()
    cells = finding.get_by_role("row").nth(1).get_by_role("cell").all_inner_texts()
    assert cells[:3] == ["3", "8 (H)", "FR"]

    assert fits(tab)
    finding.get_by_role("link", name="what it means").click()
    tab.get_by_role("heading", name="unknown_code").wait_for()


def test_the_keyboard_reaches_the_content_first(tab):
    tab.goto("/")
    tab.keyboard.press("Tab")
    skip = tab.get_by_role("link", name="Skip to the content")
    assert skip.evaluate("link => link === document.activeElement && link.getBoundingClientRect().left >= 0")


def test_text_stands_out_from_its_ground(tab):
    """WCAG AA, 1.4.3: 4.5 to 1 for every colour that text has, on both grounds."""
    tab.goto("/")
    ratios = tab.evaluate(
        """() => {
        const box = document.createElement('canvas').getContext('2d', {willReadFrequently: true});
        const style = getComputedStyle(document.documentElement);
        const light = name => {
            box.fillStyle = style.getPropertyValue('--' + name).trim();
            box.fillRect(0, 0, 1, 1);
            const [r, g, b] = [...box.getImageData(0, 0, 1, 1).data].slice(0, 3).map(v => v / 255)
                .map(v => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
            return 0.2126 * r + 0.7152 * g + 0.0722 * b;
        };
        const found = {};
        for (const ground of ['paper', 'tint'])
            for (const ink of ['ink', 'quiet', 'link', 'first', 'second', 'error', 'warning', 'good']) {
                const [a, b] = [light(ground), light(ink)].sort((x, y) => y - x);
                found[ink + ' on ' + ground] = (a + 0.05) / (b + 0.05);
            }
        return found;
    }"""
    )
    assert {pair: ratio for pair, ratio in ratios.items() if ratio < 4.5} == {}


def test_a_bad_file_is_looked_at_before_it_is_sent(tab, tmp_path):
    """The script shows what it finds; nothing but the rules is asked of the service."""
    file, asked = tmp_path / "bad.csv", []
    file.write_bytes(
        flow_csv(
            flow_row("250", "IMMIG", "276", 2018, 5),
            flow_row("250", "IMMIG", "FR", 2019, 5),
            flow_row("250", "IMMIG", "276", "2020-Q5", "n.a."),
        )
    )
    tab.goto("/?lang=en#check")
    tab.on("request", lambda request: asked.append((request.method, request.url.split("/", 3)[3])))
    tab.get_by_label("File", exact=True).set_input_files(file)
    here = tab.locator("[data-check]")
    finding = here.get_by_role("listitem").filter(has_text="unknown_code")
    finding.wait_for()
    assert "COUNTERPART_AREA has no code 'FR'" in finding.inner_text()
    assert "line 3, column 8" in finding.inner_text()
    assert here.locator(".finding").count() == 3
    assert "Whatever compares figures" in here.inner_text()
    asked = [one for one in asked if not one[1].startswith("static/")]
    assert [method for method, _ in asked] == ["GET"]
    assert asked[0][1].startswith("rules/MIGDX%3ADF_MIG_FLOW(1.0.0).json")
    assert fits(tab)
    tab.get_by_label("Data provider").select_option(label="Germany")
    here.get_by_role("listitem").filter(has_text="not_your_area").wait_for()
    other = tmp_path / "other.xml"
    other.write_bytes(b"<xml/>")
    tab.get_by_label("File", exact=True).set_input_files(other)
    here.get_by_text("only SDMX-CSV is").wait_for()
