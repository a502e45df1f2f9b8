"""The data types of the global field groups, as Adobe's public XDM repository describes them."""

from __future__ import annotations

from airflow_provider_payments.emulator.schema_registry.global_fields import (
    DataType,
    array_field,
    choice,
    leaves,
    map_field,
    map_of,
    nested,
    struct,
    typed,
)

XDM = "https://ns.adobe.com/xdm"
IDENTIFIER = leaves("_id", form="uri-reference")
AUDIT = {
    **leaves("repositoryCreatedBy repositoryLastModifiedBy"),
    **leaves("createdByBatchID modifiedByBatchID", form="uri-reference"),
    **nested("_repo", leaves("createDate modifyDate", form="date-time")),
}
_PRIMARY = leaves("primary", "boolean")
_CURRENCY_CODE = leaves("currencyCode", limits={"pattern": "^[A-Z]{3}$"})

_NAME = DataType(
    f"{XDM}/context/person-name", "Person name", leaves("firstName lastName middleName courtesyTitle suffix fullName")
)
PERSON = DataType(
    f"{XDM}/context/person",
    "Person",
    {
        "name": {**_NAME.node(), "title": "Full name"},
        **leaves("birthDate", form="date"),
        **leaves("birthDayAndMonth", limits={"pattern": "[0-1][0-9]-[0-9][0-9]"}),
        **leaves("birthYear", "integer", limits={"minimum": 1, "maximum": 32767, "meta:xdmType": "short"}),
        **choice("gender", "male female not_specified non_specific"),
        **choice("maritalStatus", "married single divorced widowed not_specified"),
        **leaves("nationality", limits={"pattern": "^[A-Z]{2}$"}),
        **leaves("taxId"),
    },
)
ADDRESS = DataType(
    f"{XDM}/common/address",
    "Postal address",
    {
        **_PRIMARY,
        **leaves("label street1 street2 street3 street4 region country state statusReason city postalCode"),
        **leaves("postOfficeBox", limits={"maxLength": 20}),
        **choice("status", "active incomplete pending_verification blacklisted blocked", custom=True),
        **leaves("lastVerifiedDate", form="date"),
        **leaves("countryCode", limits={"pattern": "^[A-Z]{2}$"}),
        **leaves("stateProvince", limits={"pattern": "([A-Z]{2}-[A-Z0-9]{1,3}|)"}),
        **leaves("dmaID msaID", "integer"),
        **IDENTIFIER,
        **nested(
            "_schema",
            {
                **leaves("description"),
                **leaves("elevation", "number"),
                **leaves("latitude", "number", limits={"minimum": -90, "maximum": 90}),
                **leaves("longitude", "number", limits={"minimum": -180, "maximum": 180}),
            },
        ),
        **AUDIT,
    },
)
EMAIL = DataType(
    f"{XDM}/context/emailaddress",
    "Email address",
    {
        **_PRIMARY,
        **leaves("address", form="email"),
        **leaves("label statusReason"),
        **choice("type", "unknown personal work education", custom=True),
        **choice("status", "active incomplete pending_verification blacklisted blocked", custom=True),
    },
)
PHONE = DataType(
    f"{XDM}/context/phonenumber",
    "Phone number",
    {
        **_PRIMARY,
        **leaves("countryCode", limits={"minLength": 1, "maxLength": 3, "pattern": "^[0-9]{1,3}?$"}),
        **leaves("number extension statusReason"),
        **choice("status", "active incomplete blacklisted blocked", custom=True),
        **choice("validity", "consistent inconsistent incomplete successfullyUsed", custom=True),
    },
)
IDENTITY = DataType(
    f"{XDM}/context/identityitem",
    "Identity item",
    {**leaves("id"), **choice("authenticatedState", "ambiguous authenticated loggedOut"), **_PRIMARY},
)

CURRENCY = DataType(
    f"{XDM}/datatypes/currency",
    "Currency",
    {**leaves("amount", "number"), **_CURRENCY_CODE, **leaves("conversionDate", form="date-time")},
)
_PAYMENT = DataType(
    f"{XDM}/data/paymentitem",
    "Payment Item",
    {
        **leaves("transactionID"),
        **leaves("paymentAmount", "number"),
        **choice(
            "paymentType",
            "cash credit_card debit_card gift_card check paypal wire_transfer credit_card_reference other",
            custom=True,
        ),
        **_CURRENCY_CODE,
    },
)
_ORDER = DataType(
    f"{XDM}/data/order",
    "Order",
    {
        **leaves("purchaseID purchaseOrderNumber"),
        **array_field("payments", _PAYMENT.node()),
        **_CURRENCY_CODE,
        **leaves("taxAmount discountAmount priceTotal", "number"),
        **choice("orderType", "checkout instant_purchase"),
        **leaves("createdDate lastUpdatedDate cancelDate", form="date-time"),
    },
)
COMMERCE = DataType(f"{XDM}/context/commerce", "Commerce", typed("order", _ORDER))
LINE = DataType(
    f"{XDM}/content/productlistitem",
    "Product list item",
    {
        **leaves("SKU name productImageUrl productAddMethod"),
        **IDENTIFIER,
        **leaves("product", form="uri"),
        **_CURRENCY_CODE,
        **leaves("quantity", "integer"),
        **leaves("priceTotal discountAmount refundAmount", "number"),
        **array_field("selectedOptions", struct("Selected option", leaves("attribute value"), ("attribute", "value"))),
    },
    ("SKU",),
)

_VALUE = choice(
    "val",
    {
        "y": "Opted in",
        "n": "Opted out",
        "p": "Not verified yet",
        "u": "Not known",
        "dy": "Opted in by default",
        "dn": "Opted out by default",
        "LI": "Legitimate interest",
        "CT": "Contract",
        "CP": "Legal obligation",
        "VI": "Vital interest",
        "PI": "Public interest",
    },
)
_PREFERRED = choice("preferred", "email push inApp sms phone phyMail inVehicle inHome iot social other none unknown")
_COLLECTED = leaves("time", form="date-time")
_MARKETING = {**_VALUE, **_COLLECTED, **leaves("reason", limits={"maxLength": 16})}
_SUBSCRIBER = struct("Subscriber", {**_COLLECTED, **leaves("source", limits={"maxLength": 15})})
_SUBSCRIPTION = struct(
    "Subscription", {**_VALUE, **leaves("type", limits={"maxLength": 15}), **map_field("subscribers", _SUBSCRIBER)}
)
_CONSENT_FIELD = DataType(f"{XDM}/datatype/consent-field", "Generic Consent Field", _VALUE, ("val",))
_PERSONALIZATION_FIELD = DataType(
    f"{XDM}/datatype/personalization-preference-field", "Generic Personalization Preference Field", _VALUE, ("val",)
)
_MARKETING_FIELD = DataType(
    f"{XDM}/datatype/marketing-preference-field", "Generic Marketing Preference Field", _MARKETING, ("val",)
)
_SUBSCRIPTIONS_FIELD = DataType(
    f"{XDM}/datatype/marketing-preference-with-subscriptions",
    "Generic Marketing Preference Field with Subscriptions",
    {**_MARKETING, **map_field("subscriptions", _SUBSCRIPTION)},
    ("val",),
)
_PERSONALIZE = nested("personalize", typed("content", _PERSONALIZATION_FIELD))
_METADATA = nested("metadata", _COLLECTED)
_CHANNELS = "email push sms"
_CONSENTS = DataType(
    f"{XDM}/datatypes/consents-and-preferences",
    "Consent for Privacy, Personalization and Marketing Preferences",
    nested(
        "consents",
        {
            **typed("collect share adID", _CONSENT_FIELD),
            **_PERSONALIZE,
            **nested("marketing", {**_PREFERRED, **typed(f"any {_CHANNELS}", _MARKETING_FIELD)}),
            **_METADATA,
        },
    ),
)
_OF_ONE_IDENTITY = struct(
    "Identifier",
    {
        **typed("collect share adID", _CONSENT_FIELD),
        **_PERSONALIZE,
        **nested("marketing", typed(_CHANNELS, _MARKETING_FIELD)),
    },
)
# The consents of a profile differ from the data type: the advertiser's id belongs to one identity, and channels have
# subscriptions.
PROFILE_CONSENTS = nested(
    "consents",
    {
        **typed("collect share", _CONSENT_FIELD),
        **_PERSONALIZE,
        **nested(
            "marketing",
            {**_PREFERRED, **typed("any", _MARKETING_FIELD), **typed(_CHANNELS, _SUBSCRIPTIONS_FIELD)},
        ),
        **map_field("idSpecific", map_of("Identifier type", _OF_ONE_IDENTITY)),
        **_METADATA,
    },
)

_OPT_OUT = DataType(
    f"{XDM}/common/optinout-additional-details",
    "OptOut Additional Details",
    {**leaves("optOutReason"), **leaves("optOutDate", form="date-time")},
)
_OPT_OUT_CHANNELS = (
    "adm agency apns application baidu channel directMail email facebookFeed fax gcm line mobileApp mpns phone sms "
    "twitterFeed web webpage wechat wns"
)
OPT_IN_OUT = DataType(
    f"{XDM}/context/optinout",
    "OptInOut",
    {
        **nested(
            "_channels",
            choice(_OPT_OUT_CHANNELS, "not_provided pending in out"),
        ),
        **leaves("globalOptout", "boolean"),
        **nested("optOutDetails", typed("email phone fax directMail", _OPT_OUT)),
    },
)

DATA_TYPES = (
    *(_NAME, PERSON, ADDRESS, EMAIL, PHONE, IDENTITY),
    *(CURRENCY, _PAYMENT, _ORDER, COMMERCE, LINE),
    *(_CONSENT_FIELD, _PERSONALIZATION_FIELD, _MARKETING_FIELD, _SUBSCRIPTIONS_FIELD, _CONSENTS),
    *(_OPT_OUT, OPT_IN_OUT),
)
