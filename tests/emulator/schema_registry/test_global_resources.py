"""The global resources of the registry: the fields of Adobe's own field groups and data types, and their use."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import quote

import pytest

from tests.emulator.client import DATA_PREP, PROFILE, REGISTRY, XED, Client, mapping_body, sent
from tests.emulator.schema_registry.registry import SCHEMAS, problem, schema_body, show

XDM = "https://ns.adobe.com/xdm"
LOYALTY = f"{XDM}/mixins/profile/profile-loyalty-details"
CONSENTS = f"{XDM}/mixins/profile-consents"
PREFERENCES = f"{XDM}/context/profile-preferences-details"
TRAVEL = f"{XDM}/mixins/profile/travel-preferences"
PERSON = f"{XDM}/context/profile-person-details"
PERSONAL = f"{XDM}/context/profile-personal-details"
COMMERCE = f"{XDM}/context/experienceevent-commerce"
EVENT = f"{XDM}/context/experienceevent"
TITLES = {
    LOYALTY: "Loyalty Details",
    CONSENTS: "Consent and Preference Details",
    PREFERENCES: "Preference Details",
    TRAVEL: "Travel Preferences",
}
FORMS = ("xed", "xed-full", "xed-notext", "xed-full-notext", "xed-full-desc", "xed-deprecatefield", "xdm", "xdm-full")
CHOICES = ["y", "n", "p", "u", "dy", "dn", "LI", "CT", "CP", "VI", "PI"]


def spread(pattern: str, **names: str) -> str:
    """Return a path for each combination of names; blanks separate the names."""
    found = [pattern]
    for place, choices in names.items():
        found = [path.replace(place, name) for path in found for name in choices.split()]
    return " ".join(found)


CHANNELS = "email push sms"
OPT_OUTS = "email phone fax directMail"
# The paths of fields by field group and by type and format. "*" is an entry of a map, "[]" an entry of an array.
FIELDS: Mapping[str, Mapping[str, str]] = {
    LOYALTY: {
        "string": (
            spread("loyalty.NAME", NAME="loyaltyID[] program upgradeDate status tier")
            + spread(" loyalty.cardsDetails[].NAME", NAME="number series status")
        ),
        "string date-time": "loyalty.joinDate loyalty.tierExpiryDate loyalty.pointsExpiration[].pointsExpirationDate",
        "number": spread(
            "loyalty.NAME",
            NAME="points pointsRedeemed pointsExpiration[].pointsExpiring adjustedPoints expiredPoints lifetimePoints "
            "lifetimePurchases promisedPoints returnedPoints",
        ),
    },
    CONSENTS: {
        "string": (
            spread("consents.NAME.val", NAME="collect share personalize.content marketing.any")
            + " consents.marketing.preferred consents.marketing.any.reason "
            + spread(
                "consents.marketing.CHANNEL.NAME",
                CHANNEL=CHANNELS,
                NAME="val reason subscriptions.*.val subscriptions.*.type subscriptions.*.subscribers.*.source",
            )
            + spread(" consents.idSpecific.*.*.NAME.val", NAME="collect share adID personalize.content")
            + " "
            + spread("consents.idSpecific.*.*.marketing.CHANNEL.NAME", CHANNEL=CHANNELS, NAME="val reason")
        ),
        "string date-time": (
            "consents.marketing.any.time consents.metadata.time "
            + spread("consents.marketing.NAME.time", NAME=CHANNELS)
            + spread(" consents.marketing.NAME.subscriptions.*.subscribers.*.time", NAME=CHANNELS)
            + spread(" consents.idSpecific.*.*.marketing.NAME.time", NAME=CHANNELS)
        ),
    },
    PREFERENCES: {
        "string": (
            "preferredLanguage profilePictureLink emailFormat timeZone "
            + spread(
                "optInOut._channels.NAME",
                NAME="adm agency apns application baidu channel directMail email facebookFeed fax gcm line mobileApp "
                "mpns phone sms twitterFeed web webpage wechat wns",
            )
            + spread(" optInOut.optOutDetails.NAME.optOutReason", NAME=OPT_OUTS)
        ),
        "string date-time": spread("optInOut.optOutDetails.NAME.optOutDate", NAME=OPT_OUTS),
        "boolean": "optInOut.globalOptout",
    },
    TRAVEL: {
        "string": spread(
            "travelPreferences.NAME",
            NAME="seat seatSection meal preferredDepartureAirportCode ticketDelivery medicalAlerts roomType "
            "vehicleType",
        ),
        "boolean": spread(
            "travelPreferences.NAME",
            NAME="smokingRoom foamPillows rollAwayBed crib earlyCheckIn gym pool hasRestaurant roomService "
            "wheelchairAccessible visuallyImpairedAccessible smokingVehicle manualTransmission",
        ),
    },
    PERSON: {
        "string": (
            spread("person.name.NAME", NAME="firstName lastName middleName courtesyTitle suffix fullName")
            + spread(" person.NAME", NAME="birthDayAndMonth gender maritalStatus nationality taxId")
        ),
        "string date": "person.birthDate",
        "integer": "person.birthYear",
    },
}
# The only values that a field may have, by field group and path.
ENUMS: Mapping[tuple[str, str], list[str]] = {
    (CONSENTS, "consents.collect.val"): CHOICES,
    (CONSENTS, "consents.marketing.email.subscriptions.*.val"): CHOICES,
    (CONSENTS, "consents.idSpecific.*.*.marketing.sms.val"): CHOICES,
    (CONSENTS, "consents.marketing.preferred"): [
        *("email", "push", "inApp", "sms", "phone", "phyMail", "inVehicle", "inHome", "iot", "social", "other", "none"),
        "unknown",
    ],
    (PREFERENCES, "optInOut._channels.email"): ["not_provided", "pending", "in", "out"],
    (TRAVEL, "travelPreferences.seat"): ["noPreference", "aisle", "window", "middle"],
    (TRAVEL, "travelPreferences.seatSection"): ["noPreference", "forward", "bulkhead", "exitRow", "rear"],
    (TRAVEL, "travelPreferences.ticketDelivery"): ["eTicket", "physical"],
    (TRAVEL, "travelPreferences.roomType"): [
        *("noPreference", "king", "queen", "double", "twin", "single", "disability")
    ],
    (PERSON, "person.gender"): ["male", "female", "not_specified", "non_specific"],
    (PERSON, "person.maritalStatus"): ["married", "single", "divorced", "widowed", "not_specified"],
}
LIMITS: Mapping[tuple[str, str], Mapping[str, Any]] = {
    (CONSENTS, "consents.marketing.sms.reason"): {"maxLength": 16},
    (CONSENTS, "consents.marketing.push.subscriptions.*.type"): {"maxLength": 15},
    (CONSENTS, "consents.marketing.push.subscriptions.*.subscribers.*.source"): {"maxLength": 15},
    (TRAVEL, "travelPreferences.preferredDepartureAirportCode"): {"pattern": "^[A-Z]{3}$"},
    (PERSON, "person.birthYear"): {"minimum": 1, "maximum": 32767, "meta:xdmType": "short"},
    (PERSON, "person.nationality"): {"pattern": "^[A-Z]{2}$"},
    (PERSONAL, "personalEmail.address"): {"format": "email", "meta:xdmType": "string"},
    (PERSONAL, "homeAddress.postOfficeBox"): {"maxLength": 20},
    (PERSONAL, "homeAddress.dmaID"): {"type": "integer"},
    (PERSONAL, "homeAddress._schema.latitude"): {"type": "number", "minimum": -90, "maximum": 90},
    (PERSONAL, "homeAddress._repo.createDate"): {"format": "date-time"},
    (PERSONAL, "mobilePhone.countryCode"): {"minLength": 1, "maxLength": 3},
    (COMMERCE, "commerce.order.currencyCode"): {"pattern": "^[A-Z]{3}$"},
    (COMMERCE, "commerce.order.payments[].paymentAmount"): {"type": "number"},
    (COMMERCE, "productListItems[].quantity"): {"type": "integer", "meta:xdmType": "int"},
    (f"{XDM}/context/identitymap", "identityMap.*[].authenticatedState"): {
        "enum": ["ambiguous", "authenticated", "loggedOut"]
    },
}


def leaves(properties: Mapping[str, Any], where: str = "") -> Iterator[tuple[str, Any]]:
    for name, node in properties.items():
        yield from below(node, f"{where}.{name}" if where else name)


def below(node: Mapping[str, Any], where: str) -> Iterator[tuple[str, Any]]:
    if node["type"] == "array":
        yield from below(node["items"], f"{where}[]")
    elif "additionalProperties" in node:
        yield from below(node["additionalProperties"], f"{where}.*")
    elif node["type"] == "object":
        yield from leaves(node["properties"], where)
    else:
        yield where, node


def group(client: Client, identifier: str) -> dict[str, Any]:
    actual = show(client, f"{REGISTRY}/global/fieldgroups/{quote(identifier, safe='')}")
    return dict(leaves(actual["properties"]))


@pytest.mark.parametrize("identifier", FIELDS)
def test_a_field_group_has_the_published_fields(client: Client, identifier: str) -> None:
    found: dict[str, set[str]] = {}
    for path, node in group(client, identifier).items():
        found.setdefault(" ".join(filter(None, (node["type"], node.get("format")))), set()).add(path)
    assert found == {kind: set(paths.split()) for kind, paths in FIELDS[identifier].items()}


@pytest.mark.parametrize(("identifier", "path"), ENUMS)
def test_a_field_with_an_enumeration_has_the_published_values(client: Client, identifier: str, path: str) -> None:
    node = group(client, identifier)[path]
    assert node["enum"] == ENUMS[identifier, path] == list(node["meta:enum"])


def test_suggested_values_do_not_restrict_a_field(client: Client) -> None:
    node = group(client, PREFERENCES)["emailFormat"]
    assert list(node["meta:enum"]) == ["html", "plaintext"]
    assert "enum" not in node


@pytest.mark.parametrize(("identifier", "path"), LIMITS)
def test_a_field_has_the_published_limits(client: Client, identifier: str, path: str) -> None:
    node = group(client, identifier)[path]
    assert node | LIMITS[identifier, path] == node


@pytest.mark.parametrize(("identifier", "title"), TITLES.items())
def test_a_field_group_is_listed_and_read_in_every_form(client: Client, identifier: str, title: str) -> None:
    path = f"{REGISTRY}/global/fieldgroups"
    listed = client.ask("GET", path, headers={"Accept": XED}).json()["results"]
    (whole,) = [item for item in listed if item["$id"] == identifier]
    assert (whole["title"], whole["meta:intendedToExtend"]) == (title, [PROFILE])
    for address in (quote(identifier, safe=""), whole["meta:altId"]):
        for form in FORMS:
            actual = show(client, f"{path}/{address}", form)
            assert actual["$id"] == identifier
            texts = {"title" in node for place, node in leaves(actual["properties"]) if not place.endswith("[]")}
            assert texts == ({False} if "notext" in form else {True})
        short = show(client, f"{path}/{address}", "xed-id")
        assert short.keys() == {"$id", "meta:altId", "version", "title"}


def test_a_field_of_a_data_type_equals_the_data_type(client: Client) -> None:
    types = {
        item["$id"]: item
        for item in client.ask("GET", f"{REGISTRY}/global/datatypes", headers={"Accept": XED}).json()["results"]
    }
    groups = client.ask("GET", f"{REGISTRY}/global/fieldgroups", headers={"Accept": XED}).json()["results"]
    classes = client.ask("GET", f"{REGISTRY}/global/classes", headers={"Accept": XED}).json()["results"]
    used = dict.fromkeys(types, 0)
    for item in (*groups, *classes, *types.values()):
        for identifier, node in referring({"properties": item["properties"]}):
            used[identifier] += 1
            assert node["properties"] == types[identifier]["properties"]
            assert node.get("required") == types[identifier].get("required")
    unused = {identifier for identifier, count in used.items() if count == 0}
    assert unused == {f"{XDM}/datatypes/consents-and-preferences"}


def referring(node: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(node, dict):
        if isinstance(reference := node.get("meta:referencedFrom"), str):
            yield reference, node
        for child in node.values():
            yield from referring(child)


def test_every_global_field_has_its_type_and_title(client: Client) -> None:
    for kind in ("classes", "fieldgroups", "datatypes", "behaviors"):
        for item in client.ask("GET", f"{REGISTRY}/global/{kind}", headers={"Accept": XED}).json()["results"]:
            for path, node in leaves(item["properties"]):
                form = node.get("format")
                xdm = form if form in ("date", "date-time") else node["type"]
                assert node["meta:xdmType"] in ({"int", "short"} if xdm == "integer" else {xdm}), (item["$id"], path)
                assert path.endswith("[]") or node["title"]


def profile(client: Client, *more: str) -> str:
    return str(client.make(SCHEMAS, schema_body("loyal travellers", PROFILE, *TITLES, PERSON, PERSONAL, *more))["$id"])


def test_profile_field_groups_extend_profile_schemas_but_not_event_schemas(client: Client) -> None:
    identifier = profile(client)
    fields = show(client, f"{SCHEMAS}/{quote(identifier, safe='')}")["properties"]
    assert {"loyalty", "consents", "optInOut", "preferredLanguage", "travelPreferences", "person"} < fields.keys()
    for reference in TITLES:
        problem(client, "POST", SCHEMAS, "1506-400", json=schema_body("events", EVENT, reference))


def test_a_global_field_can_be_an_identity(client: Client) -> None:
    descriptor = {
        "@type": "xdm:descriptorIdentity",
        "xdm:sourceSchema": profile(client),
        "xdm:sourceVersion": 1,
        "xdm:sourceProperty": "/loyalty/program",
        "xdm:namespace": "Loyalty",
        "xdm:property": "xdm:code",
        "xdm:isPrimary": True,
    }
    path = f"{REGISTRY}/tenant/descriptors"
    created = client.make(path, descriptor)
    assert created["xdm:sourceProperty"] == "/loyalty/program"
    unknown = {**descriptor, "xdm:sourceProperty": "/loyalty/programme"}
    assert client.ask("POST", path, json=unknown).status_code == 400


@pytest.mark.parametrize("identifier", FIELDS)
def test_every_field_can_be_the_destination_of_a_mapping(client: Client, identifier: str) -> None:
    schema = client.make(SCHEMAS, schema_body("loyal travellers", PROFILE, identifier))["$id"]
    paths = [path.replace("[]", "[0]").replace("*", "key") for path in group(client, identifier)]
    body = mapping_body(schema, *(("Product_Id", path) for path in (*paths, f"{paths[0]}x")))
    answer = client.make(f"{DATA_PREP}/mappingSets/validate", body)["validationResponse"]
    assert [entry["status"] for entry in answer] == ["SUCCESS"] * len(paths) + ["FAILED"]


@pytest.mark.parametrize(("seat", "ingested", "failed"), [("aisle", 600, 0), ("balcony", 0, 600)])
def test_only_allowed_values_are_ingested_into_global_fields(
    client: Client, seat: str, ingested: int, failed: int
) -> None:
    schema = profile(client)
    dataset = client.dataset(schema)
    pairs = (
        *(("Customer_Id", "_id"), ("Customer_Id", "loyalty.loyaltyID[0]"), ("Create_Time", "loyalty.joinDate")),
        *(("Given_Name", "person.name.firstName"), ("Email_Address", "personalEmail.address")),
        *(
            ("Country_Code", "homeAddress.countryCode"),
            ("Surname", "consents.idSpecific.Email.one.marketing.sms.reason"),
        ),
    )
    mapping = mapping_body(schema, *pairs)
    mapping["mappings"] += [
        {"sourceType": "STATIC", "source": source, "destination": destination}
        for source, destination in (
            ("y", "consents.collect.val"),
            ("y", "consents.idSpecific.Email.one.marketing.sms.val"),
            (seat, "travelPreferences.seat"),
        )
    ]
    body = client.flow_body_of(client.source(params={"tableName": "PayPal.Customers"}), schema, dataset, *pairs)
    body["transformations"][1]["params"]["mappingId"] = client.make(f"{DATA_PREP}/mappingSets", mapping)["id"]
    flow = client.flow(sent(body))["id"]
    client.advance(62)
    (run,) = client.runs(flow)
    counts = run["metrics"]["recordSummary"]
    rows = client.control("GET", f"datasets/{dataset}/rows")
    assert (rows["count"], counts["failedRecordCount"]) == (ingested, failed)
    for row in rows["rows"]:
        assert row["loyalty"]["loyaltyID"] == [row["_id"]]
        assert row["loyalty"]["joinDate"].endswith("Z")
        assert row["consents"]["collect"] == {"val": "y"}
        assert row["consents"]["idSpecific"]["Email"]["one"]["marketing"]["sms"]["reason"]
        assert row["travelPreferences"] == {"seat": seat}
        assert row["personalEmail"]["address"].startswith("customer")


def test_the_product_class_has_the_published_fields(client: Client) -> None:
    actual = show(client, f"{REGISTRY}/global/classes/_xdm.classes.product")
    assert dict(leaves(actual["properties"])).keys() == {
        *("_id", "productID", "productName", "productDescription", "productRating"),
        *(f"productListPrice.{name}" for name in ("amount", "currencyCode", "conversionDate")),
        *("productManufacturedDate", "productLastModifiedDate"),
    }
    assert actual["properties"]["_id"]["format"] == "uri-reference"
