"""From tokens to the tree: Go's grammar of templates, with messages for people.

What is refused here is refused when the rule file is loaded: wrong syntax, unknown functions and variables, templates
that nobody defines. Go finds some of these only when it runs the template.
"""

from __future__ import annotations

from collections.abc import Collection

from rabbitwatch.alerting.templates import nodes
from rabbitwatch.alerting.templates.lexer import Kind, Token
from rabbitwatch.alerting.templates.limits import MAX_TEXT
from rabbitwatch.alerting.templates.pipelines import PipelineParser, suggestion
from rabbitwatch.errors import TemplateError

_CONTROLS: dict[str, type[nodes.If | nodes.With | nodes.Range]] = {
    "if": nodes.If,
    "with": nodes.With,
    "range": nodes.Range,
}


def parse(text: str, functions: Collection[str]) -> nodes.Tree:
    """The tree of a text whose functions are all among `functions`; TemplateError with line and column otherwise."""
    if len(text) > MAX_TEXT:
        raise TemplateError(f"the template has {len(text)} characters, more than {MAX_TEXT}", 1, 1)
    return _Parser(text, functions).tree()


class _Parser(PipelineParser):
    def __init__(self, text: str, functions: Collection[str]) -> None:
        super().__init__(text, functions)
        self._loops = 0
        self._defined: dict[str, nodes.Body] = {}
        self._invoked: list[nodes.Invoke] = []

    def tree(self) -> nodes.Tree:
        body, ending = self._body(top=True)
        if ending is not None:
            raise self._error(ending, f"{{{{{ending.text}}}}} belongs to nothing: no if, range, with or define is open")
        for call in self._invoked:
            if call.name not in self._defined:
                hint = suggestion(call.name, self._defined)
                raise self._error(call, f"template {call.quoted} is not defined here{hint}")
        return nodes.Tree(self._text, body, self._defined)

    def _body(self, *, top: bool = False) -> tuple[nodes.Body, Token | None]:
        """Statements up to {{end}} or {{else}}, whose keyword is returned, or up to the end of the text (None)."""
        statements: list[nodes.Statement] = []
        while True:
            token = self._next()
            if token.kind is Kind.END:
                return tuple(statements), None
            if token.kind is Kind.TEXT:
                statements.append(nodes.Text(token.pos, token.text))
                continue
            first = self._skip_spaces()  # after {{
            if first.kind is Kind.KEYWORD and first.text in {"end", "else"}:
                self._next()
                return tuple(statements), first
            if first.kind is Kind.KEYWORD and first.text == "define":
                if not top:
                    raise self._error(first, "define stands only at the top, not inside if, range or with")
                self._definition()
                continue
            statements.append(self._statement(first))

    def _statement(self, first: Token) -> nodes.Statement:
        if first.kind is not Kind.KEYWORD or first.text in {"nil", "true", "false"}:
            return nodes.Action(first.pos, self._pipe("a command", Kind.RIGHT))
        self._next()
        if first.text in {"break", "continue"}:
            return self._jump(first)
        if first.text == "template":
            return self._invocation(first)
        if first.text == "block":
            return self._block(first)
        return self._control(first)

    def _jump(self, keyword: Token) -> nodes.Statement:
        if not self._loops:
            raise self._error(keyword, f"{keyword.text} stands only inside range")
        self._close(keyword)
        return nodes.Break(keyword.pos) if keyword.text == "break" else nodes.Continue(keyword.pos)

    def _close(self, keyword: Token) -> None:
        token = self._take()
        if token.kind is not Kind.RIGHT:
            raise self._error(token, f"{token} cannot follow {keyword.text}: }}}} is missing")

    def _control(self, keyword: Token) -> nodes.Statement:
        self._deeper(keyword)
        outer = len(self._variables)
        pipe = self._pipe(keyword.text, Kind.RIGHT)
        inner = len(self._variables)
        self._loops += keyword.text == "range"
        body, ending = self._body()
        self._loops -= keyword.text == "range"
        del self._variables[inner:]
        otherwise: nodes.Body = ()
        if ending is None:
            raise self._error(keyword, f"this {keyword.text} has no {{{{end}}}}")
        if ending.text == "end":
            self._close(ending)
        else:
            otherwise = self._else(keyword, ending)
        del self._variables[outer:]
        self._nesting -= 1
        make = _CONTROLS[keyword.text]
        return make(keyword.pos, pipe, body, otherwise)

    def _else(self, opener: Token, keyword: Token) -> nodes.Body:
        after = self._skip_spaces()
        if after.kind is Kind.KEYWORD and after.text in {"if", "with"} and opener.text != "range":
            if after.text != opener.text:
                raise self._error(after, f"else {after.text} does not continue {opener.text}")
            self._next()
            return (self._control(after),)  # its {{end}} closes the opener, too
        self._close(keyword)
        body, ending = self._body()
        if ending is None:
            raise self._error(opener, f"this {opener.text} has no {{{{end}}}}")
        if ending.text == "else":
            raise self._error(ending, f"this {opener.text} has an else already")
        self._close(ending)
        return body

    # templates inside the template

    def _name(self, keyword: Token) -> tuple[Token, str]:
        token = self._take()
        if token.kind not in {Kind.STRING, Kind.RAW}:
            raise self._error(token, f"{keyword.text} needs a name in quotes, not {token}")
        return token, self._string(token).value

    def _definition(self) -> None:
        keyword = self._next()
        token, name = self._name(keyword)
        self._close(token)
        self._define(token, name)

    def _define(self, token: Token, name: str) -> None:
        outer, loops = self._variables, self._loops
        self._variables, self._loops = ["$"], 0  # Go: a template sees only its own argument
        self._deeper(token)
        body, ending = self._body()
        self._nesting -= 1
        self._variables, self._loops = outer, loops
        if ending is None or ending.text != "end":
            raise self._error(token, f"the definition of {token.text} has no {{{{end}}}}")
        self._close(ending)
        if name in self._defined and any(not _blank(item) for item in body):
            if any(not _blank(item) for item in self._defined[name]):
                raise self._error(token, f"template {token.text} is defined twice")
            del self._defined[name]
        self._defined.setdefault(name, body)

    def _invocation(self, keyword: Token) -> nodes.Invoke:
        token, name = self._name(keyword)
        pipe = None
        if self._skip_spaces().kind is Kind.RIGHT:
            self._next()
        else:
            pipe = self._pipe("template", Kind.RIGHT)
        call = nodes.Invoke(token.pos, token.text, name, pipe)
        self._invoked.append(call)
        return call

    def _block(self, keyword: Token) -> nodes.Invoke:
        token, name = self._name(keyword)
        call = nodes.Invoke(token.pos, token.text, name, self._pipe("block", Kind.RIGHT))
        self._invoked.append(call)
        self._define(token, name)
        return call


def _blank(statement: nodes.Statement) -> bool:
    return isinstance(statement, nodes.Text) and not statement.text.strip()
