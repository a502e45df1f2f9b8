"""
Flow specs: the service's description of the dataflows that a source can have.

Source: ``GET /flowSpecs`` of Flow Service and the tutorial "Create a dataflow for payments sources".
"""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from airflow_provider_payments.aep import readers
from airflow_provider_payments.aep.api import flow_service
from airflow_provider_payments.aep.api.patience import patiently
from airflow_provider_payments.aep.errors import InvalidInputError, UnreadableError
from airflow_provider_payments.aep.fields import Fields
from airflow_provider_payments.aep.inputs import as_id, as_list, as_mapping, as_optional_text
from airflow_provider_payments.aep.redaction import redacted
from airflow_provider_payments.aep.services import DATA_LAKE_SPEC_ID, SPEC_VERSION, Json, with_values

if TYPE_CHECKING:
    from airflow_provider_payments.aep.api.client import Client, Reads

log = logging.getLogger(__name__)

#: Exceptions of the JSON Schema validator, besides its own classes, for a schema that is broken but passes its check.
_VALIDATOR_ERRORS = (ArithmeticError, AttributeError, LookupError, TypeError, ValueError)


@dataclass(frozen=True)
class FlowSpec:
    """
    A flow spec, reduced to the members that the creation of a dataflow needs.

    :param id: the flow spec's id.
    :param name: the flow spec's name, such as ``CRMToAEP``; empty if only the id is known.
    :param version: the version to which a dataflow refers.
    :param transformations: the names of the flow spec's transformations; ``None`` if only the id is known.
    :param schedule_schema: JSON schema of ``scheduleParams``; ``None`` if unknown.
    :param option_schema: JSON schema of ``options``; ``None`` if unknown.
    """

    id: str
    name: str = ""
    version: str = SPEC_VERSION
    transformations: tuple[str, ...] | None = None
    schedule_schema: Json | None = None
    option_schema: Json | None = None

    @property
    def reads_tables(self) -> bool | None:
        """Whether dataflows read tables by a delta column, with a Copy transformation; ``None`` if unknown."""
        return None if self.transformations is None else "Copy" in self.transformations

    @classmethod
    def from_item(cls, item: Mapping[str, Any]) -> FlowSpec:
        """
        Return the flow spec of an item of ``GET /flowSpecs``.

        Some answers have the member ``transformationSpec`` instead of ``transformationSpecs``.

        :raises UnreadableError: if the item has no id, or its transformations cannot be understood.
        """
        fields = Fields.of_item("flow spec", item)
        key = "transformationSpecs" if "transformationSpecs" in item else "transformationSpec"
        alone = isinstance(item.get(key), Mapping)
        transformations = [fields.below(key)] if alone else fields.each(key)
        return cls(
            id=fields.identity(),
            name=readers.text(item.get("name")) or "",
            version=readers.text(item.get("version")) or SPEC_VERSION,
            transformations=None if item.get(key) is None else tuple(t.text("name") or "" for t in transformations),
            schedule_schema=_schema(item.get("scheduleSpec")),
            option_schema=_schema(item.get("optionSpec")),
        )

    def to_json(self) -> Json:
        """Return the flow spec as plain JSON for an XCom, without members that have no value."""
        names = None if self.transformations is None else list(self.transformations)
        return with_values({**vars(self), "transformations": names})

    @classmethod
    def from_json(cls, value: object) -> FlowSpec:
        """
        Return the flow spec of an argument: an object as :meth:`to_json` returns it, its JSON text, or a bare id.

        :raises InvalidInputError: if the value is none of these.
        """
        if isinstance(value, str) and value.strip() and not value.lstrip().startswith("{"):
            return cls(id=as_id("flow_spec", value.strip()))
        given = as_mapping("flow_spec", value)
        if not given.get("id"):
            raise InvalidInputError("flow_spec", value, "a flow spec's id, or what FindFlowSpecOperator returns")
        names = as_list("flow_spec.transformations", given.get("transformations"))
        return cls(
            id=as_id("flow_spec.id", given["id"]),
            name=as_optional_text("flow_spec.name", given.get("name")) or "",
            version=as_optional_text("flow_spec.version", given.get("version")) or SPEC_VERSION,
            transformations=None if names is None else tuple(map(str, names)),
            schedule_schema=as_mapping("flow_spec.schedule_schema", given.get("schedule_schema")) or None,
            option_schema=as_mapping("flow_spec.option_schema", given.get("option_schema")) or None,
        )


def _schema(spec: object) -> Json | None:
    try:
        return as_mapping("spec", readers.at(spec, "spec")) or None
    except InvalidInputError:
        return None  # no valid JSON, so no XCom could carry it; without a schema only the service checks the values


def find_flow_spec(client: Client, name: str, source_spec_id: str | None) -> FlowSpec:
    """
    Return the flow spec of a name, as :func:`look_up_flow_spec` does.

    The lookup is repeated, within the client's operation timeout, if an answer cannot be understood.
    """
    with client.transport.within(client.operation_timeout):
        return patiently(client, lambda: look_up_flow_spec(client, name, source_spec_id))


def look_up_flow_spec(reads: Reads, name: str, source_spec_id: str | None) -> FlowSpec:
    """
    Return the flow spec of this name that reads the source and writes to the data lake.

    :param name: the flow spec's name.
    :param source_spec_id: id of the source's connection spec; ``None`` accepts a flow spec regardless of its sources.
    :raises InvalidInputError: if no flow spec has the name, or none of that name lists the source.
    :raises UnreadableError: if a flow spec that may match cannot be understood.
    :raises RequestError: if the service refuses the request.
    """
    named, unreadable = False, None
    for item in flow_service.items(reads, "flowSpecs", f'name=="{name}"'):
        try:
            fields = Fields.of_item("flow spec", item)
            if fields.is_named("name", name):
                named = True
                if is_suitable(fields, source_spec_id):
                    return FlowSpec.from_item(item)
        except UnreadableError as error:
            unreadable = error
    if unreadable:
        raise unreadable
    if not named:
        raise InvalidInputError("name", name, "it must be the name of a flow spec that this organisation sees")
    raise InvalidInputError(
        "source",
        source_spec_id,
        f"flow spec {name!r} does not list this connection spec (Adobe removes retired sources); "
        "name another flow spec, or set any_source=True to try it nevertheless",
    )


def is_suitable(fields: Fields, source_spec_id: str | None) -> bool:
    """
    Return whether a flow spec reads a source and writes to the data lake.

    :param fields: the members of the flow spec as it is listed.
    :param source_spec_id: id of the source's connection spec; ``None`` accepts any source.
    """

    def lists(key: str, spec_id: str) -> bool:
        # Answers in the older documents contain no such lists; a flow spec without them is accepted.
        return key not in fields.item or spec_id in fields.texts(key)

    return lists("targetConnectionSpecIds", DATA_LAKE_SPEC_ID) and (
        source_spec_id is None or lists("sourceConnectionSpecIds", source_spec_id)
    )


def check_against(field: str, value: Any, schema: Json | None) -> None:
    """
    Check a value against a JSON schema of the live flow spec.

    :param field: the user's name of the value, for errors.
    :param value: the value.
    :param schema: the JSON schema; ``None`` skips the check, and so does a schema that is broken.
    :raises InvalidInputError: if a member of the value does not match the schema; the error names the member.
    """
    if schema is None:
        return
    from jsonschema import Draft7Validator
    from jsonschema.exceptions import SchemaError, best_match
    from referencing import Registry
    from referencing.exceptions import Unresolvable

    try:
        Draft7Validator.check_schema(schema)
        # The registry of schemas is empty, so that references to other documents are not fetched.
        errors = list(Draft7Validator(schema, registry=Registry()).iter_errors(value))
    except (SchemaError, Unresolvable, re.error, RecursionError, *_VALIDATOR_ERRORS) as broken:
        log.debug("Cannot check %s: the flow spec's schema is broken (%s)", field, type(broken).__name__)
        return  # a broken schema cannot refute a value; only the service checks it
    if error := best_match(errors):
        at = ".".join([field, *map(str, error.absolute_path)])
        raise InvalidInputError(at, error.instance, f"the flow spec says: {redacted(error.message)[:500]}")
