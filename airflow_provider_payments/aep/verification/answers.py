"""Checks of the answers to a creation, a read by id and a deletion, on which our readers and the emulator rely."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import attrs

from airflow_provider_payments.aep.errors import RequestError
from airflow_provider_payments.aep.readers import at, text
from airflow_provider_payments.aep.services import segment
from airflow_provider_payments.aep.verification.checks import Check
from airflow_provider_payments.aep.verification.findings import Finding, NotTriedError, judged
from airflow_provider_payments.aep.verification.kinds import KINDS
from airflow_provider_payments.aep.verification.probe import as_answer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from airflow_provider_payments.aep.verification.created_object import CreatedObject
    from airflow_provider_payments.aep.verification.probe import Answer
    from airflow_provider_payments.aep.verification.trial import Trial

__all__ = ["CHECKS"]


@attrs.frozen
class _Service:
    """
    The assumed answers of a service.

    :param id: the service's name in ids of checks.
    :param title: the service's name at the beginning of a sentence.
    :param kind: key of the kind whose objects are created and deleted.
    :param creation_status: the status of a creation.
    :param receipt: the body of the answer to a creation, as the end of a sentence.
    :param is_receipt: returns whether a body is such a receipt.
    :param deletion_status: the status of a deletion.
    :param params: query parameters of a creation. Defaults to none.
    """

    id: str
    title: str
    kind: str
    creation_status: int
    receipt: str
    is_receipt: Callable[[Any], bool]
    deletion_status: int
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


def _post(trial: Trial, service: _Service) -> tuple[Answer, CreatedObject | None]:
    objects = trial.objects
    # A name of its own, because titles in the Schema Registry are unique.
    desired = objects.desired(service.kind, _name(trial, service)).ready(trial.client)
    return objects.post(service.kind, desired.payload(), service.params)


def _name(trial: Trial, service: _Service) -> str:
    return f"{trial.objects.name(service.kind)} answers"


def _tests_creation(service: _Service) -> Callable[[Trial], Finding]:
    def run(trial: Trial) -> Finding:
        answer, _ = _post(trial, service)
        is_receipt = service.is_receipt(answer.body)
        return judged(answer.status == service.creation_status and is_receipt, **answer.summary, body=is_receipt)

    return run


def _tests_deletion(service: _Service) -> Callable[[Trial], Finding]:
    def run(trial: Trial) -> Finding:
        name = _name(trial, service)
        created = (
            next((one for one in trial.objects.of_kind(service.kind) if one.name == name), None)
            or _post(trial, service)[1]
        )
        if created is None:
            raise NotTriedError(f"the creation of a {KINDS[service.kind]} is refused")
        # An object that cannot be read yet cannot be deleted either.
        trial.read(service.kind, created.id)
        answer = trial.probe.send("DELETE", f"{KINDS[service.kind].path}/{segment(created.id)}")
        if answer.is_success:
            trial.objects.untrack(created)
        return judged(answer.status == service.deletion_status, **answer.summary)

    return run


# ---- reads and refusals --------------------------------------------------------------------------------------------


def _wraps_item(trial: Trial) -> Finding:
    answer = _read(trial, "target_connection")
    items = at(answer.body, "items")
    is_wrapped = isinstance(items, list) and len(items) == 1
    return judged(is_wrapped, **answer.summary, wrapped=is_wrapped)


def _keys_item(trial: Trial) -> Finding:
    answer = _read(trial, "dataset")
    is_keyed = isinstance(at(answer.body, trial.objects.first_id("dataset")), dict)
    return judged(is_keyed, **answer.summary, keyed=is_keyed)


def _read(trial: Trial, kind: str) -> Answer:
    answer = trial.probe.send("GET", f"{KINDS[kind].path}/{segment(trial.objects.first_id(kind))}")
    if not answer.is_success:
        raise NotTriedError(f"the read was answered {answer.status_text}")
    return answer


def _identifies_owner_of_title(trial: Trial) -> Finding:
    kind, objects = "field_group", trial.objects
    first = trial.read(kind)
    desired = objects.desired(kind, str(first.item.get("title")))
    try:
        objects.create(kind, desired=desired)
    except RequestError as error:
        named = desired.object_named_by(trial.client, error)
        is_named = named is not None and named.id == first.id
        return judged(is_named, **as_answer(error).summary, named=is_named)
    return judged(False, status=201, code="", form="json", named=False)


# ---- the checks ----------------------------------------------------------------------------------------------------


def _checks_of(service: _Service) -> Iterator[Check]:
    yield Check(
        f"{service.id}.creation",
        f"{service.title} answers a creation with {service.creation_status} and {service.receipt}.",
        "`aep/resources/kind.py`; Adobe's OpenAPI file",
        f"create a {KINDS[service.kind]}",
        _tests_creation(service),
    )
    yield Check(
        f"{service.id}.deletion",
        f"{service.title} answers a deletion with {service.deletion_status}.",
        "Adobe's OpenAPI file",
        f"delete a {KINDS[service.kind]} that nothing uses",
        _tests_deletion(service),
    )


CHECKS = (
    *(check for service in SERVICES for check in _checks_of(service)),
    Check(
        "flow_service.wrapped_item",
        "Flow Service answers a read by id with a list of one item, under `items`.",
        "`aep/api/flow_service.py`; some published samples show the list, others the bare object",
        "read a target connection by its id",
        _wraps_item,
    ),
    Check(
        "catalog.keyed_item",
        "The Catalog answers a read by id with an object in which the dataset is the member named by its id.",
        "`aep/api/catalog.py`; Adobe's OpenAPI file",
        "read a dataset by its id",
        _keys_item,
    ),
    Check(
        "schema_registry.title_taken",
        "The Schema Registry refuses a title that is taken with XDM-1521-400, and names the `$id` of its resource.",
        "`aep/resources/schema_registry.py`; the error number is a guess",
        "create a field group with the title of another",
        _identifies_owner_of_title,
    ),
)
