"""Reading pipelines from tokens: commands, operands, variables."""

from __future__ import annotations

from collections.abc import Collection
from difflib import get_close_matches

from rabbitwatch.alerting.templates import literals, nodes
from rabbitwatch.alerting.templates.lexer import Kind, Token, lex, syntax_error
from rabbitwatch.alerting.templates.limits import MAX_NESTING
from rabbitwatch.errors import TemplateError

VARIABLES = ("$", "$labels", "$externalLabels", "$externalURL", "$value")
"""What Prometheus defines before the text of every annotation."""

_CONSOLE_ONLY = {"tmpl": 'it exists only in console templates: write {{template "name" .}}'}


def suggestion(name: str, known: Collection[str]) -> str:
    """`; did you mean x?`, or nothing."""
    near = get_close_matches(name, [word for word in known if len(word) > 1], n=1, cutoff=0.7)
    return f"; did you mean {near[0]}?" if near else ""


class PipelineParser:
    """The tokens of a text, and the part of the grammar that stands between the braces."""

    def __init__(self, text: str, functions: Collection[str]) -> None:
        self._text = text
        self._functions = functions
        self._tokens = lex(text)
        self._at = 0
        self._variables = list(VARIABLES)
        self._nesting = 0

    def _peek(self) -> Token:
        return self._tokens[self._at]

    def _next(self) -> Token:
        token = self._tokens[self._at]
        if token.kind is not Kind.END:
            self._at += 1
        return token

    def _skip_spaces(self) -> Token:
        """Step over spaces; the token after them, not taken yet."""
        while self._peek().kind is Kind.SPACE:
            self._at += 1
        return self._peek()

    def _take(self) -> Token:
        self._skip_spaces()
        return self._next()

    def _error(self, token: Token | nodes.Node, message: str) -> TemplateError:
        return syntax_error(self._text, token.pos, message)

    def _deeper(self, token: Token) -> None:
        self._nesting += 1
        if self._nesting > MAX_NESTING:
            raise self._error(token, f"nested more than {MAX_NESTING} deep")

    def _pipe(self, context: str, closing: Kind) -> nodes.Pipe:
        """A pipeline up to and with its closing token. Variables that it declares are known only after it."""
        start = self._skip_spaces()
        variables, assigns = self._declared(context)
        commands: list[nodes.Command] = []
        while True:
            token = self._skip_spaces()
            if token.kind is closing:
                self._next()
                break
            if token.kind is Kind.END:
                raise self._error(start, f"{context} is not closed")
            if token.kind is Kind.PIPE:
                raise self._error(token, "nothing stands before this |")
            commands.append(self._command(context, closing))
        if not commands:
            raise self._error(start, f"{context} lacks its value")
        for stage, command in enumerate(commands[1:], 2):
            first = command.operands[0]
            if isinstance(first, (nodes.Bool, nodes.Dot, nodes.Nil, nodes.Number, nodes.String)):
                raise self._error(command, f"{first} is no function: stage {stage} of a pipeline must be one")
        if not assigns:
            self._variables += [variable.name for variable in variables]
        return nodes.Pipe(start.pos, variables, assigns, tuple(commands))

    def _declared(self, context: str) -> tuple[tuple[nodes.Variable, ...], bool]:
        """The variables before := or =; none, and nothing taken, where the pipeline starts otherwise."""
        start = self._at
        found: list[nodes.Variable] = []
        while self._skip_spaces().kind is Kind.VARIABLE:
            token = self._next()
            found.append(nodes.Variable(token.pos, token.text))
            sign = self._skip_spaces()
            if sign.kind in {Kind.ASSIGN, Kind.DECLARE}:
                self._next()
                if sign.kind is Kind.ASSIGN:
                    for variable in found:
                        self._known(variable)
                return tuple(found), sign.kind is Kind.ASSIGN
            if sign.kind is not Kind.COMMA:
                break
            if context != "range" or len(found) == 2:
                raise self._error(sign, f"{context} can set only {'two variables' if context == 'range' else 'one'}")
            self._next()
        if len(found) > 1:
            raise self._error(self._peek(), "range $i, $v needs := and a value")
        self._at = start
        return (), False

    def _known(self, variable: nodes.Variable) -> None:
        if variable.name not in self._variables:
            if variable.name in VARIABLES:
                raise self._error(
                    variable,
                    f"{variable.name} is not known inside a defined template: pass what it needs as its argument",
                )
            hint = suggestion(variable.name, self._variables)
            raise self._error(variable, f"variable {variable.name} is not defined{hint}")

    def _command(self, context: str, closing: Kind) -> nodes.Command:
        """Operands up to | (which is taken) or the pipeline's end (which is not)."""
        start = self._skip_spaces()
        operands: list[nodes.Operand] = []
        while True:
            token = self._skip_spaces()
            if token.kind in {closing, Kind.END}:
                break
            if token.kind is Kind.PIPE:
                self._next()
                if self._skip_spaces().kind is closing:
                    raise self._error(token, "nothing stands after this |")
                break
            operands.append(self._operand(context))
            after = self._peek()
            if after.kind not in {Kind.SPACE, Kind.PIPE, closing, Kind.END}:
                raise self._error(after, f"{after} cannot follow {operands[-1]} directly{_hint(after)}")
        return nodes.Command(start.pos, tuple(operands))

    def _operand(self, context: str) -> nodes.Operand:
        term = self._term(context)
        if self._peek().kind is not Kind.FIELD:
            return term
        start = self._peek()
        fields = []
        while self._peek().kind is Kind.FIELD:
            fields.append(self._next().text[1:])
        if isinstance(term, nodes.Field):
            return nodes.Field(start.pos, term.names + tuple(fields))
        if isinstance(term, nodes.Variable):
            return nodes.Variable(start.pos, term.name, tuple(fields))
        if isinstance(term, (nodes.Bool, nodes.String, nodes.Number, nodes.Nil, nodes.Dot)):
            raise self._error(start, f"{term} has no fields")
        return nodes.Chain(start.pos, term, tuple(fields))

    def _term(self, context: str) -> nodes.Operand:
        token = self._next()
        if token.kind is Kind.OPEN:
            self._deeper(token)
            pipe = self._pipe("a parenthesis", Kind.CLOSE)
            self._nesting -= 1
            return pipe
        if token.kind is Kind.IDENTIFIER:
            return self._function(token)
        if token.kind is Kind.VARIABLE:
            variable = nodes.Variable(token.pos, token.text)
            self._known(variable)
            return variable
        if token.kind is Kind.FIELD:
            return nodes.Field(token.pos, (token.text[1:],))
        if token.kind is Kind.DOT:
            return nodes.Dot(token.pos)
        if token.kind in {Kind.STRING, Kind.RAW}:
            return self._string(token)
        if token.kind in {Kind.NUMBER, Kind.CHARACTER}:
            return self._constant(token)
        if token.kind is Kind.KEYWORD and token.text in {"true", "false"}:
            return nodes.Bool(token.pos, token.text == "true")
        if token.kind is Kind.KEYWORD and token.text == "nil":
            return nodes.Nil(token.pos)
        raise self._error(token, f"{token} cannot stand here, in {context}{_hint(token)}")

    def _function(self, token: Token) -> nodes.Identifier:
        if token.text not in self._functions:
            hint = suggestion(token.text, self._functions)
            if token.text in _CONSOLE_ONLY:
                hint = f": {_CONSOLE_ONLY[token.text]}"
            elif f"${token.text}" in self._variables:
                hint = f"; did you mean ${token.text}?"
            elif not hint:
                hint = f": a label is $labels.{token.text}, a text stands in quotes"
            raise self._error(token, f"function {token.text} is not defined{hint}")
        return nodes.Identifier(token.pos, token.text)

    def _string(self, token: Token) -> nodes.String:
        if token.kind is Kind.RAW:
            return nodes.String(token.pos, token.text, token.text[1:-1].replace("\r", ""))
        try:
            return nodes.String(token.pos, token.text, literals.unquote(token.text))
        except ValueError as error:
            raise self._error(token, str(error)) from None

    def _constant(self, token: Token) -> nodes.Number:
        try:
            if token.kind is Kind.CHARACTER:
                code = literals.character(token.text)
                return nodes.Number(token.pos, token.text, code, code)
            return nodes.Number(token.pos, token.text, *literals.number(token.text))
        except (ValueError, OverflowError) as error:
            raise self._error(token, str(error)) from None


def _hint(token: Token) -> str:
    if token.kind is Kind.ASSIGN:
        return ": compare with eq, or declare with {{$name := value}}"
    if token.kind is Kind.DOT:
        return ": a field follows without a space, as in $labels.node"
    if token.kind is Kind.KEYWORD:
        return f": {token.text} stands at the start of its own {{{{ }}}}"
    return ""
