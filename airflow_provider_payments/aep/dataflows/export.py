"""Export: a file for each payments dataflow of a sandbox, such that a plan of it says unchanged."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from itertools import chain, count
from typing import TYPE_CHECKING, Any

from airflow_provider_payments.aep.dataflows.choosing import chosen
from airflow_provider_payments.aep.dataflows.describing import Describing, UnsayableError, vendor_of
from airflow_provider_payments.aep.dataflows.project import PROJECT_FILE
from airflow_provider_payments.aep.dataflows.sandbox import Sandbox, name_of
from airflow_provider_payments.aep.errors import UnreadableError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from airflow_provider_payments.aep.dataflows.snapshot import Snapshot

__all__ = ["Export", "Refusal", "export_dataflows"]

MAX_FILE_NAME = 80


@dataclass(frozen=True)
class Refusal:
    """
    A payments dataflow that no file can say.

    :param reason: why, as the end of a sentence.
    """

    name: str
    id: str
    reason: str


@dataclass(frozen=True)
class Export:
    """
    What an export found.

    :param files: text by file name.
    :param refused: payments dataflows that no file can say, and dataflows that were named and are none.
    :param skipped: how many dataflows read no payments source.
    """

    files: dict[str, str] = field(default_factory=dict)
    refused: list[Refusal] = field(default_factory=list)
    skipped: int = 0

    @property
    def summary(self) -> str:
        """What became of the dataflows, in a line."""
        counts = [f"{len(self.files)} exported"]
        counts += [f"{self.skipped} of other vendors skipped"] if self.skipped else []
        counts += [f"{len(self.refused)} refused"] if self.refused else []
        return ", ".join(counts)


def export_dataflows(
    snapshot: Snapshot,
    patterns: Iterable[str] = (),
    *,
    manage_schema: bool = False,
    defaults: Mapping[str, Any] | None = None,
) -> Export:
    """
    Return definitions of what is there.

    :param patterns: names, ids, or patterns with ``*`` and ``?``; none means all dataflows.
    :param manage_schema: whether schema and dataset are described; by default they are referred to, for others may use
        them too.
    :param defaults: of the project file above the files, which they must not take for what is there.
    :raises InvalidInputError: if a pattern matches nothing.
    :raises RequestError: if a list cannot be read.
    """
    sandbox, export = Sandbox(snapshot), Export()
    skipped, taken = 0, {PROJECT_FILE}
    for dataflow, is_named in chosen(sandbox.dataflows, list(patterns)):
        try:
            parts = sandbox.parts(dataflow)
            if parts.source is None or vendor_of(parts.source) is None:
                if is_named:
                    raise UnsayableError("it reads no payments source")
                skipped += 1
                continue
            text = Describing(sandbox, parts, manage_schema=manage_schema).file(defaults or {})
        except (UnsayableError, UnreadableError) as error:
            export.refused.append(Refusal(name_of(dataflow), dataflow.id, str(error)))
            continue
        export.files[_file_name(name_of(dataflow), taken)] = text
    return Export(dict(sorted(export.files.items())), export.refused, skipped)


def _file_name(name: str, taken: set[str]) -> str:
    """Return the name of a dataflow's file, which no system that ignores case takes for another one."""
    stem = re.sub(r"[^\w.-]+", "_", name).strip("._")[:MAX_FILE_NAME] or "dataflow"
    names = (f"{stem}{end}.yaml" for end in chain([""], map("_{}".format, count(2))))
    free = next(each for each in names if each.lower() not in taken)
    taken.add(free.lower())
    return free
