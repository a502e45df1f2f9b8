"""
Delta columns, by which a scheduled run of a dataflow distinguishes new rows from those already read.

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
    The desired delta column.

    :param name: name of the column, one of the source's columns.
    :param date_format: format of the column's values, as a Java pattern; ``None`` sends none. Defaults to empty: a new
        dataflow gets :attr:`DATE_FORMAT`, and the format of an existing dataflow is not compared.
    :param timezone: time zone of the column's values, which must be UTC for table sources; ``None`` sends none.
        Defaults to empty: a new dataflow gets :attr:`TIMEZONE`, and that of an existing dataflow is not compared.
    """

    #: The format that the text of the service's documents names. ``YYYY`` and ``DD``, as in their samples, would mean
    #: week-based year and day of the year.
    DATE_FORMAT = "yyyy-MM-dd HH:mm:ss"
    TIMEZONE = "UTC"

    name: str
    date_format: str | None = ""
    timezone: str | None = ""

    @classmethod
    def parse(cls, value: object) -> DeltaColumn | None:
        """
        Return the delta column of an argument, ``None`` if the argument is absent.

        :param value: the column's name, or an object with ``name``, ``dateFormat`` and ``timezone``.
        :raises InvalidInputError: if a key is unknown or a value is wrong.
        """
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
        """Return the delta column of a new dataflow."""
        date_format = self.DATE_FORMAT if self.date_format == "" else self.date_format
        timezone = self.TIMEZONE if self.timezone == "" else self.timezone
        return without_empty({"name": self.name, "dateFormat": date_format, "timezone": timezone})

    @property
    def desired(self) -> Json:
        """The members that the user set, which are compared."""
        return without_empty(
            {"name": self.name, "dateFormat": self.date_format or None, "timezone": self.timezone or None}
        )


def read_delta_column(copy: Fields) -> dict[str, str | None]:
    """Return the delta column in the parameters of a dataflow's Copy transformation."""
    column = copy.below("deltaColumn")
    return {member: column.text(member) for member in _MEMBERS}


def with_delta_column(copy: Mapping[str, Any], desired: DeltaColumn) -> Json:
    """Return the parameters of a Copy transformation, changed only in the members that the user set."""
    return dict(copy) | {"deltaColumn": dict(copy.get("deltaColumn") or {}) | desired.desired}
