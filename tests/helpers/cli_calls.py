"""What the tests of the command line share."""

from typing import Any


def assert_refused(result: Any, option: str, *fragments: str) -> None:
    """Exit code 2 and one line on stderr, which names the option and says what is wrong or allowed."""
    assert result.exit_code == 2, result.output
    assert result.stdout == ""
    (line,) = result.stderr.splitlines()
    assert line.startswith(f"Error: {option}: ")
    for fragment in fragments:
        assert fragment in line
