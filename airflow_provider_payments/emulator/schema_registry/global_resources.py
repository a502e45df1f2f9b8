"""The global resources that payments dataflows and public clients use.

Names, types and limits are those that Adobe publishes; the descriptions are our own. Field groups for profiles are
complete; other resources have only the fields that payments need.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from airflow_provider_payments.emulator.schema_registry.global_fields import (
    DataType,
    array_field,
    choice,
    leaves,
    map_field,
    nested,
    struct,
    typed,
)
from airflow_provider_payments.emulator.schema_registry.global_types import (
    ADDRESS,
    AUDIT,
    COMMERCE,
    CURRENCY,
    DATA_TYPES,
    EMAIL,
    IDENTIFIER,
    IDENTITY,
    LINE,
    OPT_IN_OUT,
    PERSON,
    PHONE,
    PROFILE_CONSENTS,
    XDM,
)

RECORD = f"{XDM}/data/record"
TIME_SERIES = f"{XDM}/data/time-series"
ADHOC = f"{XDM}/data/adhoc"
PROFILE = f"{XDM}/context/profile"
EXPERIENCE_EVENT = f"{XDM}/context/experienceevent"
PRODUCT = f"{XDM}/classes/product"
IDENTITY_MAP = f"{XDM}/context/identitymap"
BEHAVIORS = (RECORD, TIME_SERIES, ADHOC)


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


def _data_type(data_type: DataType) -> dict[str, Any]:
    needed = {"required": list(data_type.required)} if data_type.required else {}
    return _resource("datatypes", data_type.id, data_type.title, data_type.properties, **needed)


_EVENT = {**IDENTIFIER, **leaves("timestamp", form="date-time")}
_IDENTITIES = map_field("identityMap", {"type": "array", "meta:xdmType": "array", "items": IDENTITY.node()})
_PRODUCT = {
    **IDENTIFIER,
    **leaves("productID productName productDescription"),
    **leaves("productRating", "number"),
    **typed("productListPrice", CURRENCY),
    **leaves("productManufacturedDate productLastModifiedDate", form="date-time"),
}
_CONTACT = {
    **typed("homeAddress", ADDRESS),
    **typed("personalEmail", EMAIL),
    **typed("homePhone mobilePhone faxPhone", PHONE),
}
_EXPIRATION = {**leaves("pointsExpiring", "number"), **leaves("pointsExpirationDate", form="date-time")}
_LOYALTY = {
    **leaves("joinDate tierExpiryDate", form="date-time"),
    **array_field("loyaltyID", {"type": "string", "meta:xdmType": "string"}),
    **leaves("points pointsRedeemed adjustedPoints expiredPoints lifetimePoints lifetimePurchases", "number"),
    **leaves("promisedPoints returnedPoints", "number"),
    **array_field("pointsExpiration", struct("Points expiration", _EXPIRATION)),
    **leaves("program upgradeDate status tier"),
    **array_field("cardsDetails", struct("Card details", leaves("number series status"))),
}
_PREFERENCES = {
    # A short form of what BCP 47 allows.
    **leaves("preferredLanguage", limits={"pattern": "^[A-Za-z]{1,8}(-[A-Za-z0-9]{1,8})*$"}),
    **leaves("profilePictureLink timeZone"),
    **choice("emailFormat", "html plaintext", custom=True),
    "optInOut": {**OPT_IN_OUT.node(), "meta:status": "deprecated"},
}
_TRAVEL = {
    **choice("seat", "noPreference aisle window middle"),
    **choice("seatSection", "noPreference forward bulkhead exitRow rear"),
    **choice(
        "meal",
        "regularMeal blandLowResidue childMeal diabeticMeal fruitPlatter glutenFreeMeal infantBabyMeal kosherMeal "
        "lowCalorieMeal lowSaltSodiumMeal halalMeal noSaltMeal nonLactoseMeal peanutFreeMeal seafoodMeal vegLactoOvo "
        "vegetarian vegetarianKosher vegetarianRaw",
    ),
    **leaves("preferredDepartureAirportCode", limits={"pattern": "^[A-Z]{3}$"}),
    **choice("ticketDelivery", "eTicket physical"),
    **leaves("medicalAlerts"),
    **choice("roomType", "noPreference king queen double twin single disability"),
    **leaves("smokingRoom foamPillows rollAwayBed crib earlyCheckIn gym pool hasRestaurant roomService", "boolean"),
    **leaves("wheelchairAccessible visuallyImpairedAccessible smokingVehicle manualTransmission", "boolean"),
    **choice(
        "vehicleType",
        "miniCar economyCar economyCarHybrid compactCar compactCarHybrid intermediateCar intermediateCarHybrid "
        "standardCar standardCarHybrid fullSizeCar fullSizeCarHybrid intermediateSUV miniVan standardSUV fullSizeSUV "
        "fullSizePickup premiumCar luxuryCar specializedVehicle",
    ),
}

GLOBAL_RESOURCES: tuple[Mapping[str, Any], ...] = (
    _resource("behaviors", RECORD, "Record Schema", IDENTIFIER, required=[]),
    _resource("behaviors", TIME_SERIES, "Time-series Schema", _EVENT, required=[*_EVENT]),
    _resource("behaviors", ADHOC, "Ad-hoc Schema", {}, required=[]),
    _class(PROFILE, "XDM Individual Profile", RECORD, {**IDENTIFIER, **leaves("personID"), **AUDIT}),
    _class(
        EXPERIENCE_EVENT,
        "XDM ExperienceEvent",
        TIME_SERIES,
        {**_EVENT, **leaves("eventType eventMergeId producedBy"), **_IDENTITIES},
        tuple(_EVENT),
    ),
    _class(PRODUCT, "Product", RECORD, _PRODUCT),
    _field_group(f"{XDM}/context/profile-person-details", "Demographic Details", typed("person", PERSON)),
    _field_group(
        f"{XDM}/context/profile-personal-details", "Personal Contact Details", _CONTACT, (PROFILE, EXPERIENCE_EVENT)
    ),
    _field_group(f"{XDM}/mixins/profile/profile-loyalty-details", "Loyalty Details", nested("loyalty", _LOYALTY)),
    _field_group(f"{XDM}/mixins/profile-consents", "Consent and Preference Details", PROFILE_CONSENTS),
    _field_group(f"{XDM}/context/profile-preferences-details", "Preference Details", _PREFERENCES),
    _field_group(
        f"{XDM}/mixins/profile/travel-preferences", "Travel Preferences", nested("travelPreferences", _TRAVEL)
    ),
    _field_group(IDENTITY_MAP, "IdentityMap", _IDENTITIES, (PROFILE, EXPERIENCE_EVENT)),
    _field_group(
        f"{XDM}/context/experienceevent-commerce",
        "Commerce Details",
        {**typed("commerce", COMMERCE), **array_field("productListItems", LINE.node())},
        (EXPERIENCE_EVENT,),
    ),
    *map(_data_type, DATA_TYPES),
)
