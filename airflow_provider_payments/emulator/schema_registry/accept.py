"""What an ``Accept`` header asks of the registry: resources are had in several forms, descriptors in others."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal, TypeVar

from airflow_provider_payments.emulator.refusals import PlainRefusal, Refusal, RegistryRefusal

Summary = Literal["id", "link", "whole"]
Found = TypeVar("Found")

_MEDIA_TYPE = re.compile(r"application/vnd\.adobe\.(?P<family>xed|xdm)(?P<suffix>(?:-[a-z0-9]+)*)\+json")
_SUMMARIES: dict[str, Summary] = {"": "whole", "-id": "id", "-link": "link"}


@dataclass(frozen=True, slots=True)
class Form:
    """How much of a resource is asked for.

    :param full: references are resolved.
    :param only_id: ids, version and title.
    :param notext: without the titles and descriptions of fields.
    :param descriptors: with the descriptors of a schema.
    :param deprecated: with the marks of fields that descriptors deprecate.
    """

    full: bool = False
    only_id: bool = False
    notext: bool = False
    descriptors: bool = False
    deprecated: bool = False


_LIST_FORMS = {"": Form(), "-id": Form(only_id=True)}
_LOOKUP_FORMS = {
    **_LIST_FORMS,
    "-full": Form(full=True),
    "-notext": Form(notext=True),
    "-full-notext": Form(full=True, notext=True),
    "-full-desc": Form(full=True, descriptors=True),
    "-deprecatefield": Form(full=True, deprecated=True),
}


@dataclass(frozen=True, slots=True)
class _Choice:
    """One media type of an ``Accept`` header.

    :param suffix: what follows the family, None when it is no media type of the registry's.
    """

    family: str
    suffix: str | None
    version: str | None


def list_form(accept: str) -> Form:
    """The form for a list: named, without a version.

    :param accept: the header.
    """

    def read(choice: _Choice) -> Form:
        form = None if choice.suffix is None or choice.version is not None else _LIST_FORMS.get(choice.suffix)
        if form is None:
            raise _invalid("1006", accept, "application/vnd.adobe.xed+json or application/vnd.adobe.xed-id+json")
        return form

    return _first(accept, read)


def lookup_form(accept: str) -> Form:
    """The form for one resource: named, with a version.

    :param accept: the header.
    """

    def read(choice: _Choice) -> Form:
        if choice.suffix is None or choice.version is None:
            raise _invalid("1007", accept, "application/vnd.adobe.xed+json; version=1 (a version is needed)")
        form = _LOOKUP_FORMS.get(choice.suffix)
        if form is None:
            raise _not_available(f"Unknown Accept format: {accept[:200]}")
        if choice.version.partition(".")[0] != "1":
            raise _not_available(f"There is no version {choice.version[:40]} of this resource, only major version 1.")
        return form

    return _first(accept, read)


def descriptor_list_form(accept: str) -> tuple[Summary, bool]:
    """How a list of descriptors is asked for: what of each, and whether in pages.

    :param accept: the header.
    """

    def read(choice: _Choice) -> tuple[Summary, bool]:
        suffix = choice.suffix or ""
        paged = suffix.startswith("-v2")
        summary = _SUMMARIES.get(suffix.removeprefix("-v2"))
        if choice.family != "xdm" or choice.version is not None or summary is None:
            raise _invalid("1008", accept, "application/vnd.adobe.xdm-id+json")
        return summary, paged

    return _first(accept, read)


def check_descriptor_lookup(accept: str) -> None:
    """A descriptor has one form and no version: nothing need be named, and what is named must be it.

    :param accept: the header.
    """

    def read(choice: _Choice) -> None:
        if choice.suffix is not None and (choice.family, choice.suffix, choice.version) != ("xdm", "", None):
            raise _invalid("1009", accept, "application/vnd.adobe.xdm+json")

    _first(accept, read)


def _first(accept: str, read: Callable[[_Choice], Found]) -> Found:
    """What the best acceptable choice asks for; when none is, the refusal of the best one."""
    refusal: Refusal | None = None
    for choice in _choices(accept):
        try:
            return read(choice)
        except Refusal as error:
            refusal = refusal or error
    if refusal is not None:
        raise refusal
    return read(_Choice("", None, None))


def _choices(accept: str) -> Iterator[_Choice]:
    """The choices of the header, best first; what no registry has comes last."""
    ranked: list[tuple[bool, float, _Choice]] = []
    for part in accept.lower().split(","):
        media_type, *parameters = (piece.strip() for piece in part.split(";"))
        named = dict(parameter.replace(" ", "").partition("=")[::2] for parameter in parameters)
        match = _MEDIA_TYPE.fullmatch(media_type)
        choice = _Choice(
            match["family"] if match else "", match["suffix"] if match else None, named.get("version") or None
        )
        weight = _weight(named.get("q", "1"))
        if weight > 0:
            ranked.append((match is None, -weight, choice))
    return (choice for _, _, choice in sorted(ranked, key=lambda entry: entry[:2]))


def _weight(text: str) -> float:
    return float(text) if re.fullmatch(r"[01](\.\d{0,3})?", text) else 1.0


def _invalid(number: str, accept: str, example: str) -> RegistryRefusal:
    return RegistryRefusal(
        f"{number}-400",
        "Accept header invalid",
        f"The supplied Accept header is not valid: {accept[:200]} - a valid value looks like {example}",
    )


def _not_available(detail: str) -> PlainRefusal:
    return PlainRefusal(406, "NotAcceptableError", detail)
