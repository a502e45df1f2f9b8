"""Whether a service honours, ignores or refuses the parameters and filters of a list request.

A *question* names a parameter, or a kind of filter, whose handling can be chosen by the option ``questions``.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from airflow_provider_payments.emulator.core.behaviour import HONOURED, IGNORED, REFUSED
from airflow_provider_payments.emulator.core.call import Call, State
from airflow_provider_payments.emulator.core.query import Filter
from airflow_provider_payments.emulator.core.refusals import Refusal

# The questions of a parameter that is always honoured, and of a parameter that the service does not know.
ALWAYS_HONOURED, UNKNOWN_PARAMETER = "", "unknown_parameter"


@dataclass(frozen=True, slots=True)
class FilterKind:
    """A kind of filter, and the question that decides how it is handled.

    :param question: the question that filters of this kind belong to.
    :param covers: whether a filter is of this kind.
    :param misses: whether an ignored filter of this kind finds nothing; otherwise it has no effect.
    """

    question: str
    covers: Callable[[Filter], bool]
    misses: bool = False


def name_filter_kinds(path: str) -> tuple[FilterKind, ...]:
    """Return the kinds of filters on the names of objects.

    :param path: the path of the member that holds the name.
    """

    def on_names(fits: Callable[[str], bool]) -> Callable[[Filter], bool]:
        return lambda one: one.path == path and any(map(fits, one.equals))

    return (
        FilterKind("name_filter", lambda one: one.path == path),
        FilterKind("non_ascii_names", on_names(lambda name: not name.isascii()), misses=True),
        FilterKind("quoted_names", on_names(lambda name: not {'"', "'"}.isdisjoint(name)), misses=True),
    )


@dataclass(frozen=True, slots=True)
class Policy:
    """How one service handles each question.

    :param service: the service's name in the option ``questions``.
    :param answers: ``honoured``, ``ignored`` or ``refused``, by service and question.
    :param refuse: builds the service's refusal from a question and from the name of the parameter or path to refuse.
    """

    service: str
    answers: Mapping[str, str]
    refuse: Callable[[str, str], Refusal]

    def without_ignored_parameters(self, call: Call[State], parameters: Mapping[str, str]) -> Call[State]:
        """Return a call without its ignored parameters; raise the refusal of a parameter that is refused.

        :param parameters: the question of each known parameter.
        """
        kept = [
            (name, value)
            for name, value in call.query
            if self._is_honoured(parameters.get(name, UNKNOWN_PARAMETER), name)
        ]
        return replace(call, query=kept)

    def effective_filters(self, filters: Iterable[Filter], kinds: Collection[FilterKind]) -> Iterator[Filter]:
        """Yield the filters that have an effect; raise the refusal of a filter that is refused."""
        for one in filters:
            ignored = [kind for kind in kinds if kind.covers(one) and not self._is_honoured(kind.question, one.path)]
            if not ignored:
                yield one
            elif ignored[0].misses:
                yield Filter(one.path, lambda value: False)

    def _is_honoured(self, question: str, name: str) -> bool:
        """Return False for a question that is ignored; raise the refusal for a question that is refused."""
        answer = self.answers.get(f"{self.service}.{question}", HONOURED)
        if answer == REFUSED:
            raise self.refuse(question, name)
        return answer != IGNORED
