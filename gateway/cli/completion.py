"""Scripts that complete `gateway …` in a shell, written from the commands' own declarations.

They hold every word, so that a shell needn't start Python at each press of the key.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from enum import Enum, StrEnum
from typing import Annotated, Any, Final, Literal, get_args, get_origin

import typer

from gateway.settings import Settings
from schema.values import Value, Values

PROGRAM: Final = "gateway"


class Shell(StrEnum):
    """A shell that a script is written for."""

    BASH = "bash"
    ZSH = "zsh"
    FISH = "fish"


@dataclass(frozen=True)
class CompletionWord:
    """A word that can be completed: a command or an option, with the option's possible values."""

    text: str
    help: str
    takes_value: bool = False
    values: tuple[str, ...] = ()


#: By the words before, as in `gateway token create`, what can be typed there.
Tree = Mapping[str, list[CompletionWord]]


def completion(
    context: typer.Context,
    shell: Annotated[Shell, typer.Argument(help="The shell that is to complete the gateway's commands.")],
) -> None:
    """Print the script that completes commands and options: for bash, `source <(gateway completion bash)`."""
    typer.echo(_SCRIPTS[shell](dict(_places(PROGRAM, context.find_root().command))), nl=False)


def _places(path: str, command: Value) -> Iterator[tuple[str, list[CompletionWord]]]:
    commands: Values = getattr(command, "commands", {})
    below = [CompletionWord(name, _first_sentence(each.help)) for name, each in commands.items()]
    yield (
        path,
        [*below, *(word for parameter in command.params for word in _words(parameter)), CompletionWord("--help", "Show what it can do")],
    )
    for name, each in commands.items():
        yield from _places(f"{path} {name}", each)


def _words(parameter: Value) -> Iterator[CompletionWord]:
    says, values = _first_sentence(parameter.help), _values(parameter.type_descriptor.annotation, parameter.name)
    if parameter.param_type_name == "argument":
        yield from (CompletionWord(value, says) for value in values)
        return
    for text in (*parameter.opts, *parameter.secondary_opts):
        yield CompletionWord(text, says, takes_value=not parameter.is_flag, values=values)


def _values(annotation: Any, setting: str) -> tuple[str, ...]:
    """The values of an option that takes one of a few words."""
    if isinstance(annotation, type) and issubclass(annotation, Enum):
        return tuple(str(member.value) for member in annotation)
    field = Settings.model_fields.get(setting)
    return tuple(map(str, get_args(field.annotation))) if field and get_origin(field.annotation) is Literal else ()


def _first_sentence(text: str | None) -> str:
    return (text or "").partition("\n")[0].partition(". ")[0].rstrip(".")


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "'\\''") + "'"


def _deeper(tree: Tree) -> str:
    """A pattern of the commands below the first."""
    return " | ".join(_quoted(path) for path in tree if path != PROGRAM)


def _values_by_option(tree: Tree) -> Iterator[tuple[str, tuple[str, ...]]]:
    return ((f"{path} {word.text}", word.values) for path, words in tree.items() for word in words if word.takes_value)


def _bash(tree: Tree) -> str:
    values = "".join(f"    {_quoted(option)}) words={_quoted(' '.join(found))} ;;\n" for option, found in _values_by_option(tree))
    words = "".join(f"    {_quoted(path)}) words={_quoted(' '.join(word.text for word in found))} ;;\n" for path, found in tree.items())
    return f"""\
_gateway() {{
  local current=${{COMP_WORDS[COMP_CWORD]}} previous=${{COMP_WORDS[COMP_CWORD-1]}} place={PROGRAM} word words
  for word in "${{COMP_WORDS[@]:1:COMP_CWORD-1}}"; do
    case "$place $word" in {_deeper(tree)}) place="$place $word" ;; esac
  done
  case "$place" in
{words}  esac
  case "$place $previous" in
{values}  esac
  COMPREPLY=($(compgen -W "$words" -- "$current"))
}}
complete -o default -F _gateway {PROGRAM}
"""


def _zsh(tree: Tree) -> str:
    values = "".join(f"    {_quoted(option)}) found=({' '.join(map(_quoted, words))}) ;;\n" for option, words in _values_by_option(tree))
    words = "".join(f"    {_quoted(path)}) found=({' '.join(map(_described, each))}) ;;\n" for path, each in tree.items())
    return f"""\
#compdef {PROGRAM}
_gateway() {{
  local place={PROGRAM} word
  local -a found
  for word in ${{words[2,CURRENT-1]}}; do
    case "$place $word" in ({_deeper(tree)}) place="$place $word" ;; esac
  done
  case "$place" in
{words}  esac
  case "$place ${{words[CURRENT-1]}}" in
{values}  esac
  if (( $#found )); then _describe -o {PROGRAM} found; else _files; fi
}}
if [[ $funcstack[1] == _gateway ]]; then _gateway "$@"; else compdef _gateway {PROGRAM}; fi
"""


def _described(word: CompletionWord) -> str:
    return _quoted(f"{word.text}:{word.help}")


def _fish(tree: Tree) -> str:
    return f"""\
function __gateway_at
  set -l place {PROGRAM}
  for word in (commandline -opc)[2..]
    switch "$place $word"
      case {_deeper(tree).replace(" | ", " ")}
        set place "$place $word"
    end
  end
  test "$place" = "$argv"
end
{"".join(_fish_line(path, word) for path, words in tree.items() for word in words)}"""


def _fish_line(path: str, word: CompletionWord) -> str:
    what = f"-f -a {word.text}" if not word.text.startswith("-") else f"-l {word.text[2:]}"
    what += f" -x -a {_quoted(' '.join(word.values))}" if word.values else " -r" if word.takes_value else ""
    return f"complete -c {PROGRAM} -n '__gateway_at {path}' {what} -d {_fish_quoted(word.help)}\n"


def _fish_quoted(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


_SCRIPTS: Final[Mapping[Shell, Callable[[Tree], str]]] = {Shell.BASH: _bash, Shell.ZSH: _zsh, Shell.FISH: _fish}
