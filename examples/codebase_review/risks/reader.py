"""Recognising the risky patterns in the syntax tree of a module.

A finding's detail names code, never the value of a string: a password must not travel into a report.
"""

import ast
from collections.abc import Callable, Iterator
from typing import Any, Final, NamedTuple

from ..imports import import_statements
from ..source import dotted_name, walk_tree
from .secrets_in_code import is_secret, known_token


class Hit(NamedTuple):
    """A place where a rule applies."""

    code: str
    line: int
    detail: str


_UNPICKLERS: Final = frozenset(
    f"{module}.{name}"
    for module in ("pickle", "_pickle", "cloudpickle", "dill", "marshal")
    for name in ("load", "loads", "Unpickler")
) | {"shelve.open"}
_SHELLS: Final = frozenset(
    {"os.system", "os.popen", "subprocess.getoutput", "subprocess.getstatusoutput", "asyncio.create_subprocess_shell"}
)
_HTTP_CALLS: Final = frozenset(
    {
        "get",
        "post",
        "put",
        "patch",
        "delete",
        "head",
        "options",
        "request",
        "stream",
        "Session",
        "Client",
        "AsyncClient",
    }
)
_SAFE_LOADERS: Final = ("SafeLoader", "BaseLoader")
_MUTABLE_CALLS: Final = frozenset(
    {"list", "dict", "set", "bytearray", "collections.defaultdict", "collections.deque", "collections.OrderedDict"}
)
_MUTABLE_NODES: Final = (ast.List, ast.Dict, ast.Set, ast.ListComp, ast.DictComp, ast.SetComp)

# What a check takes is fixed by the type of node it is registered for.
_Check = Callable[["RiskReader", Any], Iterator[Hit]]


class RiskReader:
    """Reads one module; knows what its names stand for."""

    def __init__(self, tree: ast.Module, *, in_tests: bool) -> None:
        self.tree = tree
        self.in_tests = in_tests
        self.aliases = _aliases(tree)

    def hits(self) -> list[Hit]:
        """Return every hit, in the order of the lines."""
        found: set[Hit] = set()
        for node in walk_tree(self.tree):
            for check in _CHECKS.get(type(node), ()):
                found.update(check(self, node))
        return sorted(found, key=lambda hit: (hit.line, hit.code, hit.detail))

    def meaning(self, node: ast.AST) -> str:
        """Return the full dotted name of an expression, imports followed; empty where it has none.

        `sp.run` after `import subprocess as sp` means `subprocess.run`; a bare `eval` means the builtin;
        an attribute of anything that was not imported means nothing.
        """
        name = dotted_name(node)
        if name is None:
            return ""
        first, dot, rest = name.partition(".")
        if first in self.aliases:
            return self.aliases[first] + dot + rest
        return "" if dot else name


def _aliases(tree: ast.Module) -> dict[str, str]:
    """Return what each imported name of a module stands for."""
    aliases: dict[str, str] = {}
    for node, _ in import_statements(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                first = alias.name.partition(".")[0]
                aliases[alias.asname or first] = alias.name if alias.asname else first
        else:
            module = "." * node.level + (node.module or "")
            aliases.update({alias.asname or alias.name: f"{module}.{alias.name}" for alias in node.names})
    return aliases


def _last_part(node: ast.AST) -> str:
    """Return `c` for `a.b.c`, for `a().b.c` and for `c`."""
    if isinstance(node, ast.Attribute):
        return node.attr
    return node.id if isinstance(node, ast.Name) else ""


def _keyword(call: ast.Call, name: str) -> ast.expr | None:
    return next((keyword.value for keyword in call.keywords if keyword.arg == name), None)


def _is_constant(node: ast.AST | None, value: object) -> bool:
    return isinstance(node, ast.Constant) and node.value is value


def _check_call(reader: RiskReader, node: ast.Call) -> Iterator[Hit]:
    name = reader.meaning(node.func)
    if name in {"eval", "exec", "builtins.eval", "builtins.exec"}:
        yield Hit("eval", node.lineno, f"{name}(…)")
    elif name in _UNPICKLERS:
        yield Hit("pickle", node.lineno, f"{name}(…)")
    elif name in _SHELLS:
        yield Hit("shell", node.lineno, f"{name}(…)")
    elif name.startswith("subprocess.") and _is_constant(_keyword(node, "shell"), value=True):
        yield Hit("shell", node.lineno, f"{name}(…, shell=True)")
    elif name in {"yaml.load", "yaml.load_all", "yaml.unsafe_load"} and not _has_safe_loader(node):
        yield Hit("yaml-load", node.lineno, f"{name}(…)")
    elif name == "tempfile.mktemp":
        yield Hit("mktemp", node.lineno, f"{name}(…)")


def _has_safe_loader(call: ast.Call) -> bool:
    loader = _keyword(call, "Loader") or (call.args[1] if len(call.args) > 1 else None)
    return loader is not None and (dotted_name(loader) or "").endswith(_SAFE_LOADERS)


def _check_hash(reader: RiskReader, node: ast.Call) -> Iterator[Hit]:
    name = reader.meaning(node.func)
    if name == "hashlib.new" and node.args and isinstance(node.args[0], ast.Constant):
        name = f"hashlib.{str(node.args[0].value).lower().replace('-', '')}"
    if name in {"hashlib.md5", "hashlib.sha1"} and not _is_constant(_keyword(node, "usedforsecurity"), value=False):
        yield Hit("weak-hash", node.lineno, f"{name}(…)")


def _check_tls(reader: RiskReader, node: ast.Call) -> Iterator[Hit]:
    if reader.meaning(node.func) == "ssl._create_unverified_context":
        yield Hit("no-verify", node.lineno, "ssl._create_unverified_context()")
    last = _last_part(node.func)
    if last in _HTTP_CALLS and _is_constant(_keyword(node, "verify"), value=False):
        yield Hit("no-verify", node.lineno, f"{last}(…, verify=False)")


def _check_handler(reader: RiskReader, node: ast.ExceptHandler) -> Iterator[Hit]:
    if node.type is None:
        if not any(isinstance(child, ast.Raise) and child.exc is None for child in node.body):
            yield Hit("bare-except", node.lineno, "except:")
        return
    caught = node.type.elts if isinstance(node.type, ast.Tuple) else [node.type]
    broad = [name for name in map(reader.meaning, caught) if name in {"Exception", "BaseException"}]
    if broad and all(_does_nothing(child) for child in node.body):
        yield Hit("swallowed", node.lineno, f"except {broad[0]}: pass")


def _does_nothing(node: ast.stmt) -> bool:
    return isinstance(node, ast.Pass) or (isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant))


def _check_defaults(reader: RiskReader, node: ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda) -> Iterator[Hit]:
    arguments = node.args
    positional = [*arguments.posonlyargs, *arguments.args]
    first = len(positional) - len(arguments.defaults)
    pairs = [*zip(positional[first:], arguments.defaults, strict=True)]
    pairs += [(name, value) for name, value in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True) if value]
    for argument, default in pairs:
        made = isinstance(default, ast.Call) and reader.meaning(default.func) in _MUTABLE_CALLS
        if made or isinstance(default, _MUTABLE_NODES):
            yield Hit("mutable-default", default.lineno, f"{getattr(node, 'name', 'lambda')}({argument.arg}=…)")
        if is_secret(argument.arg, default):
            yield Hit("secret", default.lineno, f"default of {argument.arg}")


def _check_assert(reader: RiskReader, node: ast.Assert) -> Iterator[Hit]:
    if not reader.in_tests:
        yield Hit("assert", node.lineno, "assert")


def _check_compare(_reader: RiskReader, node: ast.Compare) -> Iterator[Hit]:
    left = node.left
    for operator, right in zip(node.ops, node.comparators, strict=True):
        if isinstance(operator, ast.Eq | ast.NotEq) and (_is_constant(left, None) or _is_constant(right, None)):
            yield Hit("equals-none", node.lineno, "== None" if isinstance(operator, ast.Eq) else "!= None")
        left = right


def _check_assignment(_reader: RiskReader, node: ast.Assign | ast.AnnAssign) -> Iterator[Hit]:
    for target in node.targets if isinstance(node, ast.Assign) else [node.target]:
        name = _assigned_name(target)
        if is_secret(name, node.value):
            yield Hit("secret", node.lineno, f"{name} = …")


def _assigned_name(target: ast.expr) -> str:
    if isinstance(target, ast.Subscript):
        return str(target.slice.value) if isinstance(target.slice, ast.Constant) else ""
    return _last_part(target)


def _check_keyword(_reader: RiskReader, node: ast.keyword) -> Iterator[Hit]:
    if node.arg and is_secret(node.arg, node.value):
        yield Hit("secret", node.value.lineno, f"{node.arg}=…")


def _check_dict(_reader: RiskReader, node: ast.Dict) -> Iterator[Hit]:
    for key, value in zip(node.keys, node.values, strict=True):
        if isinstance(key, ast.Constant) and isinstance(key.value, str) and is_secret(key.value, value):
            yield Hit("secret", value.lineno, f"{key.value!r}: …")


def _check_constant(_reader: RiskReader, node: ast.Constant) -> Iterator[Hit]:
    if isinstance(node.value, str) and (kind := known_token(node.value)):
        yield Hit("secret", node.lineno, kind)


_CHECKS: Final[dict[type[ast.AST], tuple[_Check, ...]]] = {
    ast.Call: (_check_call, _check_hash, _check_tls),
    ast.ExceptHandler: (_check_handler,),
    ast.FunctionDef: (_check_defaults,),
    ast.AsyncFunctionDef: (_check_defaults,),
    ast.Lambda: (_check_defaults,),
    ast.Assert: (_check_assert,),
    ast.Compare: (_check_compare,),
    ast.Assign: (_check_assignment,),
    ast.AnnAssign: (_check_assignment,),
    ast.keyword: (_check_keyword,),
    ast.Dict: (_check_dict,),
    ast.Constant: (_check_constant,),
}
