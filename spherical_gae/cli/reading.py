"""The options of all commands that read a graph's file: columns, attributes, directions, and what is text."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Mapping
from typing import Annotated, Any, NoReturn

import typer

from spherical_gae.cli.options import FLAGS, fail, option_name
from spherical_gae.data.readers.options import ReadingOptions

_READING = "reading"
_OPTIONS: Mapping[str, Any] = {
    "source": Annotated[
        str | None,
        typer.Option(help="Column of a table's first ends, by name or by number from 1. Default: found out."),
    ],
    "target": Annotated[str | None, typer.Option(help="Column of the second ends. Default: found out.")],
    "weight": Annotated[
        str, typer.Option(help="Column, or attribute of the edges, that holds weights; auto to find it; none.")
    ],
    "time": Annotated[
        str | None,
        typer.Option(help="Column, or attribute of the edges, that holds times: links are then split by time."),
    ],
    "node_attributes": Annotated[
        str,
        typer.Option(
            help="Attributes of the nodes, or columns of the features, to be features: auto, none, or names divided by "
            "commas. auto leaves out names, drawings and statistics of the graph."
        ),
    ],
    "labels": Annotated[str | None, typer.Option(help="Attribute of the nodes that holds their classes.")],
    "directed": Annotated[bool, typer.Option("--directed", help="Keep the directions of the links.")],
    "bipartite": Annotated[
        bool | None,
        typer.Option(
            "--bipartite/--one-kind",
            help="Whether the two columns of a table hold nodes of two kinds. Default: what the file says.",
        ),
    ],
    "standardize": Annotated[
        bool | None,
        typer.Option(
            "--standardize/--as-they-are",
            help="Whether numbers among the features get the mean 0 and the standard deviation 1. Default: those with "
            "a value beyond 10.",
        ),
    ],
    "header": Annotated[
        bool | None,
        typer.Option(
            "--header/--no-header", help="Whether the first line of text names the columns. Default: found out."
        ),
    ],
    "delimiter": Annotated[
        str | None,
        typer.Option(help="What divides the cells of text: a character, tab, or blanks. Default: found out."),
    ],
    "comment": Annotated[
        str | None, typer.Option(help="What lines of comment begin with, '' for none. Default: # or % at the head.")
    ],
}
_TIME_OF_EMBEDDING = Annotated[
    str | None,
    typer.Option(
        help="Column, or attribute of the edges, that holds times, for --half-life; links are held out at random."
    ),
]
_NO_DIRECTIONS = Annotated[bool, typer.Option("--directed", hidden=True)]
_OF_LATER_LINKS = ("source", "target", "weight", "header", "delimiter", "comment")
_OF_TEXT = ("header", "delimiter", "comment")
_DELIMITERS = {"tab": "\t", "\\t": "\t", "blanks": " "}


def with_reading_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Adds these options to a command, which gets them as one argument ``reading``, a :class:`ReadingOptions`.

    Example:
        >>> @with_reading_options
        ... def embed(dataset: str, *, reading: ReadingOptions) -> list[str]:
        ...     return reading.changed()
        >>> embed("friends.csv", header=False)
        ['header']
    """
    return _with_options(command, _OPTIONS)


def with_later_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """As :func:`with_reading_options`, of the options that are of use for later links."""
    return _with_options(command, {name: _OPTIONS[name] for name in _OF_LATER_LINKS})


def with_text_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """As :func:`with_reading_options`, of the options of delimited text."""
    return _with_options(command, {name: _OPTIONS[name] for name in _OF_TEXT})


def with_embedding_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """As :func:`with_reading_options`, for models whose links have no direction, and are held out at random."""
    return _with_options(command, {**_OPTIONS, "time": _TIME_OF_EMBEDDING, "directed": _NO_DIRECTIONS})


def _with_options(command: Callable[..., Any], options_of: Mapping[str, Any]) -> Callable[..., Any]:
    # Not typing.get_type_hints: in Python 3.10 it wraps what typer looks for, where the default is None.
    own = [
        parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY)
        for name, parameter in inspect.signature(command, eval_str=True).parameters.items()
        if name != _READING
    ]
    usual = ReadingOptions()
    added = [
        inspect.Parameter(
            name,
            inspect.Parameter.KEYWORD_ONLY,
            default=None if name in FLAGS else getattr(usual, name),
            annotation=annotation,
        )
        for name, annotation in options_of.items()
    ]

    @functools.wraps(command)
    def wrapped(*arguments: Any, **options: Any) -> Any:
        given = {name: read_option(name, options.pop(name)) for name in options_of if name in options}
        return command(*arguments, **options, reading=ReadingOptions(**given))

    wrapped.__signature__ = inspect.Signature([*own, *added])  # type: ignore[attr-defined]
    wrapped.__annotations__ = {parameter.name: parameter.annotation for parameter in (*own, *added)}
    del wrapped.__wrapped__
    return wrapped


def read_option(name: str, value: Any) -> Any:
    """What an option's text stands for in :class:`ReadingOptions`."""
    if name == "node_attributes" and value not in ("auto", "none"):
        return tuple(part.strip() for part in value.split(","))
    if name == "delimiter":
        if value == "":
            fail("--delimiter", "given '', allowed: one character, tab or blanks")
        return _DELIMITERS.get(value, value)
    if name == "standardize" and value is None:
        return "auto"
    return value


def as_arguments(reading: ReadingOptions) -> list[str]:
    r"""What to type for these options; the inverse of reading them from the command line.

    Example:
        >>> as_arguments(ReadingOptions(weight="hours", header=False, node_attributes=("age", "town"), delimiter="\t"))
        ['--weight', 'hours', '--node-attributes', 'age,town', '--no-header', '--delimiter', 'tab']
    """
    typed = {"\t": "tab", " ": "blanks"}
    arguments = []
    for name in reading.changed():
        value = getattr(reading, name)
        arguments.append(option_name(name, value))
        if not isinstance(value, bool):
            text = ",".join(value) if isinstance(value, tuple) else str(value)
            arguments.append(typed.get(text, text) if name == "delimiter" else text)
    return arguments


def refuse_without_file(reading: ReadingOptions, what: str) -> None:
    """Refuses these options where there is no file to read."""
    for name in reading.changed():
        fail(option_name(name, getattr(reading, name)), f"given with {what}, allowed: with a file only")


def refuse_without_links(reading: ReadingOptions) -> None:
    """Refuses the options of a file of links where there is none."""
    for name in reading.changed():
        if name in ("source", "target", "weight"):
            fail(option_name(name), f"given {getattr(reading, name)!r}, allowed: with a file of links only")


def fail_reading(error: Exception, reading: ReadingOptions, files: Mapping[str, str | None]) -> NoReturn:
    """Ends the command with an error of ``read_graph``, in one line that names the option it is about.

    Args:
        error: The error.
        reading: How the files were read.
        files: Option -> the file that it names or None; that of the graph first.
    """
    text = " ".join(str(error).splitlines())
    if isinstance(error, OSError) and error.filename is not None and error.strerror is not None:
        text = f"{error.filename}: {error.strerror}"
    rest, about = text, next(iter(files))
    for option, path in files.items():
        if path is not None and text.startswith(path):
            rest, about = text.removeprefix(f"{path}: "), option
    # Of several, such as "source, target: given ...", the first that was given.
    names = [name.strip() for name in rest.partition(":")[0].split(",")]
    if names == ["features"] and "--features" in files:
        about = "--features"
    elif all(name in _OPTIONS for name in names):
        changed = reading.changed()
        name = next((name for name in names if name in changed), names[0])
        about = option_name(name, getattr(reading, name))
    fail(about, text)
