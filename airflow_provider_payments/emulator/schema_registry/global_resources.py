"""The global resources as far as a payments dataflow meets them: Python data of our own.

They hold the fields that samples and tutorials map to, not every field that the real ones have.
"""

from __future__ import annotations

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


def _leaf(title: str, kind: str = "string", form: str | None = None) -> dict[str, Any]:
    node = {"title": title, "type": kind, "meta:xdmType": form or ("int" if kind == "integer" else kind)}
    return {**node, "format": form} if form else node


def _object(title: str, **properties: Mapping[str, Any]) -> dict[str, Any]:
    return {"title": title, "type": "object", "meta:xdmType": "object", "properties": properties}


def _array(title: str, items: Mapping[str, Any]) -> dict[str, Any]:
    return {"title": title, "type": "array", "meta:xdmType": "array", "items": items}


def _audit() -> dict[str, Any]:
    return {
        "createdByBatchID": _leaf("Created by batch identifier"),
        "modifiedByBatchID": _leaf("Modified by batch identifier"),
        "repositoryCreatedBy": _leaf("Created by user identifier"),
        "repositoryLastModifiedBy": _leaf("Modified by user identifier"),
    }


def _name() -> dict[str, Any]:
    return _object(
        "Full name",
        firstName=_leaf("First name"),
        middleName=_leaf("Middle name"),
        lastName=_leaf("Last name"),
        fullName=_leaf("Full name"),
        courtesyTitle=_leaf("Courtesy title"),
        suffix=_leaf("Suffix"),
    )


def _address(title: str) -> dict[str, Any]:
    return _object(
        title,
        street1=_leaf("Street 1"),
        street2=_leaf("Street 2"),
        city=_leaf("City"),
        state=_leaf("State"),
        stateProvince=_leaf("State or province code"),
        postalCode=_leaf("Postal code"),
        country=_leaf("Country"),
        countryCode=_leaf("Country code"),
        primary=_leaf("Primary", "boolean"),
    )


def _phone(title: str) -> dict[str, Any]:
    return _object(
        title, number=_leaf("Number"), countryCode=_leaf("Country code"), primary=_leaf("Primary", "boolean")
    )


def _class(
    identifier: str, title: str, behavior: str, required: tuple[str, ...], **properties: Mapping[str, Any]
) -> dict[str, Any]:
    return {
        "$id": identifier,
        "meta:altId": _alt_id(identifier),
        "meta:resourceType": "classes",
        "version": "1",
        "title": title,
        "type": "object",
        "description": f"Global class: {title}.",
        "properties": properties,
        "required": list(required),
        "meta:extensible": True,
        "meta:abstract": True,
        "meta:extends": [behavior],
        "meta:class": identifier,
        "meta:xdmType": "object",
    }


def _payment() -> dict[str, Any]:
    return _object(
        "Payment",
        transactionID=_leaf("Transaction ID"),
        paymentAmount=_leaf("Payment amount", "number"),
        paymentType=_leaf("Payment type"),
        currencyCode=_leaf("Currency code"),
    )


def _order() -> dict[str, Any]:
    return _object(
        "Order",
        purchaseID=_leaf("Purchase ID"),
        purchaseOrderNumber=_leaf("Purchase order number"),
        priceTotal=_leaf("Price total", "number"),
        currencyCode=_leaf("Currency code"),
        payments=_array("Payments", _payment()),
    )


def _line() -> dict[str, Any]:
    return _object(
        "Product list item",
        SKU=_leaf("SKU"),
        name=_leaf("Name"),
        quantity=_leaf("Quantity", "integer"),
        priceTotal=_leaf("Price total", "number"),
        currencyCode=_leaf("Currency code"),
    )


def _data_type(identifier: str, node: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "$id": identifier,
        "meta:altId": _alt_id(identifier),
        "meta:resourceType": "datatypes",
        "version": "1",
        "title": node["title"],
        "type": "object",
        "description": f"Global data type: {node['title']}.",
        "properties": node["properties"],
        "meta:extensible": True,
        "meta:abstract": True,
        "meta:xdmType": "object",
    }


def _field_group(
    identifier: str, title: str, extends: tuple[str, ...] = (PROFILE,), **properties: Mapping[str, Any]
) -> dict[str, Any]:
    return {
        "$id": identifier,
        "meta:altId": _alt_id(identifier),
        "meta:resourceType": "mixins",
        "version": "1",
        "title": title,
        "type": "object",
        "description": f"Global field group: {title}.",
        "properties": properties,
        "meta:intendedToExtend": list(extends),
        "meta:extensible": True,
        "meta:abstract": True,
        "meta:xdmType": "object",
    }


def _behavior(identifier: str, title: str, required: tuple[str, ...]) -> dict[str, Any]:
    properties: dict[str, Any] = {name: _leaf(name) for name in required if name != "timestamp"}
    if "timestamp" in required:
        properties["timestamp"] = _leaf("Timestamp", form="date-time")
    return {
        "$id": identifier,
        "meta:altId": _alt_id(identifier),
        "meta:resourceType": "behaviors",
        "version": "1",
        "title": title,
        "type": "object",
        "description": f"Behaviour: {title}.",
        "properties": properties,
        "required": list(required),
        "meta:extensible": True,
        "meta:abstract": True,
        "meta:xdmType": "object",
    }


def _alt_id(identifier: str) -> str:
    return "_" + identifier.removeprefix("https://ns.adobe.com/").replace("/", ".")


GLOBAL_RESOURCES: tuple[Mapping[str, Any], ...] = (
    _behavior(RECORD, "Record Schema", ("_id",)),
    _behavior(TIME_SERIES, "Time-series Schema", ("_id", "timestamp")),
    _behavior(ADHOC, "Ad-hoc Schema", ()),
    _class(
        PROFILE,
        "XDM Individual Profile",
        RECORD,
        ("_id",),
        _id=_leaf("Identifier"),
        personID=_leaf("Person ID"),
        **_audit(),
    ),
    _class(
        EXPERIENCE_EVENT,
        "XDM ExperienceEvent",
        TIME_SERIES,
        ("_id", "timestamp"),
        _id=_leaf("Identifier"),
        timestamp=_leaf("Timestamp", form="date-time"),
        eventType=_leaf("Event type"),
        eventMergeId=_leaf("Event merge ID"),
        producedBy=_leaf("Produced by"),
    ),
    _class(
        PRODUCT,
        "Product",
        RECORD,
        ("_id",),
        _id=_leaf("Identifier"),
        productID=_leaf("Product ID"),
        productName=_leaf("Product name"),
        productDescription=_leaf("Product description"),
        productCategory=_leaf("Product category"),
        **_audit(),
    ),
    _field_group(
        f"{XDM}/context/profile-person-details",
        "Demographic Details",
        person=_object(
            "Person",
            name=_name(),
            birthDate=_leaf("Birth date", form="date"),
            birthYear=_leaf("Birth year", "integer"),
            gender=_leaf("Gender"),
            maritalStatus=_leaf("Marital status"),
            nationality=_leaf("Nationality"),
        ),
    ),
    _field_group(
        f"{XDM}/context/profile-personal-details",
        "Personal Contact Details",
        personalEmail=_object(
            "Personal email",
            address=_leaf("Address"),
            label=_leaf("Label"),
            primary=_leaf("Primary", "boolean"),
        ),
        homeAddress=_address("Home address"),
        homePhone=_phone("Home phone"),
        mobilePhone=_phone("Mobile phone"),
        faxPhone=_phone("Fax phone"),
    ),
    _field_group(
        IDENTITY_MAP,
        "IdentityMap",
        (PROFILE, EXPERIENCE_EVENT),
        identityMap={"title": "Identity map", "type": "object", "meta:xdmType": "map", "additionalProperties": {}},
    ),
    _field_group(
        f"{XDM}/context/experienceevent-commerce",
        "Commerce Details",
        (EXPERIENCE_EVENT,),
        commerce=_object("Commerce", order=_order()),
        productListItems=_array("Product list items", _line()),
    ),
    _data_type(f"{XDM}/context/person-name", _name()),
    _data_type(f"{XDM}/common/address", _address("Postal address")),
    _data_type(f"{XDM}/context/phonenumber", _phone("Phone number")),
    _data_type(f"{XDM}/data/order", _order()),
    _data_type(f"{XDM}/data/paymentitem", _payment()),
)
