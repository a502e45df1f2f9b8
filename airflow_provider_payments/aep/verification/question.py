"""What the caller of a verification asks for, from the arguments of a command line or a task."""

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

__all__ = ["Question", "read_question"]

MAX_REQUESTS, MAX_QUICK_REQUESTS = 400, 150
#: Objects of each kind that are measured.
OBJECTS, QUICK_OBJECTS = 3, 1


@attrs.frozen
class Question:
    """
    What the caller asks for.

    It raises InvalidInputError if an entry of ``only`` names no check.

    :param sandbox: the sandbox's name, as the connection has it too.
    :param base_connection_id: a base connection of any payments source.
    :param source: the vendor of ``credential``.
    :param credential: what a base connection of that vendor logs in with.
    :param only: ids of checks, or their beginnings such as ``dataset``; empty: all.
    :param ingest: whether rows may be brought in.
    :param quick: whether one object of each kind is made.
    :param allow_production: whether a production sandbox may be asked.
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
        """The checks that are asked for, in the order in which they are asked."""
        return [check for check in ALL_CHECKS if not self.only or any(_is_named(check, name) for name in self.only)]

    @property
    def held(self) -> set[Need]:
        """What checks may need and the caller gives."""
        has_source = bool(self.base_connection_id or self.credential)
        given = {
            Need.SOURCE: has_source,
            Need.VENDOR: bool(self.credential),
            Need.INGEST: self.ingest,
            Need.WHOLE: not self.quick,
        }
        return {need for need, is_given in given.items() if is_given}

    @property
    def max_requests(self) -> int:
        """How many requests checks and the removal of what they made may take."""
        return MAX_QUICK_REQUESTS if self.quick else MAX_REQUESTS

    @property
    def objects(self) -> int:
        """How many objects of each kind are measured."""
        return QUICK_OBJECTS if self.quick else OBJECTS


def _is_named(check: Check, name: str) -> bool:
    return check.id == name or check.id.startswith(f"{name}.")


def read_question(given: Mapping[str, Any], credential_of: Callable[[str, Source], Mapping[str, str]]) -> Question:
    """
    Return what arguments ask for, text from a template too.

    :param given: by name: those of :class:`Question`, and instead of its ``credential`` ``vendor_conn_id``.
    :param credential_of: returns what the Airflow connection of a vendor holds.
    :raises InvalidInputError: naming the argument that is wrong.
    """
    base_id = as_optional_id("base_connection_id", given["base_connection_id"])
    vendor_conn_id = as_optional_text("vendor_conn_id", given["vendor_conn_id"])
    name = as_optional_text("source", given["source"])
    source = find_source(name) if name else None
    if base_id and vendor_conn_id:
        allowed = "a base connection is named already; give one of the two"
        raise InvalidInputError("vendor_conn_id", vendor_conn_id, allowed)
    if bool(source) != bool(vendor_conn_id):
        allowed = f"one of {', '.join(SOURCES)}, where a vendor's connection is named, and only there"
        raise InvalidInputError("source", name, allowed)
    question = Question(
        sandbox=as_text("sandbox", given["sandbox"]),
        base_connection_id=base_id,
        source=source,
        only=as_texts("only", given["only"]) or (),
        ingest=bool(as_bool("ingest", given["ingest"])),
        quick=bool(as_bool("quick", given["quick"])),
        allow_production=bool(as_bool("allow_production", given["allow_production"])),
    )
    if vendor_conn_id is None or source is None:
        return question
    return attrs.evolve(question, credential=credential_of(vendor_conn_id, source))
