"""The global resources as far as a payments dataflow meets them: Python data of our own.

They hold the fields that samples and tutorials map to, not every field that the real ones have.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

XDM = "https://ns.adobe.com/xdm"
RECORD = f"{XDM}/data/record"
TIME_SERIES = f"{XDM}/data/time-series"
ADHOC = f"{XDM}/data/adhoc"
PROFILE = f"{XDM}/context/profile"
EXPERIENCE_EVENT = f"{XDM}/context/experienceevent"
PRODUCT = f"{XDM}/classes/product"
IDENTITY_MAP = f"{XDM}/context/identitymap"
BEHAVIORS = (RECORD, TIME_SERIES, ADHOC)


def _leaf(name: str, kind: str = "string", form: str | None = None) -> dict[str, Any]:
    words = re.sub(r"(?<=[a-z])(?=[A-Z0-9])", " ", name.lstrip("_")).split()
    title = " ".join(word if word.isupper() else word.lower() for word in words)
    node = {"type": kind, "meta:xdmType": form or ("int" if kind == "integer" else kind)}
    return {"title": title[0].upper() + title[1:], **node, **({"format": form} if form else {})}


def _texts(*names: str) -> dict[str, Any]:
    return {name: _leaf(name) for name in names}


def _leaves(kind: str, *names: str) -> dict[str, Any]:
    return {name: _leaf(name, kind) for name in names}


def _object(title: str, properties: Mapping[str, Any]) -> dict[str, Any]:
    return {"title": title, "type": "object", "meta:xdmType": "object", "properties": properties}


def _array(title: str, items: Mapping[str, Any]) -> dict[str, Any]:
    return {"title": title, "type": "array", "meta:xdmType": "array", "items": items}


def _resource(kind: str, identifier: str, title: str, properties: Mapping[str, Any], **more: Any) -> dict[str, Any]:
    return {
        "$id": identifier,
        "meta:altId": "_" + identifier.removeprefix("https://ns.adobe.com/").replace("/", "."),
        "meta:resourceType": kind,
        "version": "1",
        "title": title,
        "type": "object",
        "description": f"{title}, which every tenant has.",
        "properties": properties,
        "meta:extensible": True,
        "meta:abstract": True,
        "meta:xdmType": "object",
        **more,
    }


def _class(
    identifier: str, title: str, behavior: str, properties: Mapping[str, Any], required: tuple[str, ...] = ()
) -> dict[str, Any]:
    more = {"required": list(required), "meta:extends": [behavior], "meta:class": identifier}
    return _resource("classes", identifier, title, properties, **more)


def _field_group(
    identifier: str, title: str, properties: Mapping[str, Any], extends: tuple[str, ...] = (PROFILE,)
) -> dict[str, Any]:
    return _resource("mixins", identifier, title, properties, **{"meta:intendedToExtend": list(extends)})


def _data_type(identifier: str, node: Mapping[str, Any]) -> dict[str, Any]:
    return _resource("datatypes", identifier, node["title"], node["properties"])


_ID = _texts("_id")
_EVENT = {**_ID, "timestamp": _leaf("timestamp", form="date-time")}
_AUDIT = _texts("createdByBatchID", "modifiedByBatchID", "repositoryCreatedBy", "repositoryLastModifiedBy")
_NAME = _object("Full name", _texts("firstName", "middleName", "lastName", "fullName", "courtesyTitle", "suffix"))
_PRIMARY = _leaves("boolean", "primary")
_ADDRESS = {
    **_texts("street1", "street2", "city", "state", "stateProvince", "postalCode", "country", "countryCode"),
    **_PRIMARY,
}
_PHONE = {**_texts("number", "countryCode"), **_PRIMARY}
_PAYMENT = _object(
    "Payment", {**_texts("transactionID", "paymentType", "currencyCode"), **_leaves("number", "paymentAmount")}
)
_ORDER = _object(
    "Order",
    {
        **_texts("purchaseID", "purchaseOrderNumber", "currencyCode"),
        **_leaves("number", "priceTotal"),
        "payments": _array("Payments", _PAYMENT),
    },
)
_LINE = _object(
    "Product list item",
    {**_texts("SKU", "name", "currencyCode"), **_leaves("integer", "quantity"), **_leaves("number", "priceTotal")},
)
_PERSON = _object(
    "Person",
    {
        "name": _NAME,
        "birthDate": _leaf("birthDate", form="date"),
        **_leaves("integer", "birthYear"),
        **_texts("gender", "maritalStatus", "nationality"),
    },
)
_CONTACT = {
    "personalEmail": _object("Personal email", {**_texts("address", "label"), **_PRIMARY}),
    "homeAddress": _object("Home address", _ADDRESS),
    **{f"{kind}Phone": _object(f"{kind.capitalize()} phone", _PHONE) for kind in ("home", "mobile", "fax")},
}
_STATES = ("ambiguous", "authenticated", "loggedOut")
_IDENTITY = _object(
    "Identity",
    {**_texts("id"), "authenticatedState": {**_leaf("authenticatedState"), "enum": list(_STATES)}, **_PRIMARY},
)
_IDENTITIES = {
    "title": "Identity map",
    "type": "object",
    "meta:xdmType": "map",
    "additionalProperties": _array("Identities", _IDENTITY),
}
_COMMERCE = {
    "commerce": _object("Commerce", {"order": _ORDER}),
    "productListItems": _array("Product list items", _LINE),
}

GLOBAL_RESOURCES: tuple[Mapping[str, Any], ...] = (
    _resource("behaviors", RECORD, "Record Schema", _ID, required=[]),
    _resource("behaviors", TIME_SERIES, "Time-series Schema", _EVENT, required=[*_EVENT]),
    _resource("behaviors", ADHOC, "Ad-hoc Schema", {}, required=[]),
    _class(PROFILE, "XDM Individual Profile", RECORD, {**_ID, **_texts("personID"), **_AUDIT}),
    _class(
        EXPERIENCE_EVENT,
        "XDM ExperienceEvent",
        TIME_SERIES,
        {**_EVENT, **_texts("eventType", "eventMergeId", "producedBy")},
        tuple(_EVENT),
    ),
    _class(
        PRODUCT,
        "Product",
        RECORD,
        {**_ID, **_texts("productID", "productName", "productDescription", "productCategory"), **_AUDIT},
    ),
    _field_group(f"{XDM}/context/profile-person-details", "Demographic Details", {"person": _PERSON}),
    _field_group(f"{XDM}/context/profile-personal-details", "Personal Contact Details", _CONTACT),
    _field_group(IDENTITY_MAP, "IdentityMap", {"identityMap": _IDENTITIES}, (PROFILE, EXPERIENCE_EVENT)),
    _field_group(f"{XDM}/context/experienceevent-commerce", "Commerce Details", _COMMERCE, (EXPERIENCE_EVENT,)),
    _data_type(f"{XDM}/context/person-name", _NAME),
    _data_type(f"{XDM}/common/address", _object("Postal address", _ADDRESS)),
    _data_type(f"{XDM}/context/phonenumber", _object("Phone number", _PHONE)),
    _data_type(f"{XDM}/data/order", _ORDER),
    _data_type(f"{XDM}/data/paymentitem", _PAYMENT),
)
