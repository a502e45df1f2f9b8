"""The manual's table of log lines holds every warning and error that the provider logs, and no others."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

PACKAGE = Path(__file__).parent.parent / "airflow_provider_payments"
#: Position of the message among the arguments of a logger's method.
MESSAGE_AT = {"warning": 0, "error": 0, "exception": 0, "critical": 0, "log": 1}
LOGGERS = {"log", "_log", "logger"}
#: Lines whose text is not a constant of the call: file -> the lines as the manual shows them. A line that is only an
#: error is explained in the manual's tables of errors.
COMPOSED = {
    "aep/provisioning/giving_up.py": {
        "Dataflow ..., which this call created, ...",
        "No list shows the dataflow whose creation was not answered; the next attempt searches for it",
    }
}


def rows() -> set[str]:
    section = (PACKAGE / "docs" / "errors.md").read_text().partition("## Log lines")[2]
    return set(re.findall(r"^\| `([^`]+)`.*\|.+\|.+\|$", section, re.MULTILINE))


def is_logged(node: ast.AST) -> bool:
    if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in MESSAGE_AT):
        return False
    logger = node.func.value
    return (logger.attr if isinstance(logger, ast.Attribute) else getattr(logger, "id", "")) in LOGGERS


def messages(function: ast.AST) -> Iterator[str | None]:
    """Yield the messages that a function logs as warnings or errors; ``None`` for a message that is not a constant."""
    texts = {
        target.id: node.value.value
        for node in ast.walk(function)
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant)
        for target in node.targets
        if isinstance(target, ast.Name)
    }
    for node in ast.walk(function):
        if is_logged(node):
            assert isinstance(node, ast.Call)
            assert isinstance(node.func, ast.Attribute)
            message = node.args[MESSAGE_AT[node.func.attr]]
            text = message.value if isinstance(message, ast.Constant) else texts.get(getattr(message, "id", ""))
            yield text if isinstance(text, str) and text.strip("%s") else None


def as_shown(text: str) -> str:
    """Return a format string as the manual shows it."""
    return re.sub(r"%[-+.\d]*[a-z](?:%[-+.\d]*[a-z])*", "...", text)


def logged() -> dict[str, set[str]]:
    """Return the lines that each file logs, as the manual shows them."""
    found: dict[str, set[str]] = {}
    for file in PACKAGE.rglob("*.py"):
        name = str(file.relative_to(PACKAGE))
        if name.startswith("emulator/"):
            continue
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
                for text in messages(node):
                    found.setdefault(name, set()).update({as_shown(text)} if text else COMPOSED[name])
    return found


def test_the_manual_explains_every_warning_and_error_that_is_logged() -> None:
    missing = {file: sorted(lines - rows()) for file, lines in logged().items() if lines - rows()}
    assert missing == {}


def test_the_manual_explains_no_line_that_nothing_logs() -> None:
    assert rows() - set().union(*logged().values()) == set()


def test_the_words_of_composed_lines_are_in_their_file() -> None:
    for file, lines in COMPOSED.items():
        source = (PACKAGE / file).read_text()
        words = {word for line in lines for word in re.split(r"\.\.\.|^Dataflow ", line) if word.strip(" ,")}
        assert [word for word in words if word.strip() not in source] == []
