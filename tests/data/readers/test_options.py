import json

from spherical_gae.data.readers.options import ReadingOptions


def test_options_survive_json() -> None:
    for options in (
        ReadingOptions(),
        ReadingOptions(node_attributes="none", standardize=True, header=False),
        ReadingOptions("a", 2, "w", 4, ("x", "y"), "class", True, False, "auto", True, ";", ""),
    ):
        assert ReadingOptions.from_dict(json.loads(json.dumps(options.to_dict()))) == options


def test_what_differs_from_the_defaults() -> None:
    assert ReadingOptions().changed() == []
    assert ReadingOptions(header=False, comment="").changed() == ["header", "comment"]


def test_runs_from_before_had_no_options() -> None:
    assert ReadingOptions.from_dict({}) == ReadingOptions()
