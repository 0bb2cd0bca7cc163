"""The syntax tree of a template.

`pos` is the node's offset in the text, in characters, where Go's parser puts it; str() spells a node as Go does in
error messages. Both together make an error read like Prometheus' own.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Node:
    pos: int


@dataclass(frozen=True, slots=True)
class Bool(Node):
    value: bool

    def __str__(self) -> str:
        return "true" if self.value else "false"


@dataclass(frozen=True, slots=True)
class Nil(Node):
    def __str__(self) -> str:
        return "nil"


@dataclass(frozen=True, slots=True)
class Dot(Node):
    def __str__(self) -> str:
        return "."


@dataclass(frozen=True, slots=True)
class Number(Node):
    """A constant: `value` is what it is by itself, `integer` what it is where an int is wanted (1e3 is 1000 there)."""

    text: str
    value: int | float
    integer: int | None

    def __str__(self) -> str:
        return self.text


@dataclass(frozen=True, slots=True)
class String(Node):
    """A literal: as it was written, quotes included, and what it means."""

    quoted: str
    value: str

    def __str__(self) -> str:
        return self.quoted


@dataclass(frozen=True, slots=True)
class Identifier(Node):
    """A function's name."""

    name: str

    def __str__(self) -> str:
        return self.name


@dataclass(frozen=True, slots=True)
class Field(Node):
    """.Labels.queue, read from the dot."""

    names: tuple[str, ...]

    def __str__(self) -> str:
        return "".join(f".{name}" for name in self.names)


@dataclass(frozen=True, slots=True)
class Variable(Node):
    """$labels.queue; name includes the $."""

    name: str
    fields: tuple[str, ...] = ()

    def __str__(self) -> str:
        return ".".join((self.name, *self.fields))


@dataclass(frozen=True, slots=True)
class Chain(Node):
    """(query "up" | first).Labels.job"""

    operand: Operand
    fields: tuple[str, ...]

    def __str__(self) -> str:
        inner = f"({self.operand})" if isinstance(self.operand, Pipe) else str(self.operand)
        return ".".join((inner, *self.fields))


@dataclass(frozen=True, slots=True)
class Command(Node):
    """One stage of a pipeline: the first operand, called with the others if it can be called."""

    operands: tuple[Operand, ...]

    def __str__(self) -> str:
        return " ".join(f"({o})" if isinstance(o, Pipe) else str(o) for o in self.operands)


@dataclass(frozen=True, slots=True)
class Pipe(Node):
    """Commands joined by |, whose result may be declared (:=) or assigned (=) to variables."""

    variables: tuple[Variable, ...]
    assigns: bool
    commands: tuple[Command, ...]

    def __str__(self) -> str:
        joined = " | ".join(str(command) for command in self.commands)
        if not self.variables:
            return joined
        names = ", ".join(str(variable) for variable in self.variables)
        return f"{names} {'=' if self.assigns else ':='} {joined}"


Operand = Bool | Nil | Dot | Number | String | Identifier | Field | Variable | Chain | Pipe


@dataclass(frozen=True, slots=True)
class Text(Node):
    text: str


@dataclass(frozen=True, slots=True)
class Action(Node):
    """{{ pipeline }}"""

    pipe: Pipe

    def __str__(self) -> str:
        return f"{{{{{self.pipe}}}}}"


@dataclass(frozen=True, slots=True)
class Break(Node):
    """{{break}}"""


@dataclass(frozen=True, slots=True)
class Continue(Node):
    """{{continue}}"""


@dataclass(frozen=True, slots=True)
class If(Node):
    pipe: Pipe
    body: Body
    otherwise: Body


@dataclass(frozen=True, slots=True)
class With(Node):
    """As If, but the dot is the pipeline's value in the body."""

    pipe: Pipe
    body: Body
    otherwise: Body


@dataclass(frozen=True, slots=True)
class Range(Node):
    pipe: Pipe
    body: Body
    otherwise: Body


@dataclass(frozen=True, slots=True)
class Invoke(Node):
    """{{template "name" pipeline}}, and what {{block}} leaves at its place."""

    quoted: str
    name: str
    pipe: Pipe | None

    def __str__(self) -> str:
        argument = f" {self.pipe}" if self.pipe else ""
        return f"{{{{template {self.quoted}{argument}}}}}"


Statement = Text | Action | Break | Continue | If | With | Range | Invoke
Body = tuple[Statement, ...]


@dataclass(frozen=True, slots=True)
class Tree:
    """A parsed text: its own body and those that it defines, by name."""

    text: str
    body: Body
    defined: dict[str, Body]
