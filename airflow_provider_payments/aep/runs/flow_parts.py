"""What a dataflow shows of itself without another request, and the names that reports call its two ends by."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Self

from airflow_provider_payments.aep import readers
from airflow_provider_payments.aep.errors import UnreadableError
from airflow_provider_payments.aep.fields import Fields
from airflow_provider_payments.aep.resources.live_dataflow import mapping_used
from airflow_provider_payments.aep.services import with_values

if TYPE_CHECKING:
    from collections.abc import Mapping

    from airflow_provider_payments.aep.services import Json

__all__ = ["FlowParts", "Names"]


@dataclass(frozen=True)
class FlowParts:
    """
    A dataflow's name, and the ids of what it refers to; ``None`` where it refers to no single one.

    :param id: its id.
    :param name: its name.
    :param source_connection_id: its source connection.
    :param target_connection_id: its target connection.
    :param mapping_set_id: its mapping set.
    :param mapping_version: the mapping set's version.
    """

    id: str
    name: str | None = None
    source_connection_id: str | None = None
    target_connection_id: str | None = None
    mapping_set_id: str | None = None
    mapping_version: int = 0

    @classmethod
    def of_item(cls, item: Mapping[str, Any]) -> Self:
        """Read an item of ``GET /flows``."""
        mapping = None
        with suppress(UnreadableError):
            mapping = mapping_used(Fields("dataflow", item))
        return cls(
            readers.text(item.get("id")) or "",
            readers.text(item.get("name")),
            _single(item.get("sourceConnectionIds")),
            _single(item.get("targetConnectionIds")),
            *(mapping or ()),
        )

    def to_json(self) -> Json:
        """Return plain JSON, for a trigger and its event."""
        return with_values(asdict(self))

    @classmethod
    def from_json(cls, value: object) -> Self | None:
        """Read :meth:`to_json`'s form; ``None`` if it is not one."""
        given = readers.mapping(value)
        if (flow_id := readers.text(given.get("id"))) is None:
            return None
        return cls(
            flow_id,
            readers.text(given.get("name")),
            readers.text(given.get("source_connection_id")),
            readers.text(given.get("target_connection_id")),
            readers.text(given.get("mapping_set_id")),
            readers.count(given.get("mapping_version")) or 0,
        )


@dataclass(frozen=True)
class Names:
    """
    A flow run's dataflow and dataset, as people know them; ``None`` where that is not known.

    :param flow_id: the dataflow.
    :param flow_name: its name.
    :param dataset_id: the dataset that rows go to.
    :param dataset_name: its name.
    """

    flow_id: str
    flow_name: str | None = None
    dataset_id: str | None = None
    dataset_name: str | None = None

    def to_json(self) -> Json:
        """Return those that are known."""
        return with_values(asdict(self))

    def __str__(self) -> str:
        """Return them as the end of a log line."""
        dataset = f"; dataset {_called(self.dataset_name, self.dataset_id)}" if self.dataset_id else ""
        return f"dataflow {_called(self.flow_name, self.flow_id)}{dataset}"


def _called(name: str | None, object_id: str) -> str:
    return f"{name!r} ({object_id})" if name else object_id


def _single(ids: object) -> str | None:
    """Return the one id of a list; ``None`` where it does not hold a single one."""
    found = [each for each in map(readers.text, readers.sequence(ids)) if each]
    return found[0] if len(found) == 1 else None
