"""The command ``spherical-gae``; its commands are in files of their own, and load torch only when they run."""

from __future__ import annotations

import io
import sys
from typing import Annotated

import typer

import spherical_gae
from spherical_gae.cli.embed import embed
from spherical_gae.cli.neighbors import neighbors
from spherical_gae.cli.suggest import suggest
from spherical_gae.cli.train import train
from spherical_gae.cli.train_m1m2 import train_m1m2
from spherical_gae.cli.train_vae import train_vae
from spherical_gae.cli.transform import transform
from spherical_gae.cli.view import view

app = typer.Typer(
    add_completion=False,
    pretty_exceptions_enable=False,
    no_args_is_help=True,
    rich_markup_mode=None,
    help="Spherical autoencoders, of graphs above all: train them, and see what they reach.",
)
app.command("embed")(embed)
app.command("suggest")(suggest)
app.command("neighbors")(neighbors)
app.command("transform")(transform)
app.command("view")(view)
app.command("train")(train)
app.command("train-vae")(train_vae)
app.command("train-m1m2")(train_m1m2)


def main() -> None:
    """Runs the command."""
    for stream in (sys.stdout, sys.stderr):
        # Ids are of any script; where the terminal's encoding lacks it, escapes are printed.
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    app(prog_name="spherical-gae")


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"spherical-gae {spherical_gae.__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and stop.")
    ] = False,
) -> None:
    """Options of all commands; the version is printed by its callback."""
