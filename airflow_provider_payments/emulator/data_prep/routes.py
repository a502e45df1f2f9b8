"""Data Prep's operations."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from airflow_provider_payments.emulator.core.call import Answer, Call, Dialect, Routes
from airflow_provider_payments.emulator.core.parsing import UnreadableBody, parse_json
from airflow_provider_payments.emulator.core.paths import read
from airflow_provider_payments.emulator.data_prep import listing
from airflow_provider_payments.emulator.data_prep.language.expressions import OPERATORS, evaluate, parse
from airflow_provider_payments.emulator.data_prep.language.functions import FUNCTIONS, METHODS
from airflow_provider_payments.emulator.data_prep.language.values import ExpressionError
from airflow_provider_payments.emulator.data_prep.mapping_sets import (
    FieldMapping,
    MappingSet,
    MappingSets,
    MappingVersion,
    field_mapping,
)
from airflow_provider_payments.emulator.data_prep.refusals import DataPrepRefusal, invalid, refused
from airflow_provider_payments.emulator.data_prep.shapes import (
    finding_to_wire,
    function_to_wire,
    mapping_set_to_wire,
    mapping_to_wire,
    receipt_to_wire,
)
from airflow_provider_payments.emulator.data_prep.suggestions import show_suggestion
from airflow_provider_payments.emulator.data_prep.transform import Transform, problems

PREFIX = "/data/foundation/conversion"
MAX_PREVIEW_ROWS = 1000


def create(call: Call[MappingSets]) -> Answer:
    mapping_sets, body = call.state, call.json_object()
    if _is_true(call, "validate"):
        _check(call, mapping_sets.parse(body, 0))
    return Answer(receipt_to_wire(mapping_sets.create(body)))


def _check(call: Call[MappingSets], version: MappingVersion) -> None:
    """Refuse mappings that a dataflow could not use."""
    problem = next(filter(None, problems(version.mappings, _fields(call, version)[0])), None)
    if problem is not None:
        raise invalid(problem)


def list_all(call: Call[MappingSets]) -> Answer:
    return listing.answer(call, call.state.store, lambda item: _to_wire(call, item, item.latest))


def show(call: Call[MappingSets]) -> Answer:
    mapping_set = call.state.get(call.params["id"], removed=True)
    return Answer(_to_wire(call, mapping_set, mapping_set.version(call.whole_number("version", invalid, 0))))


def _to_wire(call: Call[MappingSets], mapping_set: MappingSet, version: MappingVersion) -> dict[str, Any]:
    schema: dict[str, Any] | None = None
    # The schema of a set may have been deleted.
    if _is_true(call, "expandSchema") and call.state.registry.read(version.schema_id) is not None:
        properties, required = _fields(call, version)
        schema = {"id": version.schema_id, "type": "object", "properties": properties, "required": list(required)}
    return mapping_set_to_wire(mapping_set, version, schema)


def _is_true(call: Call[MappingSets], name: str) -> bool:
    return (call.parameter(name) or "").lower() == "true"


def put(call: Call[MappingSets]) -> Answer:
    mapping_sets = call.state
    mapping_set = mapping_sets.get(call.params["id"])
    return Answer(mapping_set_to_wire(mapping_set, mapping_sets.replace(mapping_set, call.json_object())))


def delete(call: Call[MappingSets]) -> Answer:
    mapping_sets = call.state
    mapping_set = mapping_sets.get(call.params["id"])
    mapping_sets.store.remove(mapping_set)
    return Answer(receipt_to_wire(mapping_set))


def list_mappings(call: Call[MappingSets]) -> Answer:
    mapping_set = call.state.get(call.params["id"])
    version = _requested_version(call, mapping_set)
    return Answer([mapping_to_wire(mapping, version.author) for mapping in version.mappings])


def show_mapping(call: Call[MappingSets]) -> Answer:
    mapping_set = call.state.get(call.params["id"])
    version = _requested_version(call, mapping_set)
    mapping = version.mapping(call.params["mapping"])
    if mapping is None:
        raise _no_mapping(call, mapping_set)
    return Answer(mapping_to_wire(mapping, version.author))


def _no_mapping(call: Call[MappingSets], mapping_set: MappingSet) -> DataPrepRefusal:
    return refused(404, f"Mapping set {mapping_set.id} has no mapping {call.params['mapping'][:100]}.")


def add_mapping(call: Call[MappingSets]) -> Answer:
    mapping_sets = call.state
    mapping_set = mapping_sets.get(call.params["id"])
    known = mapping_set.latest.mappings
    added = field_mapping(call.json_object(), len(known))
    version = mapping_sets.revise(mapping_set, (*known, added))
    return Answer(mapping_to_wire(added, version.author))


def replace_mapping(call: Call[MappingSets]) -> Answer:
    mapping_set, mapping, place = _latest_mapping(call)
    new = replace(field_mapping(call.json_object(), place), id=mapping.id)
    known = mapping_set.latest.mappings
    version = call.state.revise(mapping_set, (*known[:place], new, *known[place + 1 :]))
    return Answer(mapping_to_wire(new, version.author))


def delete_mapping(call: Call[MappingSets]) -> Answer:
    mapping_set, mapping, _ = _latest_mapping(call)
    kept = (other for other in mapping_set.latest.mappings if other is not mapping)
    call.state.revise(mapping_set, kept)
    return Answer({"id": mapping.id})


def _latest_mapping(call: Call[MappingSets]) -> tuple[MappingSet, FieldMapping, int]:
    """Return the mapping set, the mapping that the path names, and its index in the latest version, or refuse."""
    mapping_set = call.state.get(call.params["id"])
    for place, mapping in enumerate(mapping_set.latest.mappings):
        if mapping.id == call.params["mapping"]:
            return mapping_set, mapping, place
    raise _no_mapping(call, mapping_set)


def _requested_version(call: Call[MappingSets], mapping_set: MappingSet) -> MappingVersion:
    return mapping_set.version(call.whole_number("version", invalid, mapping_set.latest.version))


def validate(call: Call[MappingSets]) -> Answer:
    # Without errors Adobe's documents show `null`, its API reference a list: an empty list suits both.
    version = call.state.parse(call.json_object(), 0)
    found = zip(version.mappings, problems(version.mappings, _fields(call, version)[0]), strict=True)
    return Answer(
        {
            "validationResponse": [
                {"status": "SUCCESS", "errors": []}
                if problem is None
                else {"status": "FAILED", "errors": [finding_to_wire(mapping, problem)]}
                for mapping, problem in found
            ]
        }
    )


def preview(call: Call[MappingSets]) -> Answer:
    body = call.json_object()
    data, mapping_set = body.get("data"), body.get("mappingSet")
    rows: list[Any] = data if isinstance(data, list) else [data]
    if not all(isinstance(row, dict) for row in rows) or len(rows) > MAX_PREVIEW_ROWS:
        raise invalid(f"'data' must be a row, which is an object, or a list of at most {MAX_PREVIEW_ROWS} rows.")
    if not isinstance(mapping_set, dict):
        raise invalid("'mappingSet' must be an object.")
    version = call.state.parse(mapping_set, 0)
    properties, _ = _fields(call, version)
    found = list(zip(version.mappings, problems(version.mappings, properties), strict=True))
    errors = [finding_to_wire(mapping, problem) for mapping, problem in found if problem is not None]
    valid = [mapping for mapping, problem in found if problem is None]
    # A preview shows the mapped row, not whether the dataset would accept it: nothing is required.
    transform = Transform(valid, properties, None, call.state.sandbox.clock.now)
    previews = [_preview_row(transform, row, errors) for row in rows]
    # The API reference has one object, the documentation a list: the answer has the form of the request.
    return Answer(previews if isinstance(data, list) else previews[0])


def _preview_row(transform: Transform, row: dict[str, Any], errors: list[dict[str, Any]]) -> dict[str, Any]:
    record, failures = transform.preview(row)
    found = [*errors, *(finding_to_wire(mapping, problem) for mapping, problem in failures)]
    return {"data": record, "errors": found} if found else {"data": record}


def validate_expression(call: Call[MappingSets]) -> Answer:
    body = call.json_object()
    source, sample = body.get("expression"), body.get("sampleData")
    if not isinstance(source, str) or not source.strip():
        raise invalid("'expression' must be text.")
    row = _sample(sample)
    try:
        expression = parse(source)
        if row is not None:
            evaluate(expression, lambda path: read(row, path), call.state.sandbox.clock.now)
    except ExpressionError:
        return Answer(False)
    return Answer(True)


def _sample(sample: Any) -> dict[str, Any] | None:
    if sample is None or sample == "":
        return None
    if isinstance(sample, str):
        try:
            sample = parse_json(sample.encode())
        except UnreadableBody as error:
            raise invalid("'sampleData' must be a JSON object, as text.") from error
    if not isinstance(sample, dict):
        raise invalid("'sampleData' must be a JSON object, as text.")
    return sample


def list_functions(_: Call[MappingSets]) -> Answer:
    return Answer([function_to_wire(function) for function in (*FUNCTIONS.values(), *METHODS.values())])


def list_operators(_: Call[MappingSets]) -> Answer:
    members = ("operatorSymbol", "methodName", "numberOfOperands", "description", "example")
    return Answer([dict(zip(members, operator, strict=True)) for operator in OPERATORS])


def _fields(call: Call[MappingSets], version: MappingVersion) -> tuple[dict[str, Any], tuple[str, ...]]:
    registry = call.state.registry
    return registry.resolve(registry.get("schemas", version.schema_id))


DIALECT = Dialect(refused)
ROUTES: Routes[MappingSets] = (
    ("POST", "/mappingSets", create),
    ("GET", "/mappingSets", list_all),
    ("POST", "/mappingSets/validate", validate),
    ("POST", "/mappingSets/preview", preview),
    ("GET", "/mappingSets/suggestion", show_suggestion),
    ("GET", "/mappingSets/{id}", show),
    ("PUT", "/mappingSets/{id}", put),
    ("DELETE", "/mappingSets/{id}", delete),
    ("GET", "/mappingSets/{id}/mappings", list_mappings),
    ("POST", "/mappingSets/{id}/mappings", add_mapping),
    ("GET", "/mappingSets/{id}/mappings/{mapping}", show_mapping),
    ("PUT", "/mappingSets/{id}/mappings/{mapping}", replace_mapping),
    ("DELETE", "/mappingSets/{id}/mappings/{mapping}", delete_mapping),
    ("POST", "/languages/el/validate", validate_expression),
    ("GET", "/languages/el/functions", list_functions),
    ("GET", "/languages/el/operators", list_operators),
)
