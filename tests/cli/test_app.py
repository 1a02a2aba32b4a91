"""The command itself: its help lists every command, its version is the package's."""

import spherical_gae
from spherical_gae.cli.app import app
from tests.helpers.cli_calls import call


def test_version() -> None:
    result = call("--version")
    assert result.exit_code == 0
    assert result.stdout == f"spherical-gae {spherical_gae.__version__}\n"


def test_help_lists_every_command_with_a_sentence() -> None:
    result = call("--help")
    names = [command.name for command in app.registered_commands]
    assert names == ["embed", "suggest", "neighbors", "transform", "view", "train", "train-vae", "train-m1m2"]
    for name in names:
        (line,) = (text for text in result.stdout.splitlines() if text.split()[:1] == [name])
        assert len(line.split()) > 4


def test_without_a_command_there_is_help() -> None:
    assert "Usage" in call().output


def test_unknown_command_is_refused() -> None:
    result = call("embed-all")
    assert result.exit_code == 2
    assert "embed-all" in result.output + result.stderr
