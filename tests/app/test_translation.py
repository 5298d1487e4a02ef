"""Every text that users see goes through `tr`, so that the interface can be translated.

The rule is checked on the source: a text with words in it that reaches a Qt widget, a notice or a UserError, directly
or through variables and functions of its module, must be wrapped in `tr` (or `marked`, in tables made on import).
"""

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from string import Formatter

import pytest

from tr_desktop.editor_plugins import PLUGINS

APP = Path(__file__).resolve().parents[2] / "tr_desktop" / "app"

# Calls that show all their texts, and calls that show one of them with its position.
_SHOWS_ALL = re.compile(
    r"set(Text|ToolTip|WindowTitle|PlaceholderText|Accessible(Name|Description)|StatusTip|WhatsThis|Title|Suffix|Prefix)"
    r"|set(SpecialValueText|InformativeText|DetailedText|ItemText|HeaderLabels|TabText)|set_text|drawText|emit"
    r"|get(OpenFileNames?|SaveFileName|ExistingDirectory)|question|information|warning|critical|QTreeWidgetItem"
)
_SHOWS_FIRST = re.compile(
    r"add(Action|Menu|Item|Row|Tab|Button|Section)|Q(Label|PushButton|ToolButton|CheckBox|RadioButton|GroupBox|Menu)"
    r"|QAction|QListWidgetItem|Elided|title|words|UserError|_?say"
)
_SHOWS_SECOND = re.compile(r"insertItem|IconButton|Action")
_SHOWING_KEYWORDS = re.compile(
    r"text|title|placeholderText|toolTip|windowTitle|accessible(Name|Description)|statusTip|suffix|prefix"
    r"|specialValueText|remedy"
)
_WRAPPERS = {"tr", "marked"}
_NAMES = {"TimeRefine", "s", "px"}  # the app's name and the symbols of units


def unwrapped(source: str) -> list[str]:
    """What is wrong in a module: texts that are shown without `tr`, and calls of `tr` that can't be translated."""
    tree = ast.parse(source)
    aliases = dict(_partials(tree))
    wrong: list[str] = []

    def visit(node: ast.AST, scopes: tuple[ast.AST, ...]) -> None:
        if isinstance(node, ast.FunctionDef | ast.Lambda):
            scopes = (node, *scopes)
        if isinstance(node, ast.Call):
            name = _called(node)
            if name in _WRAPPERS:
                wrong.extend(f"line {node.lineno}: {problem}" for problem in _bad_template(node))
            for shown in _shown(node, aliases.get(name, name)):
                wrong.extend(f"line {node.lineno}: {text!r}" for text in _texts(shown, scopes, set()))
        for child in ast.iter_child_nodes(node):
            visit(child, scopes)

    visit(tree, (tree,))
    return wrong


def _partials(tree: ast.Module) -> Iterator[tuple[str, str]]:
    """Names that module-level `functools.partial` gives to other functions."""
    for node in tree.body:
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Call) and _called(node.value) == "partial":
            target, function = node.targets[0], node.value.args[0]
            if isinstance(target, ast.Name) and isinstance(function, ast.Name):
                yield target.id, function.id


def _called(call: ast.Call) -> str:
    function = call.func
    return (
        function.id if isinstance(function, ast.Name) else function.attr if isinstance(function, ast.Attribute) else ""
    )


def _bad_template(call: ast.Call) -> Iterator[str]:
    template = call.args[0]
    if isinstance(template, ast.JoinedStr):
        yield "an f-string in tr()"
    elif isinstance(template, ast.Constant) and call.keywords:
        fields = {field for _, field, _, _ in Formatter().parse(template.value) if field}
        if fields != {keyword.arg for keyword in call.keywords}:
            yield f"the values of {template.value!r} aren't its fields"


def _shown(call: ast.Call, name: str) -> Iterator[ast.expr]:
    """The arguments that users see."""
    if _SHOWS_ALL.fullmatch(name):
        yield from call.args
    elif _SHOWS_FIRST.fullmatch(name):
        yield from call.args[:1]
    elif _SHOWS_SECOND.fullmatch(name):
        yield from call.args[1:2]
    yield from (keyword.value for keyword in call.keywords if _SHOWING_KEYWORDS.fullmatch(keyword.arg or ""))
    if name in ("say", "_say"):  # the texts of buttons
        yield from (each.elts[0] for each in call.args[1:] if isinstance(each, ast.Tuple))


def _texts(shown: ast.expr, scopes: tuple[ast.AST, ...], seen: set[str]) -> Iterator[str]:
    """The unwrapped texts that an expression may have as its value, or as a part of it."""
    match shown:
        case ast.Constant(value=str(text)):
            if set(re.findall(r"[^\W\d_]+", re.sub(r"<[^>]*>|&\w+;|#\w+", "", text))) - _NAMES:
                yield text
        case ast.Call(func=ast.Attribute(value=value, attr="format" | "join" | "strip" | "upper" | "lower"), args=args):
            for part in (value, *args):
                yield from _texts(part, scopes, seen)
        case ast.Call(func=ast.Name(id="filter" | "list" | "tuple"), args=args):
            for part in args:
                yield from _texts(part, scopes, seen)
        case ast.JoinedStr(values=parts) | ast.BoolOp(values=parts) | ast.List(elts=parts) | ast.Tuple(elts=parts):
            for part in parts:
                yield from _texts(part, scopes, seen)
        case ast.FormattedValue(value=part) | ast.Starred(value=part) | ast.GeneratorExp(elt=part):
            yield from _texts(part, scopes, seen)
        case ast.BinOp(left=left, right=right) | ast.IfExp(body=left, orelse=right):
            yield from _texts(left, scopes, seen)
            yield from _texts(right, scopes, seen)
        case ast.Name(id=name) if name not in seen:
            for value in _values(name, scopes):
                yield from _texts(value, scopes, seen | {name})
        case ast.Attribute(value=ast.Name(id="self"), attr=name) if name not in seen:
            for node in ast.walk(scopes[-1]):
                if isinstance(node, ast.Assign):
                    for value in _bound(name, node.targets[0], node.value):
                        yield from _texts(value, scopes, seen | {name})
        case ast.Call() if (name := _called(shown)) not in seen | _WRAPPERS:
            for function in ast.walk(scopes[-1]):
                if isinstance(function, ast.FunctionDef) and function.name == name:
                    for node in ast.walk(function):
                        if isinstance(node, ast.Return) and node.value is not None:
                            yield from _texts(node.value, (function, scopes[-1]), seen | {name})


def _values(name: str, scopes: tuple[ast.AST, ...]) -> list[ast.expr]:
    """The values that the innermost scope with such a name gives it, in assignments and in loops over a table."""
    for scope in scopes:
        if values := [*_assigned(name, scope), *_looped(name, scope, scopes)]:
            return values
    return []


def _assigned(name: str, scope: ast.AST) -> Iterator[ast.expr]:
    for node in _statements(scope):
        match node:
            case ast.Assign(targets=[target], value=value) | ast.NamedExpr(target=target, value=value):
                yield from _bound(name, target, value)
            case ast.AnnAssign(target=target, value=ast.expr() as value) | ast.AugAssign(target=target, value=value):
                yield from _bound(name, target, value)


def _looped(name: str, scope: ast.AST, scopes: tuple[ast.AST, ...]) -> Iterator[ast.expr]:
    for node in _statements(scope):
        if isinstance(node, ast.For):
            tables = [node.iter]
            if isinstance(node.iter, ast.Name):
                tables = [table for each in scopes for table in _assigned(node.iter.id, each)]
            for table in tables:
                for row in table.elts if isinstance(table, ast.List | ast.Tuple) else ():
                    yield from _bound(name, node.target, row)


def _statements(scope: ast.AST) -> Iterator[ast.AST]:
    return iter(scope.body) if isinstance(scope, ast.Module) else ast.walk(scope)


def _bound(name: str, target: ast.expr, value: ast.expr) -> Iterator[ast.expr]:
    if (isinstance(target, ast.Name) and target.id == name) or (
        isinstance(target, ast.Attribute) and target.attr == name
    ):
        yield value
    elif isinstance(target, ast.Tuple) and isinstance(value, ast.Tuple) and len(target.elts) == len(value.elts):
        for one_target, one_value in zip(target.elts, value.elts, strict=True):
            yield from _bound(name, one_target, one_value)


def test_the_sentences_of_plugins_are_marked_for_translators():
    tree = ast.parse((APP.parent / "editor_plugins.py").read_text(encoding="utf-8"))
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call) and _called(node) == "marked"]
    marked = {call.args[0].value for call in calls}
    for plugin in PLUGINS.values():
        shown = {plugin.next_step, plugin.by_hand, plugin.console.advice if plugin.console else ""}
        assert shown - {""} <= marked


@pytest.mark.parametrize("path", sorted(APP.rglob("*.py")), ids=lambda path: str(path.relative_to(APP)))
def test_texts_are_translated(path):
    assert unwrapped(path.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize(
    "source",
    [
        'label.setText("Accept")',
        'label.setText(f"{count} files")',
        'QPushButton("Add a folder…")',
        'QLineEdit(placeholderText="Name")',
        'IconButton("play", "Play or pause")',
        'raise UserError(tr("It failed"), remedy="Try again")',
        'notice.say(tr("Saved"), ("Undo", undo))',
        'label.setText("Accepted" if is_accepted else tr("Accept"))',
        'label.setText("{} files".format(3))',
        'label.setText(tr(f"{count} files"))',
        'label.setText(tr("{count} files", number=3))',
        'def show():\n    text, more = "Searching", ""\n    text += more\n    label.setText(text)',
        'NAMES = [("Height", 84)]\nfor name, width in NAMES:\n    QLabel(name)',
        '_PAUSE = "Pause"\ndef show():\n    button.setToolTip(_PAUSE)',
        '_view = partial(Action, menu=_VIEW)\n_view("view.fit", "Zoom out", (), fit)',
        'def sure():\n    return f"{share} % sure"\nlabel.setText(sure())',
        'class Player:\n    def fail(self):\n        self.text = "Lost"\n        painter.drawText(box, self.text)',
        "painter.drawText(box, flags, 'Rough')",
    ],
)
def test_a_text_that_is_not_translated_is_found(source):
    assert unwrapped(source)


@pytest.mark.parametrize(
    "source",
    [
        'label.setText(tr("Accept"))',
        'label.setText(tr("{count} files", count=3))',
        'label.setText(f"{start} – {end}")',
        'label.setText(f"<b>{name}</b>")',
        'window.setWindowTitle(f"{name}[*] – TimeRefine")',
        'IconButton("play", tr("Play or pause"))',
        'words(tr("Drop files here"), "small")',
        'spin.setSuffix(" px")',
        'label.setText("‹")',
        'label.setText(counted(3, "file"))',
        '_view = partial(Action, menu=_VIEW)\n_view("view.fit", marked("Zoom out"), (), fit)',
        'label.setObjectName("panel")',
    ],
)
def test_names_symbols_and_translated_texts_pass(source):
    assert unwrapped(source) == []
