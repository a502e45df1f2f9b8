"""Export: a file for each payments dataflow of a sandbox; a plan of these files shows no change."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from itertools import chain, count
from typing import TYPE_CHECKING, Any

from airflow_provider_payments.aep.dataflows.describe import DataflowDescription, NotExpressibleError, vendor_of
from airflow_provider_payments.aep.dataflows.project import PROJECT_FILE
from airflow_provider_payments.aep.dataflows.sandbox import Sandbox, name_of
from airflow_provider_payments.aep.dataflows.selection import select_dataflows
from airflow_provider_payments.aep.errors import UnreadableError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from airflow_provider_payments.aep.dataflows.snapshot import Snapshot
    from airflow_provider_payments.aep.services import Json

__all__ = ["Export", "Refusal", "export_dataflows"]

#: Version of the JSON form; increased when a member changes its meaning.
EXPORT_FORMAT = 1
#: Maximum length of a file's name without its suffix.
MAX_STEM_LENGTH = 80


@dataclass(frozen=True)
class Refusal:
    """
    A dataflow that could not be exported.

    :param reason: why, as the end of a sentence.
    """

    name: str
    id: str
    reason: str


@dataclass(frozen=True)
class Export:
    """
    The result of an export.

    :param files: texts of files, by file name.
    :param refused: payments dataflows that cannot be expressed as a definition, and other dataflows that were named.
    :param skipped: the number of dataflows without a payments source.
    """

    files: dict[str, str] = field(default_factory=dict)
    refused: list[Refusal] = field(default_factory=list)
    skipped: int = 0

    def to_json(self, folder: Any) -> Json:
        """
        Return the result as plain JSON; ``format`` is the version of the form.

        :param folder: the folder to which the files were written.
        """
        return {
            "format": EXPORT_FORMAT,
            "files": [str(folder / name) for name in self.files],
            "refused": [{"name": each.name, "id": each.id, "reason": each.reason} for each in self.refused],
            "skipped": self.skipped,
        }

    @property
    def summary(self) -> str:
        """The counts of exported, skipped and refused dataflows, in one line."""
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
    Return definitions of existing payments dataflows.

    :param patterns: names, ids, or patterns with ``*`` and ``?``. Defaults to all dataflows.
    :param manage_schema: whether schema and dataset are described. By default definitions refer to them, because other
        dataflows may use them too.
    :param defaults: the defaults of the project file that will apply to the files; each file overrides those that its
        dataflow does not have. Defaults to none.
    :raises InvalidInputError: if a pattern matches nothing.
    :raises RequestError: if a list cannot be read.
    """
    sandbox, export = Sandbox(snapshot), Export()
    skipped, taken = 0, {PROJECT_FILE}
    for dataflow, is_named in select_dataflows(sandbox.dataflows, list(patterns)):
        try:
            parts = sandbox.parts(dataflow)
            if parts.source is None or vendor_of(parts.source) is None:
                if is_named:
                    raise NotExpressibleError("its source is not a payments source")
                skipped += 1
                continue
            text = DataflowDescription(sandbox, parts, manage_schema=manage_schema).file(defaults or {})
        except (NotExpressibleError, UnreadableError) as error:
            export.refused.append(Refusal(name_of(dataflow), dataflow.id, str(error)))
            continue
        export.files[_file_name(name_of(dataflow), taken)] = text
    return Export(dict(sorted(export.files.items())), export.refused, skipped)


def _file_name(name: str, taken: set[str]) -> str:
    """Return a file name for a dataflow, unique on file systems that ignore case."""
    stem = re.sub(r"[^\w.-]+", "_", name).strip("._")[:MAX_STEM_LENGTH] or "dataflow"
    names = (f"{stem}{end}.yaml" for end in chain([""], map("_{}".format, count(2))))
    free = next(each for each in names if each.lower() not in taken)
    taken.add(free.lower())
    return free
