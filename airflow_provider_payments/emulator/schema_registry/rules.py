"""The rules for the content of resources; each function raises the refusal of its rule."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from airflow_provider_payments.emulator.core.behaviour import ONCE
from airflow_provider_payments.emulator.schema_registry import fields
from airflow_provider_payments.emulator.schema_registry.composition import (
    REF_PROPERTY,
    Composition,
    malformed,
    unknown_reference,
)
from airflow_provider_payments.emulator.schema_registry.descriptors import Descriptors
from airflow_provider_payments.emulator.schema_registry.global_resources import BEHAVIORS, IDENTITY_MAP
from airflow_provider_payments.emulator.schema_registry.library import Library
from airflow_provider_payments.emulator.schema_registry.refusals import RegistryRefusal
from airflow_provider_payments.emulator.schema_registry.resources import (
    OBJECT_KINDS,
    Kind,
    Resource,
    reference_not_found,
)

# A field group also needs 'meta:intendedToExtend', which has a refusal of its own. A schema's 'type' is required in the
# published interface, but Adobe's own client leaves it out.
_REQUIRED: Mapping[Kind, tuple[str, ...]] = {
    "schemas": ("description", "allOf"),
    "classes": ("type", "description", "allOf"),
    "mixins": ("type",),
    "datatypes": ("type",),
}


def check_title(library: Library, kind: Kind, body: Mapping[str, Any], current: Resource | None) -> None:
    """Refuse a title that another resource of any kind has, unless the options allow duplicate titles of the kind.

    :param current: the resource that gets the title; None for a new one.
    """
    title = body.get("title")
    if not isinstance(title, str) or not title.strip():
        raise RegistryRefusal("1500-400", "Title missing", "A resource needs a 'title', which is text.")
    rule = library.sandbox.runtime_options.names.get(OBJECT_KINDS.get(kind, ""), ONCE)
    for other in library.store.find("title", (title,)) if rule == ONCE else ():
        if other is not current:
            raise RegistryRefusal(
                "1521-400",
                "Title not unique",
                f"Object titles must be unique. An object {other.id} already exists with the same title",
            )


def check_form(kind: Kind, body: Mapping[str, Any]) -> None:
    """Refuse a body whose required members are missing or have the wrong type."""
    for member in _REQUIRED[kind]:
        if body.get(member) is None:
            raise malformed(f"The body needs '{member}'.")
    if body.get("type", "object") != "object":
        raise malformed("The 'type' of a resource must be 'object'.")
    if not isinstance(body.get("description", ""), str):
        raise malformed("The 'description' must be text.")
    tags = body.get("meta:immutableTags", [])
    if not isinstance(tags, list) or not all(isinstance(tag, str) for tag in tags):
        raise malformed("'meta:immutableTags' must be a list of texts.")


def completed(composition: Composition, allowed: str | None) -> Composition:
    """Return a composition with completed fields.

    :param allowed: the only allowed top-level name; None for any.
    """
    if allowed is None:
        return replace(composition, properties=fields.complete_all(composition.properties, ""))
    for name in composition.properties:
        if name != allowed:
            raise RegistryRefusal(
                "1021-400",
                "Namespace validation error",
                f"The custom field '{name[:200]}' must stand below a top-level field named {allowed}.",
            )
    return replace(
        composition, properties={name: fields.complete(tree, name) for name, tree in composition.properties.items()}
    )


def check_references(library: Library, kind: Kind, identifier: str, composition: Composition) -> None:
    """Refuse references to unknown resources, to resources of the wrong kind, and circular ones.

    :param identifier: the ``$id`` of the referring resource.
    """
    for reference in composition.references:
        found = _referred(library, reference)
        if found is None:
            raise reference_not_found(reference, "datatypes" if kind == "datatypes" else "mixins")
        if kind == "datatypes" and found != "datatypes":
            raise unknown_reference(f"A data type cannot extend '{reference[:200]}', which is no data type.")
        other = library.store.get(reference)
        if reference == identifier or (other is not None and identifier in library.extends(other)):
            raise RegistryRefusal("1504-400", "Reference circular", f"{identifier} would extend current.")
    for entry in composition.entries:
        if entry.selected is not None and library.kind_of(entry.target) != "mixins":
            raise malformed(f"'{REF_PROPERTY}' selects fields of a field group, but {entry.target} is none.")
    for reference in fields.references(composition.properties):
        found = _referred(library, reference)
        if found is None:
            raise reference_not_found(reference, "datatypes")
        if found != "datatypes":
            raise unknown_reference(f"A field refers to '{reference[:200]}', which is no data type.")


def _referred(library: Library, reference: str) -> Kind | None:
    """Return the kind of the resource that a reference names; None if requests cannot read the resource (yet)."""
    hidden = library.store.get(reference) and not library.store.read(reference)
    return None if hidden else library.kind_of(reference)


def _check_schema(library: Library, body: Mapping[str, Any], composition: Composition) -> None:
    classes = [reference for reference in composition.references if library.kind_of(reference) == "classes"]
    if len(classes) != 1:
        raise _class_invalid(
            f"A schema refers to exactly one class in 'allOf'; this one refers to {len(classes)}.",
        )
    if body.get("meta:class", classes[0]) != classes[0]:
        raise _class_invalid("'meta:class' and the class in 'allOf' differ.")
    meant_for = {classes[0], *library.extends(library.known(classes[0]))}
    for reference in composition.references:
        found = library.find(reference)
        if found and found.kind == "mixins" and not meant_for & set(found.content.get("meta:intendedToExtend", ())):
            raise RegistryRefusal(
                "1506-400", "Field group not compatible", f"{reference} is not meant to extend {classes[0]}."
            )


def _class_invalid(detail: str) -> RegistryRefusal:
    return RegistryRefusal("1502-400", "Class invalid", detail)


def _check_field_group(library: Library, body: Mapping[str, Any], composition: Composition) -> None:
    meant = body.get("meta:intendedToExtend")
    if not isinstance(meant, list) or not meant or not all(isinstance(name, str) for name in meant):
        raise RegistryRefusal(
            "1507-400",
            "meta:intendedToExtend missing",
            "A field group needs 'meta:intendedToExtend', a list of the classes that it extends.",
        )
    for name in meant:
        if library.kind_of(name) not in ("classes", "behaviors"):
            raise unknown_reference(f"'{name[:200]}' names no known class.")
    if not composition.properties:
        raise RegistryRefusal("1505-400", "Schema definition invalid", "A field group needs at least one field.")


def _check_class(_: Library, __: Mapping[str, Any], composition: Composition) -> None:
    if len([reference for reference in composition.references if reference in BEHAVIORS]) != 1:
        raise RegistryRefusal(
            "1508-400",
            "Behaviour missing",
            "A class refers to exactly one behaviour in 'allOf': " + ", ".join(BEHAVIORS) + ".",
        )


def _check_data_type(_: Library, __: Mapping[str, Any], composition: Composition) -> None:
    if not composition.properties and not composition.references:
        raise malformed("A data type needs at least one field.")


CHECKS: Mapping[Kind, Callable[[Library, Mapping[str, Any], Composition], None]] = {
    "schemas": _check_schema,
    "mixins": _check_field_group,
    "classes": _check_class,
    "datatypes": _check_data_type,
}


def check_union(descriptors: Descriptors, resource: Resource) -> None:
    """Refuse to enable a schema for Profile unless its records have an identity."""
    title = "Union descriptor validation error"
    unnamed = descriptors.relation_without_identity(resource)
    if unnamed is not None:
        raise RegistryRefusal(
            "1526-400", title, f"The related field {unnamed} needs a reference identity descriptor for a union."
        )
    if IDENTITY_MAP not in resource.references and not descriptors.has_primary(resource):
        raise RegistryRefusal(
            "1528-400", title, "A schema in a union needs the identityMap field group or a primary identity."
        )
