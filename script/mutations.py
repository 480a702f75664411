"""Makes mutants of a source file: copies of it with one small fault each.

Mutates Python by its syntax tree, and Lua (in a file or in a Python string) by its tokens and lines.
Leaves alone texts, annotations, calls that only log or count, and the numbers of module-level
constants, since tests import those limits.
"""

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

Edit = tuple[int, int, str]  # start, end (exclusive) and replacement of the bytes in between


@dataclass(frozen=True)
class Mutant:
    """One fault in the file `path`; `before` and `after` are its line, without and with it."""

    path: str
    edit: Edit
    line: int
    before: str
    after: str

    def of(self, source: bytes) -> bytes:
        """Return the mutated file."""
        start, end, text = self.edit
        return source[:start] + text.encode() + source[end:]


def mutants_of(path: str, root: Path) -> list[Mutant]:
    """Return every mutant of a file, in the order of its lines."""
    source = (root / path).read_bytes()
    python = path.endswith(".py")
    edits = _Python(source).edits() if python else _lua(source)
    made = [_mutant(path, source, edit) for edit in sorted(set(edits))]
    return [one for one in made if not python or _compiles(one.of(source))]


def _mutant(path: str, source: bytes, edit: Edit) -> Mutant:
    start, end, text = edit
    first, last = source.rfind(b"\n", 0, start) + 1, source.find(b"\n", end)
    last = len(source) if last < 0 else last
    after = source[first:start] + text.encode() + source[end:last]
    line = source.count(b"\n", 0, start) + 1
    return Mutant(path, edit, line, _one_line(source[first:last]), _one_line(after))


def _one_line(text: bytes) -> str:
    return " ".join(text.decode().split())


def _compiles(source: bytes) -> bool:
    try:
        compile(source, "mutant", "exec", dont_inherit=True)
    except SyntaxError:
        return False
    return True


# -- Python ----------------------------------------------------------------------------------------

_FLIPS: dict[type[ast.cmpop], tuple[str, str]] = {
    ast.Lt: ("<", "<="), ast.LtE: ("<=", "<"), ast.Gt: (">", ">="), ast.GtE: (">=", ">"),
    ast.Eq: ("==", "!="), ast.NotEq: ("!=", "=="), ast.Is: ("is", "is not"),
    ast.IsNot: ("is not", "is"), ast.In: ("in", "not in"), ast.NotIn: ("not in", "in"),
}  # fmt: skip
_TOLD = re.compile(r"_log\.|LOGINS\.|warnings\.")


class _Python:
    def __init__(self, source: bytes) -> None:
        self._source = source
        self._starts = [0, *(match.end() for match in re.finditer(b"\n", source))]

    def edits(self) -> Iterator[Edit]:
        for node in self._walk(ast.parse(self._source)):
            match node:
                case ast.Compare():
                    yield from self._flipped(node)
                case ast.BoolOp():
                    yield from self._without_an_operand(node)
                case ast.UnaryOp(op=ast.Not()):
                    yield *self._span(node), f"({self._text(node.operand)})"
                case ast.Constant(value=bool(value)):
                    yield *self._span(node), str(not value)
                case ast.Constant(value=int(value)):
                    yield *self._span(node), str(value + 1)
                case ast.IfExp():
                    yield *self._span(node), f"({self._text(node.body)})"
                    yield *self._span(node), f"({self._text(node.orelse)})"
                case ast.Name(id="min" | "max" as name):
                    yield *self._span(node), {"min": "max", "max": "min"}[name]
                case ast.stmt() if _can_be_dropped(node):
                    yield *self._span(node), "pass"
                case ast.Constant(value=str(text)) if "redis.call(" in text:
                    start, end = self._span(node)
                    for a, b, new in _lua(self._source[start + 3 : end - 3]):
                        yield start + 3 + a, start + 3 + b, new

    def _flipped(self, node: ast.Compare) -> Iterator[Edit]:
        sides = [node.left, *node.comparators]
        for operator, left, right in zip(node.ops, sides, sides[1:], strict=False):
            start, end = self._span(left)[1], self._span(right)[0]
            old, new = _FLIPS[type(operator)]
            start += self._source[start:end].index(old.encode())  # skip a parenthesis
            yield start, start + len(old), new

    def _without_an_operand(self, node: ast.BoolOp) -> Iterator[Edit]:
        values = [f"({self._text(value)})" for value in node.values]
        word, other = ("and", "or") if isinstance(node.op, ast.And) else ("or", "and")
        yield *self._span(node), f"({f' {other} '.join(values)})"
        for position in range(len(values)):
            kept = values[:position] + values[position + 1 :]
            yield *self._span(node), f"({f' {word} '.join(kept)})"

    def _walk(self, node: ast.AST) -> Iterator[ast.AST]:
        for child in ast.iter_child_nodes(node):
            if not _is_left_alone(node, child):
                yield child
                yield from self._walk(child)

    def _span(self, node: ast.expr | ast.stmt) -> tuple[int, int]:
        end_line, end = node.end_lineno or 0, node.end_col_offset or 0
        return self._starts[node.lineno - 1] + node.col_offset, self._starts[end_line - 1] + end

    def _text(self, node: ast.expr) -> str:
        start, end = self._span(node)
        return self._source[start:end].decode()


def _can_be_dropped(node: ast.stmt) -> bool:
    """Whether the rest can still run without the statement."""
    match node:
        case ast.Expr(value=ast.Call()) | ast.Raise() | ast.Continue() | ast.Break():
            return True
        case ast.Return(value=value):
            return value is not None
        case ast.AugAssign() | ast.Delete():
            return True
        case ast.Assign(targets=[ast.Attribute() | ast.Subscript(), *_]):
            return True
    return False


def _is_left_alone(parent: ast.AST, node: ast.AST) -> bool:
    match node:
        case ast.Import() | ast.ImportFrom() | ast.JoinedStr():  # wrong positions in Python 3.11
            return True
        case ast.If(test=ast.Name(id="TYPE_CHECKING")):
            return True
        case ast.Call(func=called) | ast.Expr(value=ast.Call(func=called)) if _is_told(called):
            return True
        case ast.Assign(value=ast.Constant(value=str())):
            return False  # the string may be Lua
    match parent:
        case ast.Module():
            return isinstance(node, ast.Assign | ast.AnnAssign)
        case ast.FunctionDef(returns=returns, decorator_list=decorators, body=[*_, last]):
            return node is returns or node in decorators or (node is last and _is_none(node))
        case ast.ClassDef(decorator_list=decorators):
            return node in decorators or isinstance(node, ast.AnnAssign)
        case ast.arg(annotation=annotation) | ast.AnnAssign(annotation=annotation):
            return node is annotation
    return False


def _is_none(node: ast.AST) -> bool:
    """Whether it is `return None`, which has no effect at the end of a function."""
    match node:
        case ast.Return(value=ast.Constant(value=None)):
            return True
    return False


def _is_told(called: ast.expr) -> bool:
    return bool(_TOLD.match(ast.unparse(called)))


# -- Lua -------------------------------------------------------------------------------------------

_TOKEN = re.compile(
    r"""(?P<left_alone>--.*|'[^']*'|"[^"]*"|(?:KEYS|ARGV)\[\d+\])"""
    r"|(?P<flip><=|>=|==|~=|<|>)|(?P<number>\b\d+\b)|(?P<word>\b(?:and|or|not|true|false|min|max)\b)"
)
_NEW = {
    "<": "<=", "<=": "<", ">": ">=", ">=": ">", "==": "~=", "~=": "==",
    "and": "or", "or": "and", "not": "", "true": "false", "false": "true", "min": "max", "max": "min",
}  # fmt: skip
# Lines that are a whole statement; the rest can still run without it.
_LUA_STATEMENT = re.compile(
    r"\s*(redis\.call\(.*|return .*|if .* then (return|redis\.call).* end|(and|or) .*)"
)
_CONDITION = re.compile(r"\bif (?P<condition>.+) then\b")


def _lua(source: bytes) -> Iterator[Edit]:
    start = 0
    for line in source.decode().splitlines(keepends=True):
        yield from ((start + a, start + b, new) for a, b, new in _lua_line(line.rstrip("\n")))
        start += len(line.encode())


def _lua_line(line: str) -> Iterator[Edit]:
    """Return the edits of one line, which must be ASCII."""
    code_end = len(line)
    for match in _TOKEN.finditer(line):
        token = match[0]
        if match["number"]:
            yield *match.span(), str(int(token) + 1)
        elif not match["left_alone"]:
            yield *match.span(), _NEW[token]
        elif token.startswith("--"):
            code_end = match.start()
    if _LUA_STATEMENT.fullmatch(line[:code_end].rstrip()):
        yield len(line) - len(line.lstrip()), code_end, ""
    if condition := _CONDITION.search(line[:code_end]):
        first = condition.start("condition")
        for a, b in _operands(condition["condition"]):
            yield first + a, first + b, ""


def _operands(condition: str) -> Iterator[tuple[int, int]]:
    """Return where each operand of the outer `and` and `or` is, with one operator next to it."""
    cuts, depth = list[tuple[int, int]](), 0
    for match in re.finditer(r"[()]| (?:and|or) ", condition):
        depth += {"(": 1, ")": -1}.get(match[0], 0)
        if match[0] not in "()" and depth == 0:
            cuts.append(match.span())
    if not cuts:
        return
    yield 0, cuts[0][1]
    ends = [start for start, _ in cuts[1:]] + [len(condition)]
    for (start, _), end in zip(cuts, ends, strict=True):
        yield start, end
