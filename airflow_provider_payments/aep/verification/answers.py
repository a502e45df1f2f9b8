"""What the services answer to a creation, a read by id and a deletion: what our readers and the emulator rest on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import attrs

from airflow_provider_payments.aep.errors import RequestError
from airflow_provider_payments.aep.readers import at, text
from airflow_provider_payments.aep.services import segment
from airflow_provider_payments.aep.verification.checks import Check
from airflow_provider_payments.aep.verification.findings import Finding, NotTriedError, judged
from airflow_provider_payments.aep.verification.kinds import KINDS
from airflow_provider_payments.aep.verification.probe import refused

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from airflow_provider_payments.aep.verification.made import Made
    from airflow_provider_payments.aep.verification.probe import Seen
    from airflow_provider_payments.aep.verification.trial import Trial

__all__ = ["CHECKS"]


@attrs.frozen
class _Service:
    """
    What a service is assumed to answer.

    :param id: in the ids of checks.
    :param title: what sentences begin with.
    :param kind: of the object that is asked about.
    :param created: the status of a creation.
    :param receipt: what its body is, as the end of a sentence.
    :param is_receipt: whether a body is that.
    :param deleted: the status of a deletion.
    :param params: of a creation.
    """

    id: str
    title: str
    kind: str
    created: int
    receipt: str
    is_receipt: Callable[[Any], bool]
    deleted: int
    params: dict[str, str] | None = None


def _is_reference(body: Any) -> bool:
    reference = text(body[0]) if isinstance(body, list) and len(body) == 1 else None
    return (reference or "").startswith("@/dataSets/")


SERVICES = (
    _Service(
        "flow_service",
        "Flow Service",
        "target_connection",
        201,
        "an object with `id` and `etag`",
        lambda body: bool(text(at(body, "id")) and text(at(body, "etag"))),
        204,
    ),
    _Service(
        "schema_registry",
        "The Schema Registry",
        "field_group",
        201,
        "the whole resource with `$id` and `meta:registryMetadata.eTag`",
        lambda body: bool(text(at(body, "$id")) and text(at(body, "meta:registryMetadata", "eTag"))),
        204,
    ),
    _Service(
        "catalog",
        "The Catalog",
        "dataset",
        201,
        'a list of one reference, `"@/dataSets/<id>"`',
        _is_reference,
        200,
        {"requestDataSource": "true"},
    ),
    _Service(
        "data_prep",
        "Data Prep",
        "mapping_set",
        200,
        "an object with `id` and `version`",
        lambda body: bool(text(at(body, "id"))) and at(body, "version") is not None,
        200,
    ),
)


# ---- creations and deletions ---------------------------------------------------------------------------------------


def _post(trial: Trial, service: _Service) -> tuple[Seen, Made | None]:
    objects = trial.objects
    # Titles of the registry are unique.
    desired = objects.desired(service.kind, _name(trial, service)).ready(trial.client)
    return objects.post(service.kind, desired.payload(), service.params)


def _name(trial: Trial, service: _Service) -> str:
    return f"{trial.objects.name(service.kind)} answers"


def _answers_creation(service: _Service) -> Callable[[Trial], Finding]:
    def ask(trial: Trial) -> Finding:
        seen, _ = _post(trial, service)
        is_receipt = service.is_receipt(seen.body)
        return judged(seen.status == service.created and is_receipt, **seen.shown, body=is_receipt)

    return ask


def _answers_deletion(service: _Service) -> Callable[[Trial], Finding]:
    def ask(trial: Trial) -> Finding:
        name = _name(trial, service)
        made = (
            next((one for one in trial.objects.of(service.kind) if one.name == name), None) or _post(trial, service)[1]
        )
        if made is None:
            raise NotTriedError(f"the creation of a {KINDS[service.kind]} is refused")
        # What cannot be read yet could not be deleted either.
        trial.read(service.kind, made.existing.id)
        seen = trial.probe.send("DELETE", f"{KINDS[service.kind].path}/{segment(made.existing.id)}")
        if seen.is_success:
            trial.objects.forget(made)
        return judged(seen.status == service.deleted, **seen.shown)

    return ask


# ---- reads and refusals --------------------------------------------------------------------------------------------


def _wraps_item(trial: Trial) -> Finding:
    seen = _read(trial, "target_connection")
    items = at(seen.body, "items")
    is_wrapped = isinstance(items, list) and len(items) == 1
    return judged(is_wrapped, **seen.shown, wrapped=is_wrapped)


def _keys_item(trial: Trial) -> Finding:
    seen = _read(trial, "dataset")
    is_keyed = isinstance(at(seen.body, trial.objects.first("dataset")), dict)
    return judged(is_keyed, **seen.shown, keyed=is_keyed)


def _read(trial: Trial, kind: str) -> Seen:
    seen = trial.probe.send("GET", f"{KINDS[kind].path}/{segment(trial.objects.first(kind))}")
    if not seen.is_success:
        raise NotTriedError(f"the read was answered {seen.status} {seen.code}".rstrip())
    return seen


def _names_taken_title(trial: Trial) -> Finding:
    kind, objects = "field_group", trial.objects
    first = trial.read(kind)
    desired = objects.desired(kind, str(first.item.get("title")))
    try:
        objects.make(kind, desired=desired)
    except RequestError as error:
        named = desired.object_named_by(trial.client, error)
        is_named = named is not None and named.id == first.id
        return judged(is_named, **refused(error).shown, named=is_named)
    return judged(False, status=201, code="", form="json", named=False)


# ---- the checks ----------------------------------------------------------------------------------------------------


def _checks_of(service: _Service) -> Iterator[Check]:
    yield Check(
        f"{service.id}.creation",
        f"{service.title} answers a creation with {service.created} and {service.receipt}.",
        "`aep/resources/kind.py`; Adobe's OpenAPI file",
        f"create a {KINDS[service.kind]}",
        _answers_creation(service),
    )
    yield Check(
        f"{service.id}.deletion",
        f"{service.title} answers a deletion with {service.deleted}.",
        "Adobe's OpenAPI file",
        f"delete a {KINDS[service.kind]} that nothing uses",
        _answers_deletion(service),
    )


CHECKS = (
    *(check for service in SERVICES for check in _checks_of(service)),
    Check(
        "flow_service.wrapped_item",
        "Flow Service answers a read by id with a list of one item, under `items`.",
        "`aep/api/flow_service.py`; samples show both this and the bare object",
        "read a target connection by its id",
        _wraps_item,
    ),
    Check(
        "catalog.keyed_item",
        "The Catalog answers a read by id with an object that holds the dataset under its id.",
        "`aep/api/catalog.py`; Adobe's OpenAPI file",
        "read a dataset by its id",
        _keys_item,
    ),
    Check(
        "schema_registry.title_taken",
        "The Schema Registry refuses a title that is taken with XDM-1521-400, and names the `$id` of its resource.",
        "`aep/resources/schema_registry.py`; the number is a guess",
        "create a field group with the title of another",
        _names_taken_title,
    ),
)
