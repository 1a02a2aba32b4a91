"""The globe in a browser."""

import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import torch
from torch.nn import functional as F  # noqa: N812

from spherical_gae.plotting import write_globe
from spherical_gae.retrieval import TopK
from tests.helpers.chromium import chromium

pytestmark = pytest.mark.slow
NUM_NODES = 40
NASTY = ["<script>document.title = 'read'</script>", "<b>bold</b>", "&lt;i&gt;", "{{title}}"]
NAMES = [*NASTY, *(f"node {row}" for row in range(len(NASTY), NUM_NODES))]
LINKS = torch.tensor([[0, 0, 1], [1, 2, 5]])
NODES, NEAREST, SELECTED, OWN_LINKS, SUGGESTIONS = 5, 6, 7, 3, 4


def embedding() -> torch.Tensor:
    return F.normalize(torch.randn(NUM_NODES, 6, generator=torch.Generator().manual_seed(0)), dim=1)


def wait_for(condition: Callable[[], Any]) -> Any:
    deadline = time.monotonic() + 60
    while not (value := condition()):
        assert time.monotonic() < deadline, "the page did not get there"
        time.sleep(0.05)
    return value


@pytest.fixture(scope="module")
def loaded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    pytest.importorskip("plotly", reason="needs the extra view: pip install 'spherical-gae[view]'")
    path = tmp_path_factory.mktemp("page") / "view.html"
    indices = (torch.arange(NUM_NODES).view(-1, 1) + torch.tensor([7, 9])) % NUM_NODES
    write_globe(
        path,
        embedding(),
        node_ids=NAMES,
        edge_index=LINKS,
        labels=["<i>x</i>" if row % 2 else "y" for row in range(NUM_NODES)],
        clusters=[row % 3 for row in range(NUM_NODES)],
        concentration=torch.arange(NUM_NODES) + 1.0,
        suggestions=TopK(torch.tensor([[0.8, 0.4]]).expand(NUM_NODES, 2), indices),
        title="A <b>title</b>",
    )
    with chromium() as page:
        page.get(path.as_uri())
        wait_for(lambda: page.execute_script("return document.body.dataset.ready === 'yes'"))
        yield page


@pytest.fixture
def page(loaded: Any) -> Any:
    loaded.execute_script(
        "document.getElementById('search').value = ''; document.getElementById('clear').click();"
        "const color = document.getElementById('color'); color.value = '0'; color.onchange();"
    )
    return loaded


def trace(page: Any, number: int) -> dict[str, Any]:
    script = (
        "const t = document.getElementById('globe').data[arguments[0]];"
        "return {x: t.x, customdata: t.customdata, color: t.marker && t.marker.color, hovertext: t.hovertext};"
    )
    return page.execute_script(script, number)


def text(page: Any, element: str) -> str:
    return page.execute_script("return document.getElementById(arguments[0]).innerText", element)


def search(page: Any, words: str) -> None:
    field = page.find_element("id", "search")
    field.clear()
    field.send_keys(words)


def test_loads_from_the_file_alone_and_without_an_error(page: Any) -> None:
    assert not [entry for entry in page.get_log("browser") if entry["level"] == "SEVERE"]
    assert page.execute_script("return performance.getEntriesByType('resource').length") == 0
    assert page.execute_script("return document.querySelectorAll('#globe canvas').length") > 0
    assert "3 principal directions of embeddings of 6 coordinates" in text(page, "projection")
    assert text(page, "summary") == "40 nodes, 3 links"
    assert len(trace(page, NODES)["x"]) == NUM_NODES


def test_the_globe_is_drawn(page: Any) -> None:
    """Its picture has the colours of the nodes."""
    found = page.execute_async_script(
        "const done = arguments[0], picture = new Image();"
        "Plotly.toImage('globe', {format: 'png', width: 400, height: 400}).then((url) => { picture.src = url; });"
        "picture.onload = () => { const canvas = document.createElement('canvas'); canvas.width = canvas.height = 400;"
        "const context = canvas.getContext('2d'); context.drawImage(picture, 0, 0);"
        "const pixels = context.getImageData(0, 0, 400, 400).data, seen = {};"
        "for (let i = 0; i < pixels.length; i += 4) {"
        "  const key = [pixels[i], pixels[i + 1], pixels[i + 2]].join(); seen[key] = (seen[key] || 0) + 1; }"
        "done(seen); };"
    )
    # Blue and orange, the first two colours.
    assert found.get("76,120,168", 0) > 100
    assert found.get("245,133,24", 0) > 100


def test_search_finds_a_node(page: Any) -> None:
    search(page, "NODE 1")
    matches = wait_for(lambda: text(page, "matches").splitlines())
    assert matches == [*(f"node {row}" for row in range(10, 18)), "and 2 more"]
    search(page, "node 17\n")
    assert wait_for(lambda: text(page, "selected")) == "node 17"
    assert trace(page, SELECTED)["customdata"] == [17]
    search(page, "nobody")
    assert wait_for(lambda: text(page, "matches")) == "No node on this page has such an id."


def test_a_node_is_shown_with_its_nearest_and_likely_partners(page: Any) -> None:
    search(page, "node 5\n")
    wait_for(lambda: text(page, "selected") == "node 5")
    cosine = embedding() @ embedding()[5]
    cosine[5] = -2
    scores, order = cosine.topk(10)
    nearest = text(page, "nearest").split("\n")
    assert nearest[::2] == [NAMES[row] for row in order.tolist()]
    # Row 1 is linked to row 5.
    assert nearest[1::2] == [
        ("linked " if row == 1 else "") + f"{score:.2f}" for row, score in zip(order, scores, strict=True)
    ]
    assert text(page, "suggested").split("\n") == ["node 12", "0.80", "node 14", "0.40"]
    assert trace(page, NEAREST)["customdata"] == order.tolist()
    # One gap at the end of each great circle.
    assert trace(page, SUGGESTIONS)["x"].count(None) == 2
    assert trace(page, OWN_LINKS)["x"].count(None) == 1
    page.execute_script("document.querySelector('#suggested button').click()")
    assert wait_for(lambda: text(page, "selected") == "node 12")


def test_a_click_on_the_globe_selects(page: Any) -> None:
    page.execute_script("document.getElementById('globe').emit('plotly_click', {points: [{customdata: 8}]})")
    assert wait_for(lambda: text(page, "selected")) == "node 8"


def test_colours_change(page: Any) -> None:
    seen = {}
    for number in range(5):
        page.execute_script(
            "const c = document.getElementById('color'); c.selectedIndex = arguments[0]; c.onchange();", number
        )
        seen[page.execute_script("return document.getElementById('color').selectedOptions[0].text")] = trace(
            page, NODES
        )["color"]
    assert list(seen) == ["class", "cluster", "degree", "concentration", "nothing"]
    by_class, by_cluster, by_number = seen["class"], seen["cluster"], seen["concentration"]
    assert len({*by_class[::2]}) == len({*by_class[1::2]}) == 1
    assert by_class[0] != by_class[1]
    assert by_cluster[:3] == by_cluster[3:6]
    assert len({*by_cluster}) == 3
    assert (by_number[0], by_number[-1]) == ("rgb(68,1,84)", "rgb(253,231,37)")
    assert len({*by_number}) == NUM_NODES


def test_a_class_is_faded(page: Any) -> None:
    before = trace(page, NODES)["color"]
    page.execute_script("document.querySelectorAll('#legend button')[1].click()")
    after = trace(page, NODES)["color"]
    assert after[1::2] == before[1::2]
    assert {*after[::2]} == {"#dfe3e8"}


def test_names_are_text(page: Any) -> None:
    assert page.execute_script("return document.title") == "A <b>title</b>"
    for row, name in enumerate(NASTY):
        search(page, name + "\n")
        assert wait_for(lambda name=name: text(page, "selected") == name)
        assert page.execute_script("return document.getElementById('selected').children.length") == 0
        hover = trace(page, NODES)["hovertext"][row]
        assert hover.startswith("<b>" + name.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;") + "</b>")
    assert "class: &lt;i&gt;x&lt;/i&gt;" in trace(page, NODES)["hovertext"][1]
    assert "<i>x</i>" in text(page, "legend")
    assert page.execute_script("return document.title") == "A <b>title</b>"


def test_a_hovered_name_is_drawn_as_text(page: Any) -> None:
    """Plotly draws its labels as SVG, from a markup of its own."""
    search(page, NASTY[1] + "\n")
    wait_for(lambda: text(page, "selected") == NASTY[1])

    def label() -> str:
        from selenium.webdriver import ActionChains

        globe = page.find_element("id", "globe")
        # The selected node is in the middle.
        ActionChains(page).move_to_element_with_offset(globe, 3, 3).move_to_element_with_offset(globe, 0, 0).perform()
        time.sleep(0.3)
        return page.execute_script(
            "return [...document.querySelectorAll('#globe .hovertext')].map((label) => label.textContent).join()"
        )

    assert NASTY[1] in wait_for(label)
