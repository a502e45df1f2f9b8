"""Rendering of operator arguments in a DAG with ``render_template_as_native_obj``: text stays text."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any

from airflow_provider_payments.versions import put_task, render_to_text

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import BaseOperator
else:
    BaseOperator = object

__all__ = ["TextStaysText"]

#: Arguments that Airflow renders itself: payload fields, whose types only the author of the DAG knows.
NATIVE_ARGUMENTS = ("extra",)
#: Arguments that may refer to other ones, as in ``{{ task.table }} - source``.
RENDERED_LAST = ("name", "description")
#: The annotations of a text argument: ``str``, or literals and ``str``.
_TEXT = re.compile(r"(?:Literal\[[^\]]*\] \| )?str(?: \| None)?")


class TextStaysText(BaseOperator):
    """
    A mixin that renders an operator's arguments without evaluating text as a Python literal.

    With ``render_template_as_native_obj=True`` Airflow evaluates all text, with or without a template: ``2026_11``
    becomes 202611, and ``"USD"`` loses its quotes. With this mixin, an argument that is a single template becomes the
    object that its expression returns, unless the argument is annotated as text. All other templates become text,
    including those inside lists and objects. Only ``extra`` is rendered by Airflow.

    :meta private:
    """

    def _do_render_template_fields(
        self, parent: Any, template_fields: Iterable[str], context: Any, jinja_env: Any, seen_oids: set[int]
    ) -> None:
        put_task(context, self)
        is_native = _renders_natively(self)
        for field in sorted(template_fields, key=lambda field: _rendering_order(parent, field)):
            is_recorded = is_native and field not in NATIVE_ARGUMENTS
            env = _recording(jinja_env, _may_stay_object(parent, field)) if is_recorded else jinja_env
            super()._do_render_template_fields(parent, (field,), context, env, seen_oids)

    def _render(self, template: Any, context: Any, dag: Any = None) -> Any:
        env = template.environment
        if not hasattr(env, "outputs"):
            return super()._render(template, context, dag=dag)
        env.outputs.clear()
        text = render_to_text(template, context)
        match env.outputs:
            case [value] if env.may_stay_object(value) and text.strip() == str(value).strip():
                return value
        return text


def _rendering_order(parent: Any, field: str) -> int:
    """Return an argument's rank: outputs of other tasks come first, names last, as they may refer to the others."""
    if hasattr(getattr(parent, field, None), "resolve"):
        return 0
    return 2 if field in RENDERED_LAST else 1


def _renders_natively(operator: Any) -> bool:
    own = getattr(operator, "render_template_as_native_obj", None)  # from Airflow 3.2 on
    return bool(getattr(operator.get_dag(), "render_template_as_native_obj", False) if own is None else own)


def _recording(jinja_env: Any, may_stay_object: Callable[[object], bool]) -> Any:
    """Return an environment that records the value of each expression in ``outputs`` before rendering it."""
    from jinja2 import pass_context

    outputs: list[object] = []

    @pass_context  # otherwise constants would be rendered when the template is compiled, before recording
    def record(context: Any, value: object) -> str:
        outputs.append(value)
        return str(value)

    env = jinja_env.overlay(finalize=record)
    env.outputs, env.may_stay_object = outputs, may_stay_object
    env.concat = "".join  # the native concatenation would evaluate the content of blocks and macros
    return env


def _may_stay_object(parent: Any, field: str) -> Callable[[object], bool]:
    is_whole = isinstance(getattr(parent, field), str) and field not in _text_arguments(type(parent))
    return _is_object if is_whole else _is_not_text


def _is_object(value: object) -> bool:
    from jinja2 import Undefined

    return not isinstance(value, (str, Undefined))


def _is_not_text(value: object) -> bool:
    """Return whether a value stays an object: ``None``, an object or a list, which a text argument handles itself."""
    return value is None or isinstance(value, (Mapping, list, tuple))


def _text_arguments(operator: type) -> frozenset[str]:
    hints: dict[str, Any] = {}
    for base in reversed(operator.__mro__):
        hints |= getattr(vars(base).get("__init__"), "__annotations__", {})
    return frozenset(name for name, hint in hints.items() if _is_text(hint))


def _is_text(hint: object) -> bool:
    return _TEXT.fullmatch(hint) is not None if isinstance(hint, str) else hint in (str, str | None)
