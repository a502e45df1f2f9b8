"""``Accept`` headers of the registry: the forms of resources and of descriptors."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from airflow_provider_payments.emulator.core.refusals import PlainRefusal
from airflow_provider_payments.emulator.schema_registry.refusals import RegistryRefusal

Summary = Literal["id", "link", "whole"]

_MEDIA_TYPE = re.compile(r"application/vnd\.adobe\.(?P<family>xed|xdm)(?P<suffix>(?:-[a-z0-9]+)*)\+json")
_SUMMARIES: dict[str, Summary] = {"": "whole", "-id": "id", "-link": "link"}


@dataclass(frozen=True, slots=True)
class Form:
    """The requested form of a resource.

    :param full: whether references are resolved.
    :param only_id: whether the resource has only its ids, version and title.
    :param notext: whether the titles and descriptions of fields are left out.
    :param descriptors: whether the descriptors of a schema are included.
    :param deprecated: whether fields that descriptors deprecate are marked.
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
    """The first media type of an ``Accept`` header that belongs to the registry.

    :param suffix: the part of the media type after the family; None if the header has no such media type.
    """

    family: str = ""
    suffix: str | None = None
    version: str | None = None


def list_form(accept: str) -> Form:
    """Return the form of a list that an ``Accept`` header names; a header with a version is refused."""
    choice = _choice(accept)
    form = _LIST_FORMS.get(choice.suffix) if choice.suffix is not None and choice.version is None else None
    if form is None:
        raise _invalid("1006", accept, "application/vnd.adobe.xed+json or application/vnd.adobe.xed-id+json")
    return form


def lookup_form(accept: str) -> Form:
    """Return the form of one resource that an ``Accept`` header names; a header without a version is refused."""
    choice = _choice(accept)
    if choice.suffix is None or choice.version is None:
        raise _invalid("1007", accept, "application/vnd.adobe.xed+json; version=1 (a version is needed)")
    form = _LOOKUP_FORMS.get(choice.suffix)
    if form is None:
        raise PlainRefusal(406, f"Unknown Accept format: {accept[:200]}")
    if choice.version.partition(".")[0] != "1":
        raise PlainRefusal(406, f"There is no version {choice.version[:40]} of this resource, only major version 1.")
    return form


def descriptor_list_form(accept: str) -> tuple[Summary, bool]:
    """Return how much of each descriptor a list contains, and whether the list has pages."""
    choice = _choice(accept)
    suffix = choice.suffix or ""
    summary = _SUMMARIES.get(suffix.removeprefix("-v2"))
    if choice.family != "xdm" or choice.version is not None or summary is None:
        raise _invalid("1008", accept, "application/vnd.adobe.xdm-id+json")
    return summary, suffix.startswith("-v2")


def check_descriptor_lookup(accept: str) -> None:
    """Refuse an ``Accept`` header that names a form of a descriptor other than the only one, or a version."""
    if _choice(accept) not in (_Choice(), _Choice("xdm", "")):
        raise _invalid("1009", accept, "application/vnd.adobe.xdm+json")


def _choice(accept: str) -> _Choice:
    for part in accept.lower().split(","):
        media_type, *parameters = (piece.strip() for piece in part.split(";"))
        match = _MEDIA_TYPE.fullmatch(media_type)
        if match is not None:
            named = dict(re.sub(r'[ "]', "", parameter).partition("=")[::2] for parameter in parameters)
            return _Choice(match["family"], match["suffix"], named.get("version") or None)
    return _Choice()


def _invalid(number: str, accept: str, example: str) -> RegistryRefusal:
    return RegistryRefusal(
        f"{number}-400",
        "Accept header invalid",
        f"The supplied Accept header is not valid: {accept[:200]} - a valid value looks like {example}",
    )
