"""What a service does with the parameters and filters of a list: it honours, ignores or refuses them."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from airflow_provider_payments.emulator.core.behaviour import HONOURED, IGNORED, REFUSED
from airflow_provider_payments.emulator.core.call import Call, State
from airflow_provider_payments.emulator.core.query import Filter
from airflow_provider_payments.emulator.core.refusals import Refusal

# The question of a parameter that no service ignores or refuses, and of one that a service does not know.
ALWAYS, UNKNOWN = "", "unknown_parameter"


@dataclass(frozen=True, slots=True)
class Topic:
    """A kind of filter.

    :param question: that filters of the kind ask.
    :param covers: whether a filter is of the kind.
    :param misses: whether a filter that is ignored finds nothing; else it has no effect.
    """

    question: str
    covers: Callable[[Filter], bool]
    misses: bool = False


def name_topics(path: str) -> tuple[Topic, ...]:
    """The kinds of filters by name.

    :param path: of the name.
    """

    def about(fits: Callable[[str], bool]) -> Callable[[Filter], bool]:
        return lambda one: one.path == path and any(map(fits, one.equals))

    return (
        Topic("name_filter", lambda one: one.path == path),
        Topic("non_ascii_names", about(lambda name: not name.isascii()), misses=True),
        Topic("quoted_names", about(lambda name: not {'"', "'"}.isdisjoint(name)), misses=True),
    )


@dataclass(frozen=True, slots=True)
class Policy:
    """What one service does with each question.

    :param service: as the questions name it.
    :param answers: by service and question.
    :param refuse: makes the service's refusal from a question, and from the parameter or the path that asks it.
    """

    service: str
    answers: Mapping[str, str]
    refuse: Callable[[str, str], Refusal]

    def heeded(self, call: Call[State], parameters: Mapping[str, str]) -> Call[State]:
        """A call without the parameters that are ignored, or the refusal of one.

        :param parameters: the known ones, each with the question that it asks.
        """
        kept = [(name, value) for name, value in call.query if self._heeds(parameters.get(name, UNKNOWN), name)]
        return replace(call, query=kept)

    def screened(self, filters: Iterable[Filter], topics: Collection[Topic]) -> Iterator[Filter]:
        """The filters that have an effect, or the refusal of one."""
        for one in filters:
            ignored = [topic for topic in topics if topic.covers(one) and not self._heeds(topic.question, one.path)]
            if not ignored:
                yield one
            elif ignored[0].misses:
                yield Filter(one.path, lambda value: False)

    def _heeds(self, question: str, name: str) -> bool:
        answer = self.answers.get(f"{self.service}.{question}", HONOURED)
        if answer == REFUSED:
            raise self.refuse(question, name)
        return answer != IGNORED
