"""What the registry asks of a resource's content; each rule raises its refusal."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from airflow_provider_payments.emulator.schema_registry import fields
from airflow_provider_payments.emulator.schema_registry.composition import (
    TAKEN,
    Composition,
    malformed,
    unknown_reference,
)
from airflow_provider_payments.emulator.schema_registry.descriptors import Descriptors
from airflow_provider_payments.emulator.schema_registry.global_resources import BEHAVIORS, IDENTITY_MAP
from airflow_provider_payments.emulator.schema_registry.library import Library
from airflow_provider_payments.emulator.schema_registry.refusals import RegistryRefusal
from airflow_provider_payments.emulator.schema_registry.resources import Kind, Resource, reference_not_found

# A field group also needs 'meta:intendedToExtend', which has a refusal of its own. A schema's 'type' is required in the
# published interface, but Adobe's own client leaves it out.
_NEEDED: Mapping[Kind, tuple[str, ...]] = {
    "schemas": ("description", "allOf"),
    "classes": ("type", "description", "allOf"),
    "mixins": ("type",),
    "datatypes": ("type",),
}


def check_title(library: Library, body: Mapping[str, Any], itself: Resource | None) -> None:
    """Titles are unique over all kinds of resources.

    :param itself: the resource that is to bear the title, None when it is new.
    """
    title = body.get("title")
    if not isinstance(title, str) or not title.strip():
        raise RegistryRefusal("1500-400", "Title missing", "A resource needs a 'title', which is text.")
    for other in library.store.find("title", (title,)):
        if other is not itself:
            raise RegistryRefusal(
                "1521-400",
                "Title not unique",
                f"Object titles must be unique. An object {other.id} already exists with the same title",
            )


def check_form(kind: Kind, body: Mapping[str, Any]) -> None:
    """The members that every body needs, and their types."""
    for member in _NEEDED[kind]:
        if body.get(member) is None:
            raise malformed(f"The body needs '{member}'.")
    if body.get("type", "object") != "object":
        raise malformed("The 'type' of a resource must be 'object'.")
    if not isinstance(body.get("description", ""), str):
        raise malformed("The 'description' must be text.")
    tags = body.get("meta:immutableTags", [])
    if not isinstance(tags, list) or not all(isinstance(tag, str) for tag in tags):
        raise malformed("'meta:immutableTags' must be a list of texts.")


def completed(made_of: Composition, allowed: str | None) -> Composition:
    """A composition with completed fields.

    :param allowed: the only name that its fields may have at the top, None when they may have any.
    """
    if allowed is None:
        return replace(made_of, properties=fields.complete_all(made_of.properties, ""))
    for name in made_of.properties:
        if name != allowed:
            raise RegistryRefusal(
                "1021-400",
                "Namespace validation error",
                f"The custom field '{name[:200]}' must stand below a top-level field named {allowed}.",
            )
    return replace(made_of, properties={name: fields.complete(tree, name) for name, tree in made_of.properties.items()})


def check_references(library: Library, kind: Kind, identifier: str, made_of: Composition) -> None:
    """References lead to resources that fit, and never back.

    :param identifier: of the resource that refers.
    """
    for reference in made_of.references:
        found = _referred(library, reference)
        if found is None:
            raise reference_not_found(reference, "datatypes" if kind == "datatypes" else "mixins")
        if kind == "datatypes" and found != "datatypes":
            raise unknown_reference(f"A data type cannot extend '{reference[:200]}', which is no data type.")
        other = library.store.get(reference)
        if reference == identifier or (other is not None and identifier in library.extends(other)):
            raise RegistryRefusal("1504-400", "Reference circular", f"{identifier} would extend itself.")
    for entry in made_of.entries:
        if entry.taken is not None and library.kind_of(entry.target) != "mixins":
            raise malformed(f"'{TAKEN}' takes fields of a field group, and {entry.target} is none.")
    for reference in fields.references(made_of.properties):
        found = _referred(library, reference)
        if found is None:
            raise reference_not_found(reference, "datatypes")
        if found != "datatypes":
            raise unknown_reference(f"A field refers to '{reference[:200]}', which is no data type.")


def _referred(library: Library, reference: str) -> Kind | None:
    """What a reference names, None where reads do not find it yet."""
    hidden = library.store.get(reference) and not library.store.read(reference)
    return None if hidden else library.kind_of(reference)


def _check_schema(library: Library, body: Mapping[str, Any], made_of: Composition) -> None:
    classes = [reference for reference in made_of.references if library.kind_of(reference) == "classes"]
    if len(classes) != 1:
        raise _class_invalid(
            f"A schema refers to exactly one class in 'allOf'; this one refers to {len(classes)}.",
        )
    if body.get("meta:class", classes[0]) != classes[0]:
        raise _class_invalid("'meta:class' and the class in 'allOf' differ.")
    meant_for = {classes[0], *library.extends(library.known(classes[0]))}
    for reference in made_of.references:
        found = library.find(reference)
        if found and found.kind == "mixins" and not meant_for & set(found.content.get("meta:intendedToExtend", ())):
            raise RegistryRefusal(
                "1506-400", "Field group not compatible", f"{reference} is not meant to extend {classes[0]}."
            )


def _class_invalid(detail: str) -> RegistryRefusal:
    return RegistryRefusal("1502-400", "Class invalid", detail)


def _check_field_group(library: Library, body: Mapping[str, Any], made_of: Composition) -> None:
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
    if not made_of.properties:
        raise RegistryRefusal("1505-400", "Schema definition invalid", "A field group needs at least one field.")


def _check_class(_: Library, __: Mapping[str, Any], made_of: Composition) -> None:
    if len([reference for reference in made_of.references if reference in BEHAVIORS]) != 1:
        raise RegistryRefusal(
            "1508-400",
            "Behaviour missing",
            "A class refers to exactly one behaviour in 'allOf': " + ", ".join(BEHAVIORS) + ".",
        )


def _check_data_type(_: Library, __: Mapping[str, Any], made_of: Composition) -> None:
    if not made_of.properties and not made_of.references:
        raise malformed("A data type needs at least one field.")


CHECKS: Mapping[Kind, Callable[[Library, Mapping[str, Any], Composition], None]] = {
    "schemas": _check_schema,
    "mixins": _check_field_group,
    "classes": _check_class,
    "datatypes": _check_data_type,
}


def check_union(descriptors: Descriptors, resource: Resource) -> None:
    """A schema can only be enabled for Profile when its records tell whom they are about."""
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
