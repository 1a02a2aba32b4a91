import json

from spherical_gae.data.readers.report import ReadReport


def test_sentences() -> None:
    report = ReadReport("g.csv", "text, cells divided by commas", 1200, 2000, 1, 1, 2, 3)
    report.header, report.columns_used = ["a", "b"], {"source": "'a'"}
    report.columns_left_out, report.attributes_left_out = {"'c'": "text"}, {"'x'": "it is empty"}
    report.attributes_used = [f"f{k}" for k in range(25)]
    report.notes, report.warnings = ["A note."], ["look here"]
    assert str(report).splitlines() == [
        "g.csv: text, cells divided by commas.",
        "1,200 nodes, 2,000 links.",
        "1 node has no link.",
        "1 edge repeats another one: merged.",
        "2 self-loops: dropped.",
        "3 links are given in both directions: counted once.",
        "The first line is a header: a, b.",
        "Column used as source: 'a'.",
        "Column left out: 'c', text.",
        f"Features: {', '.join(f'f{k}' for k in range(20))} and 5 more.",
        "Attribute left out: 'x', it is empty.",
        "A note.",
        "Warning: look here",
    ]


def test_plain_values_survive_json() -> None:
    report = ReadReport("g.csv", "text", directed=True, num_links=3)
    assert ReadReport(**json.loads(json.dumps(report.to_dict()))) == report
    assert "3 directed links" in str(report)
