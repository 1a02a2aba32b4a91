"""What the tests of the command line share."""

import inspect
import os
from typing import Any

from typer.testing import CliRunner

from spherical_gae.cli.app import app

# Before its version 8.2, click mixes stderr into stdout unless told not to.
_APART: dict[str, Any] = {"mix_stderr": False} if "mix_stderr" in inspect.signature(CliRunner).parameters else {}


def cli_runner() -> CliRunner:
    """A runner that keeps stderr apart."""
    return CliRunner(**_APART)


def call(*arguments: Any) -> Any:
    """Runs ``spherical-gae`` with these arguments."""
    return cli_runner().invoke(app, [*map(str, arguments)])


def assert_refused(result: Any, option: str, *fragments: str) -> None:
    """Exit code 2 and one line on stderr, which names the option and says what is wrong or allowed."""
    assert result.exit_code == 2, result.output
    assert result.stdout == ""
    (line,) = result.stderr.splitlines()
    assert line.startswith(f"Error: {option}: ")
    for fragment in fragments:
        assert fragment in line


def assert_refused_at_once(result: Any, option: str, *fragments: str) -> None:
    """Refused before anything was written into the working folder."""
    assert_refused(result, option, *fragments)
    assert os.listdir() == []
