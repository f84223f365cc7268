"""The HTML page: one file that needs nothing else, seen in a real browser."""

import html
import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bpnet.inspection.explanation.record import Explanation, explain
from bpnet.report.explanations.html import page
from tests.inspection.explanation.making import LAYERS, TEN, explained, subject_of
from tests.report.explanations.reading import from_plain, value_of

sync_api = pytest.importorskip("playwright.sync_api")
BROWSER = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")


def record_of(text: str) -> dict[str, Any]:
    (embedded,) = re.findall(r'<script type="application/json" id="record">(.*?)</script>', text, re.DOTALL)
    found: dict[str, Any] = json.loads(embedded)
    return found


@pytest.mark.parametrize(("name", "layer"), LAYERS)
def test_it_needs_nothing_else(name: str, layer: int) -> None:
    text = page(explained(name, layer))
    assert set(re.findall(r"https?://[^\"'\s]+", text)) == {"http://www.w3.org/2000/svg"}
    assert "$" not in re.sub(r"\$\{", "", text), "nothing is left to be put in"
    assert not re.search(r"<(link|img|iframe)|@import|url\(|fetch\(|XMLHttpRequest", text)
    assert text.count("<h2>") == len(explained(name, layer).sections)


@pytest.mark.parametrize(("name", "layer"), LAYERS)
def test_what_units_and_lines_tell_holds(name: str, layer: int) -> None:
    record = record_of(page(explained(name, layer), 15))
    texts = [each["text"] for one in record["layers"] for each in (*one["units"], *one["edges"])]
    checked = 0
    for text in texts:
        for equation in text.split("\n\n"):
            lines = [line.partition(" = ")[2] for line in equation.splitlines()]
            if len(lines) > 1:
                values = [value_of(from_plain(line)) for line in lines]
                for value in values[:-1]:
                    if value is not None:
                        checked += 1
                        assert value == pytest.approx(values[-1], rel=1e-9, abs=1e-13), equation
    assert checked > len(record["layers"])


def test_a_wide_layer_is_drawn_in_part() -> None:
    first, second, *_ = record_of(page(explained("wide", 3)))["layers"]
    assert (len(first["units"]), first["more"]) == (8, 32)
    assert (len(second["units"]), second["more"]) == (8, 22)
    assert len(second["edges"]) == 64


def test_what_could_end_the_script_early_does_not() -> None:
    subject = subject_of(TEN["2-2-1"], 2, what="</script><b>a & b")
    text = page(explain(subject))
    assert "<b>" not in text
    assert "&lt;/script&gt;&lt;b&gt;a &amp; b" in text


# In a browser


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    if BROWSER is None:
        pytest.skip("there is no Chromium here")
    with sync_api.sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=BROWSER, args=["--no-sandbox"])
        yield opened
        opened.close()


def shown(browser: Any, folder: Path, explanation: Explanation, **options: Any) -> Any:
    (folder / "page.html").write_text(page(explanation), encoding="utf-8")
    context = browser.new_context(offline=True, **options)
    opened = context.new_page()
    opened.on("pageerror", lambda error: pytest.fail(str(error)))
    opened.goto((folder / "page.html").as_uri())
    return opened


def test_the_keys_play_it_and_every_part_tells_its_formula(browser: Any, tmp_path: Path) -> None:
    opened = shown(browser, tmp_path, explained("2-2-1", 2))
    caption, detail = opened.locator("#caption"), opened.locator("#detail")
    assert caption.inner_text().startswith("1 of 8. The inputs")
    visible = (
        "[...document.querySelectorAll('text.delta')].filter(t => t.style.visibility === 'visible').length"
    )
    assert opened.evaluate(visible) == 0
    for _ in range(4):
        opened.keyboard.press("ArrowRight")
    assert "BP1" in caption.inner_text()
    assert opened.evaluate(visible) == 1
    opened.keyboard.press("ArrowRight")
    assert opened.evaluate(visible) == 3
    opened.keyboard.press("ArrowLeft")
    assert opened.evaluate(visible) == 1
    for _ in range(20):
        opened.keyboard.press("ArrowRight")
    assert caption.inner_text().startswith("8 of 8. The update")
    opened.locator(".unit").nth(2).focus()
    assert "δ²₁ = ∂C/∂a²₁·σ′(z²₁)" in detail.inner_text()
    opened.locator(".edge-hit").first.focus()
    assert "∂C/∂w²₁₁ = δ²₁·a¹₁" in detail.inner_text()
    opened.locator(".unit").nth(4).hover()
    assert "δ³₁ = " in detail.inner_text()


def test_the_slider_the_buttons_and_the_shares(browser: Any, tmp_path: Path) -> None:
    opened = shown(browser, tmp_path, explained("2-2-1", 2))
    opened.locator("#next").click()
    assert opened.locator("#caption").inner_text().startswith("2 of 8")
    opened.locator("#back").click()
    opened.locator("#step").fill("7")
    assert opened.locator("#caption").inner_text().startswith("8 of 8")
    shares = (
        "[...document.querySelectorAll('text.share')].filter(t => t.style.visibility === 'visible').length"
    )
    assert opened.evaluate(shares) == 0
    opened.locator("#shares").check()
    assert opened.evaluate(shares) == 3
    assert opened.locator("text.share").first.text_content().startswith("share ")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", ["2-2-1", "wide", "many classes"])
def test_it_fits_a_phone_in_light_and_dark(browser: Any, tmp_path: Path, name: str, scheme: str) -> None:
    opened = shown(
        browser, tmp_path, explained(name, 2), viewport={"width": 390, "height": 844}, color_scheme=scheme
    )
    assert opened.evaluate("document.documentElement.scrollWidth") <= 390
    paper = opened.evaluate("getComputedStyle(document.body).backgroundColor")
    brightness = sum(map(int, re.findall(r"\d+", paper)[:3])) / 3
    assert (brightness > 200) == (scheme == "light")


def test_the_plane_of_two_inputs_is_drawn(browser: Any, tmp_path: Path) -> None:
    point = TEN["2-2-1"]
    around = (np.concatenate([point.X, [[0.5, -0.5]]]), np.concatenate([point.Y, point.Y]))
    opened = shown(browser, tmp_path, explain(subject_of(point, 2, around=around)))
    colours = opened.evaluate(
        "(() => { const c = document.getElementById('plane'); const d = c.getContext('2d')"
        ".getImageData(0, 0, c.width, c.height).data; const s = new Set();"
        " for (let i = 0; i < d.length; i += 4000) s.add(`${d[i]},${d[i+1]},${d[i+2]}`); return s.size; })()"
    )
    assert colours > 5
    assert record_of(page(explained("2-2-1", 2)))["plane"] is None


@pytest.mark.parametrize(("name", "layer"), LAYERS)
def test_every_equation_of_the_sections_holds(name: str, layer: int) -> None:
    text = page(explained(name, layer), 15)
    tables = re.findall(r'<table class="equation">(.*?)</table>', text, re.DOTALL)
    assert len(tables) > 8
    checked = 0
    for table in tables:
        lines = re.findall(r"<td>=</td><td>(.*?)(?: &nbsp; <span.*?)?</td>", table)
        values = [value_of(from_plain(html.unescape(line))) for line in lines]
        assert values[-1] is not None, table
        for value in values[:-1]:
            if value is not None:
                checked += 1
                assert value == pytest.approx(values[-1], rel=1e-9, abs=1e-13), table
    assert checked > len(tables) / 2
