"""The references that a dataflow's item contains, and the names of a flow run's dataflow and dataset."""

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
    A dataflow's name and references; ``None`` if it has none of a kind, or several.

    :param id: the dataflow's id.
    :param name: the dataflow's name.
    :param source_connection_id: id of its source connection.
    :param target_connection_id: id of its target connection.
    :param mapping_set_id: id of its mapping set.
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
        """Return the dataflow that :meth:`to_json` wrote; ``None`` if ``value`` is not in that form."""
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
    The ids and names of a flow run's dataflow and dataset; ``None`` if unknown.

    :param flow_id: the dataflow's id.
    :param flow_name: the dataflow's name.
    :param dataset_id: id of the dataset that the dataflow writes to.
    :param dataset_name: the dataset's name.
    """

    flow_id: str
    flow_name: str | None = None
    dataset_id: str | None = None
    dataset_name: str | None = None

    def to_json(self) -> Json:
        """Return the known ids and names."""
        return with_values(asdict(self))

    def __str__(self) -> str:
        """Return the names and ids as the end of a log line."""
        dataset = f"; dataset {_label(self.dataset_name, self.dataset_id)}" if self.dataset_id else ""
        return f"dataflow {_label(self.flow_name, self.flow_id)}{dataset}"


def _label(name: str | None, object_id: str) -> str:
    return f"{name!r} ({object_id})" if name else object_id


def _single(ids: object) -> str | None:
    """Return the only id of a list; ``None`` if the list has no id, or several."""
    found = [each for each in map(readers.text, readers.sequence(ids)) if each]
    return found[0] if len(found) == 1 else None
