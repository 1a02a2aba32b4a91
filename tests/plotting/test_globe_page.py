"""The globe's page in a real browser: one browser and one page for all of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
import torch
from torch.nn import functional as F  # noqa: N812

from spherical_gae.plotting import write_globe
from spherical_gae.retrieval import TopK
from tests.helpers.chromium import chromium

pytest.importorskip("plotly", reason="needs the extra view: pip install 'spherical-gae[view]'")
pytestmark = pytest.mark.slow

NASTY = "<script>window.hurt = 1</script>"
NASTIER = '<img src="x" onerror="window.hurt = 2">&amp;<b>bold</b>'
NAMES = ["Ann", "Anna", "Hannah", "Ben", "Cy", "Di", NASTY, NASTIER]
LINKS = torch.tensor([[0, 0, 1, 3, 4, 6], [1, 2, 2, 4, 5, 7]])
# The place of the nodes among what is drawn, see ``traces`` in globe.js.
LINKS_TRACE, NODES_TRACE, NAMES_TRACE = 2, 5, 8
# Counts what WebGL draws; before any script of the page.
COUNT_DRAWS = """
window.draws = 0;
for (const kind of [WebGLRenderingContext, WebGL2RenderingContext])
  for (const name of ["drawArrays", "drawElements"]) {
    const draw = kind.prototype[name];
    kind.prototype[name] = function (...values) { window.draws += 1; return draw.apply(this, values); };
  }
"""
AFTER_FRAMES = """
const [count, done] = arguments;
const next = (left) => (left ? requestAnimationFrame(() => next(left - 1)) : done(window.draws));
next(count);
"""


def embedding() -> torch.Tensor:
    return F.normalize(torch.randn(len(NAMES), 5, generator=torch.Generator().manual_seed(0)), dim=1)


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """A page with all that it can have, in a window that needs no scrolling."""
    path = tmp_path_factory.mktemp("globe") / "view.html"
    likely = TopK(torch.tensor([[0.9, 0.5]] * len(NAMES)), torch.tensor([[3, 6]] * len(NAMES)))
    write_globe(
        path,
        embedding(),
        node_ids=NAMES,
        edge_index=LINKS,
        labels=["x", "y", "x", "y", NASTY, "x", "y", None],
        concentration=torch.arange(1, 9),
        suggestions=likely,
        title=NASTY,
    )
    with chromium(width=800, height=560) as browser:
        browser.execute_cdp_cmd("Page.addScriptToEvaluateOnNewDocument", {"source": COUNT_DRAWS})
        browser.get(path.as_uri())
        until(browser, lambda: browser.execute_script("return document.body.dataset.ready") == "yes")
        yield browser


def until(browser: Any, condition: Callable[[], Any]) -> Any:
    """Waits for what has to come, up to two minutes: a busy machine draws slowly."""
    from selenium.webdriver.support.ui import WebDriverWait

    return WebDriverWait(browser, 120, poll_frequency=0.05).until(lambda _: condition())


def text(browser: Any, name: str) -> str:
    return browser.execute_script("return document.getElementById(arguments[0]).textContent", name)


def entries(browser: Any, name: str) -> list[str]:
    """What a list on the page offers: the first part of each of its lines."""
    script = "return [...document.querySelectorAll(arguments[0])].map((part) => part.textContent)"
    return browser.execute_script(script, f"#{name} button > span:first-of-type")


def search(browser: Any, query: str) -> None:
    field = browser.find_element("id", "search")
    field.clear()
    field.send_keys(query)


def choose(browser: Any, query: str) -> None:
    from selenium.webdriver.common.keys import Keys

    search(browser, query)
    browser.find_element("id", "search").send_keys(Keys.ENTER)


def drawn(browser: Any, trace: int, *names: str) -> Any:
    """A value of what plotly draws."""
    script = "return arguments[1].reduce((at, name) => at[name], document.getElementById('globe').data[arguments[0]])"
    return browser.execute_script(script, trace, names)


def eye(browser: Any) -> list[float]:
    script = "const eye = document.getElementById('globe').layout.scene.camera.eye; return [eye.x, eye.y, eye.z]"
    return browser.execute_script(script)


def test_it_loads_without_an_error_and_says_what_it_shows(page: Any) -> None:
    assert not [entry for entry in page.get_log("browser") if entry["level"] == "SEVERE"]
    assert text(page, "summary") == "8 nodes, 6 links"
    assert "3 principal directions of embeddings of 5 coordinates" in text(page, "projection")
    assert page.execute_script("return window.draws") > 0
    assert drawn(page, NODES_TRACE, "x", "length") == len(NAMES)


def test_names_are_text_whatever_is_in_them(page: Any) -> None:
    assert page.title == NASTY
    for name, other in ((NASTY, NASTIER), (NASTIER, NASTY)):
        choose(page, name)
        assert text(page, "selected") == name
        assert other in entries(page, "nearest")
    assert NASTY in entries(page, "legend")
    search(page, "<")
    assert entries(page, "matches") == [NASTY, NASTIER]
    # Plotly reads a few tags itself: it is given none of theirs.
    hover = drawn(page, NODES_TRACE, "hovertext")
    assert hover[6].startswith("<b>&lt;script&gt;window.hurt = 1&lt;/script&gt;</b><br>")
    assert drawn(page, NAMES_TRACE, "text")[6:] == ["<\u200bscript>window.hurt = 1…", '<\u200bimg src="x" onerror="w…']
    assert page.execute_script("return window.hurt") is None
    assert page.execute_script("return document.querySelectorAll('aside script, aside img, #globe script').length") == 0


def test_search_finds_a_node_and_shows_its_neighbors(page: Any) -> None:
    search(page, "ann")
    assert entries(page, "matches") == ["Ann", "Anna", "Hannah"]
    choose(page, "anna")
    assert text(page, "selected") == "Anna"
    cosine = embedding() @ embedding()[1]
    assert entries(page, "nearest") == [NAMES[row] for row in cosine.argsort(descending=True) if row != 1]
    linked = page.execute_script(
        "return [...document.querySelectorAll('#nearest button')].filter((part) => part.textContent.includes('linked'))"
        ".map((part) => part.title)"
    )
    assert sorted(linked) == ["Ann", "Hannah"]
    assert entries(page, "suggested") == ["Ben", NASTY]
    search(page, "nobody")
    assert "No node on this page has such an id" in text(page, "matches")


def test_colors_change(page: Any) -> None:
    from selenium.webdriver.support.ui import Select

    menu = Select(page.find_element("id", "color"))
    assert [option.text for option in menu.options] == ["class", "degree", "concentration", "nothing"]
    by_class = drawn(page, NODES_TRACE, "marker", "color")
    assert by_class[0] == by_class[2] == by_class[5] != by_class[1]
    menu.select_by_visible_text("concentration")
    by_number = drawn(page, NODES_TRACE, "marker", "color")
    assert len(set(by_number)) == len(NAMES)
    menu.select_by_visible_text("class")
    # A click on a class fades it.
    page.find_element("xpath", "//div[@id='legend']/button[span='x']").click()
    faded = drawn(page, NODES_TRACE, "marker", "color")
    assert [row for row in range(len(NAMES)) if faded[row] != by_class[row]] == [0, 2, 5]
    page.find_element("xpath", "//div[@id='legend']/button[span='x']").click()
    assert drawn(page, NODES_TRACE, "marker", "color") == by_class


def test_links_are_great_circles_that_can_be_hidden(page: Any) -> None:
    x, y, z = (drawn(page, LINKS_TRACE, axis) for axis in "xyz")
    arcs = [row for row in zip(x, y, z, strict=True) if None not in row]
    assert len(x) - len(arcs) == LINKS.size(1)
    for row in arcs:
        assert sum(value * value for value in row) == pytest.approx(1, abs=1e-4)
    page.find_element("id", "links").click()
    assert drawn(page, LINKS_TRACE, "visible") is False
    page.find_element("id", "links").click()
    assert drawn(page, LINKS_TRACE, "visible") is True


def test_the_mouse_turns_the_globe_and_picks_a_node(page: Any) -> None:
    from selenium.webdriver.common.action_chains import ActionChains

    choose(page, "Cy")  # which turns it to the middle
    globe, before = page.find_element("id", "globe"), eye(page)
    page.find_element("id", "clear").click()
    assert not page.find_element("id", "selection").is_displayed()
    label = "return [...document.querySelectorAll('.hovertext')].map((part) => part.textContent).join()"
    ActionChains(page).move_to_element(globe).perform()
    until(page, lambda: page.execute_script(label).startswith("Cy"))
    ActionChains(page).click().perform()
    assert page.find_element("id", "selection").is_displayed()
    assert text(page, "selected") == "Cy"
    ActionChains(page).move_to_element(globe).click_and_hold().move_by_offset(40, 25).release().perform()
    until(page, lambda: eye(page) != before)


def test_an_idle_page_draws_nothing(page: Any) -> None:
    choose(page, "Ben")
    # What was asked for is drawn in the first frames.
    until(page, lambda: page.execute_async_script(AFTER_FRAMES, 10) == page.execute_async_script(AFTER_FRAMES, 10))
    before = page.execute_script("return window.draws")
    assert page.execute_async_script(AFTER_FRAMES, 40) == before
    search(page, "ann")  # a list of text
    assert page.execute_async_script(AFTER_FRAMES, 10) == before


def test_a_narrow_window_has_the_globe_above_the_panel(page: Any) -> None:
    page.set_window_size(420, 800)
    box = "const {top, bottom, width} = document.querySelector(arguments[0]).getBoundingClientRect();"
    box += "return [top, bottom, width]"
    until(page, lambda: page.execute_script(box, "aside")[0] >= page.execute_script(box, "#globe")[1])
    assert page.execute_script(box, "#globe")[2] > 300
    # The picture follows the window a moment later.
    until(page, lambda: page.execute_script("return document.documentElement.scrollWidth <= window.innerWidth"))


def test_nothing_of_all_that_left_an_error(page: Any) -> None:
    assert not [entry for entry in page.get_log("browser") if entry["level"] == "SEVERE"]
    assert page.execute_script("return window.hurt") is None
