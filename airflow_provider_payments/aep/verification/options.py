"""The options of a verification, read from the arguments of a command line or a task."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import attrs

from airflow_provider_payments.aep.errors import InvalidInputError
from airflow_provider_payments.aep.inputs import (
    as_bool,
    as_optional_id,
    as_optional_text,
    as_text,
    as_texts,
    did_you_mean,
)
from airflow_provider_payments.aep.resources.sources import SOURCES, Source, find_source
from airflow_provider_payments.aep.verification.catalogue import ALL_CHECKS
from airflow_provider_payments.aep.verification.checks import Check, Need

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

__all__ = ["VerificationOptions", "read_options"]

MAX_REQUESTS, MAX_QUICK_REQUESTS = 400, 150
#: Objects of each kind whose settle time is measured.
OBJECTS_PER_KIND, QUICK_OBJECTS_PER_KIND = 3, 1


@attrs.frozen
class VerificationOptions:
    """
    The options of a verification.

    The constructor raises InvalidInputError if an entry of ``only`` names no check.

    :param sandbox: name of the sandbox; it must equal that of the connection.
    :param base_connection_id: id of an existing base connection of any payments source. Defaults to ``None``.
    :param source: the vendor of ``credential``. Defaults to ``None``.
    :param credential: credential with which the verification creates base connections. Defaults to none.
    :param only: ids of checks, or topics such as ``dataset``. Defaults to none: all checks.
    :param ingest: whether rows may be ingested. Defaults to ``False``.
    :param quick: whether to create one object of each kind, and to leave out some checks. Defaults to ``False``.
    :param allow_production: whether a production sandbox may be verified. Defaults to ``False``.
    """

    sandbox: str
    base_connection_id: str | None = None
    source: Source | None = None
    credential: Mapping[str, str] = attrs.field(factory=dict, repr=False)
    only: Sequence[str] = attrs.field(default=())
    ingest: bool = False
    quick: bool = False
    allow_production: bool = False

    @only.validator
    def _check_only(self, _: object, only: Sequence[str]) -> None:
        for name in only:
            if not any(_is_named(check, name) for check in ALL_CHECKS):
                topics = sorted({check.id.partition(".")[0] for check in ALL_CHECKS})
                hint = did_you_mean(name, [check.id for check in ALL_CHECKS])
                raise InvalidInputError("only", name, f"the id of a check, or one of {', '.join(topics)}{hint}")

    @property
    def checks(self) -> list[Check]:
        """The selected checks, in the order in which they run."""
        return [check for check in ALL_CHECKS if not self.only or any(_is_named(check, name) for name in self.only)]

    @property
    def met_needs(self) -> set[Need]:
        """The needs of checks that these options meet."""
        has_source = bool(self.base_connection_id or self.credential)
        is_met = {
            Need.SOURCE: has_source,
            Need.VENDOR: bool(self.credential),
            Need.INGEST: self.ingest,
            Need.WHOLE: not self.quick,
        }
        return {need for need, met in is_met.items() if met}

    @property
    def max_requests(self) -> int:
        """The maximum number of requests of all checks, including the deletion of the objects that they created."""
        return MAX_QUICK_REQUESTS if self.quick else MAX_REQUESTS

    @property
    def objects_per_kind(self) -> int:
        """The number of objects of each kind whose settle time is measured."""
        return QUICK_OBJECTS_PER_KIND if self.quick else OBJECTS_PER_KIND


def _is_named(check: Check, name: str) -> bool:
    return check.id == name or check.id.startswith(f"{name}.")


def read_options(
    given: Mapping[str, Any], credential_of: Callable[[str, Source], Mapping[str, str]]
) -> VerificationOptions:
    """
    Return options from arguments, each of which may be the text that a template rendered.

    :param given: the arguments by name: those of :class:`VerificationOptions`, with ``vendor_conn_id`` instead of
        ``credential``.
    :param credential_of: returns the credential in the vendor's Airflow connection of an id.
    :raises InvalidInputError: naming the argument that is wrong.
    """
    base_id = as_optional_id("base_connection_id", given["base_connection_id"])
    vendor_conn_id = as_optional_text("vendor_conn_id", given["vendor_conn_id"])
    name = as_optional_text("source", given["source"])
    source = find_source(name) if name else None
    if base_id and vendor_conn_id:
        allowed = "either a base connection or a vendor's connection, not both"
        raise InvalidInputError("vendor_conn_id", vendor_conn_id, allowed)
    if bool(source) != bool(vendor_conn_id):
        allowed = f"one of {', '.join(SOURCES)}, together with a vendor's connection, and only then"
        raise InvalidInputError("source", name, allowed)
    options = VerificationOptions(
        sandbox=as_text("sandbox", given["sandbox"]),
        base_connection_id=base_id,
        source=source,
        only=as_texts("only", given["only"]) or (),
        ingest=bool(as_bool("ingest", given["ingest"])),
        quick=bool(as_bool("quick", given["quick"])),
        allow_production=bool(as_bool("allow_production", given["allow_production"])),
    )
    if vendor_conn_id is None or source is None:
        return options
    return attrs.evolve(options, credential=credential_of(vendor_conn_id, source))
