"""How a command is declared: its function, its example, and the options that every command takes."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from copy import copy
from dataclasses import fields, is_dataclass
from typing import Annotated, Any, Concatenate, ParamSpec, get_args, get_type_hints

import typer

from questline.cli.display import Output
from questline.cli.exit_codes import ExitCode
from questline.cli.invocation import Flags, Invocation

P = ParamSpec("P")

_CONTEXT = {"help_option_names": ["-h", "--help"]}
_PANEL = "Options of every command"
_SHARED = {
    "output": (
        Annotated[
            Output, typer.Option("--output", "-o", help="Format of the answer on stdout.", rich_help_panel=_PANEL)
        ],
        Output.TEXT,
    ),
    "profile": (
        Annotated[
            str | None,
            typer.Option(help="Profile: more settings, in profiles/NAME.yaml.", metavar="NAME", rich_help_panel=_PANEL),
        ],
        None,
    ),
    "database_url": (
        Annotated[
            str | None,
            typer.Option(help="Database: sqlite:///PATH or postgresql://…", metavar="URL", rich_help_panel=_PANEL),
        ],
        None,
    ),
    "broker_url": (
        Annotated[
            str | None,
            typer.Option(help="Broker for wake-ups: memory:// or redis://…", metavar="URL", rich_help_panel=_PANEL),
        ],
        None,
    ),
    "namespace": (
        Annotated[
            str | None, typer.Option(help="Tenant that the quests belong to.", metavar="NAME", rich_help_panel=_PANEL)
        ],
        None,
    ),
}


def new_app(text: str, *, root: bool = False) -> typer.Typer:
    """Return a Typer application, or a group of commands, with our conventions.

    Parameters:
      text: its help text.
      root: whether it is the program itself, which tells its version and offers completion for the shell.
    """
    app = typer.Typer(
        help=_paragraphs(text),
        add_completion=root,
        context_settings=_CONTEXT,
        rich_markup_mode="rich",
        pretty_exceptions_enable=False,
    )
    app.callback(invoke_without_command=True)(show_help_alone if not root else _root)
    return app


def command(
    app: typer.Typer, name: str, *, example: str, panel: str | None = None
) -> Callable[[Callable[Concatenate[Invocation, P], None]], Callable[Concatenate[Invocation, P], None]]:
    """Register the decorated function as the command `name` of `app`.

    Its first parameter receives the invocation, its docstring is the help text; the options that every command
    takes are added, but for short names that it gives to options of its own. A parameter whose type is a dataclass
    stands for one option per field of it.

    Parameters:
      example: command lines that show its use, one a line.
      panel: the heading under which `questline --help` lists it.
    """

    def register(
        function: Callable[Concatenate[Invocation, P], None],
    ) -> Callable[Concatenate[Invocation, P], None]:
        app.command(
            name,
            help=_paragraphs(function.__doc__ or ""),
            epilog=_epilog(example),
            rich_help_panel=panel,
            context_settings=_CONTEXT,
        )(_with_shared_options(function))
        return function

    return register


def _with_shared_options(function: Callable[..., None]) -> Callable[..., None]:
    """Return what Typer calls: it makes the invocation of the shared options, and passes on the command's own."""
    own = list(inspect.signature(function, eval_str=True).parameters.values())[1:]
    groups: dict[str, Any] = {one.name: one.annotation for one in own if is_dataclass(one.annotation)}

    def run(*, output: Output, **given: Any) -> None:
        flags = Flags(**{field.name: given.pop(field.name) for field in fields(Flags)})
        for name, group in groups.items():
            given[name] = group(**{field.name: given.pop(field.name) for field in fields(group)})
        with Invocation(output, flags) as invocation:
            function(invocation, **given)

    parameters = [option for parameter in own for option in _options(parameter)]
    taken = {name for one in parameters for name in _names(one.annotation)}
    parameters += [_option(name, _without(taken, shared), default) for name, (shared, default) in _SHARED.items()]
    run.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]  # Typer reads it
    run.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
    run.__name__ = function.__name__
    return run


def _names(annotation: Any) -> tuple[str, ...]:
    """Return the names that an option is given by hand."""
    return next((tuple(one.param_decls or ()) for one in get_args(annotation)[1:]), ())


def _without(taken: set[str], annotation: Any) -> Any:
    """Return a shared option without those of its names that a command has taken."""
    kind, option = get_args(annotation)
    left = [name for name in option.param_decls or () if name not in taken]
    return annotation if len(left) == len(_names(annotation)) else Annotated[kind, _renamed(option, left)]


def _renamed(option: Any, names: list[str]) -> Any:
    other = copy(option)
    other.param_decls = tuple(names)
    return other


def _options(parameter: inspect.Parameter) -> list[inspect.Parameter]:
    """Return what Typer is shown in place of a command's parameter."""
    group = parameter.annotation
    if not is_dataclass(group):
        return [parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY)]
    hints = get_type_hints(group, include_extras=True)
    return [_option(field.name, hints[field.name], field.default) for field in fields(group)]


def _option(name: str, annotation: Any, default: Any) -> inspect.Parameter:
    return inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, annotation=annotation, default=default)


def show_help_alone(context: typer.Context) -> None:
    """Print the help of a group that was called without a command."""
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())
        raise typer.Exit(ExitCode.USAGE)


def _root(
    context: typer.Context,
    version: Annotated[bool, typer.Option("--version", "-V", help="Show the version.", show_default=False)] = False,
) -> None:
    if version:
        from importlib.metadata import version as version_of  # noqa: PLC0415  (20 ms that nothing else needs)

        typer.echo(f"questline {version_of('questline')}")
        raise typer.Exit(ExitCode.OK)
    show_help_alone(context)


def _paragraphs(text: str) -> str:
    """Return a docstring as one line per paragraph, so that it is wrapped to the terminal and nowhere else."""
    paragraphs = inspect.cleandoc(text).split("\n\n")
    return "\n\n".join(paragraph.replace("\n", " ") for paragraph in paragraphs)


def _epilog(example: str) -> str:
    lines = [line.strip() for line in example.strip().splitlines()]
    return "\n\n".join(["Example:" if len(lines) == 1 else "Examples:", *(line.replace("[", "\\[") for line in lines)])
