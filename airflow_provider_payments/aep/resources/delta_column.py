"""
The column that distinguishes new rows from those already read.

Source: the tutorial "Create a dataflow for payments sources".
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from airflow_provider_payments.aep.errors import InvalidInputError
from airflow_provider_payments.aep.inputs import as_data, as_mapping, as_optional_text
from airflow_provider_payments.aep.resources.base import without_empty

if TYPE_CHECKING:
    from collections.abc import Mapping

    from airflow_provider_payments.aep.fields import Fields
    from airflow_provider_payments.aep.services import Json

_MEMBERS = ("name", "dateFormat", "timezone")


@dataclass(frozen=True)
class DeltaColumn:
    """
    A delta column as somebody wrote it.

    :param name: one of the source's columns.
    :param date_format: its format, as a Java pattern. Empty is not written: a new dataflow gets :attr:`DATE_FORMAT`,
        and the one of a live dataflow is not compared. ``None`` leaves it out.
    :param timezone: must be UTC for table sources; likewise.
    """

    #: The format that the service's prose names; ``YYYY`` and ``DD`` of its samples would mean week-year and day of the
    #: year.
    DATE_FORMAT = "yyyy-MM-dd HH:mm:ss"
    TIMEZONE = "UTC"

    name: str
    date_format: str | None = ""
    timezone: str | None = ""

    @classmethod
    def parse(cls, value: object) -> DeltaColumn | None:
        """Read a column's name, or an object with ``name``, ``dateFormat`` and ``timezone``."""
        if value is None or value in ("", "None"):
            return None
        if isinstance(value, str) and not value.lstrip().startswith("{"):
            return cls(value)
        given = as_mapping("delta_column", value)
        unknown = set(given) - set(_MEMBERS)
        if unknown:
            raise InvalidInputError("delta_column", sorted(unknown), f"known keys are {', '.join(_MEMBERS)}")
        written = {
            member: as_optional_text(f"delta_column.{member}", given[member])
            for member in _MEMBERS[1:]
            if member in given
        }
        name = as_data("delta_column.name", given.get("name"))
        return cls(name, written.get("dateFormat", ""), written.get("timezone", ""))

    def payload(self) -> Json:
        """Return what a new dataflow gets."""
        date_format = self.DATE_FORMAT if self.date_format == "" else self.date_format
        timezone = self.TIMEZONE if self.timezone == "" else self.timezone
        return without_empty({"name": self.name, "dateFormat": date_format, "timezone": timezone})

    @property
    def desired(self) -> Json:
        """What somebody wrote of it."""
        return without_empty(
            {"name": self.name, "dateFormat": self.date_format or None, "timezone": self.timezone or None}
        )


def read_delta_column(copy: Fields) -> dict[str, str | None]:
    """Read the delta column from the parameters of a dataflow's Copy transformation."""
    column = copy.below("deltaColumn")
    return {member: column.text(member) for member in _MEMBERS}


def with_delta_column(copy: Mapping[str, Any], desired: DeltaColumn) -> Json:
    """Return a Copy transformation's parameters with what somebody wrote of the delta column, all else as it is."""
    return dict(copy) | {"deltaColumn": dict(copy.get("deltaColumn") or {}) | desired.desired}
