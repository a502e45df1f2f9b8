"""Expressions of mappings: their values, their errors, and the lists of functions and operators."""

from __future__ import annotations

import itertools
import re
from typing import Any

import pytest

from tests.emulator.client import DATA_PREP, Client
from tests.emulator.data_prep.test_data_prep import SETS, lines

LANGUAGE = f"{DATA_PREP}/languages/el"
ROW: dict[str, Any] = {
    "amount": 1234,
    "price": "12.50",
    "currency": "eur",
    "created": 1571829875000,
    "at": "2019-10-23 11:24",
    "status": "S",
    "none": None,
    "First Name": "Ann",
    "a.b": "dotted",
    "Amount [EUR]": "9.50",
    "payer": {"email": "A@B.example", "street.name": "High St"},
    "items": [{"sku": "x", "price": 2, "tags": ["p", "q"]}, {"sku": "y", "price": 3, "tags": ["r"]}],
    "flags": [],
}
FIELDS: dict[str, Any] = {
    "t": {"type": "string"},
    "n": {"type": "number"},
    "b": {"type": "boolean"},
    "a": {"type": "array", "items": {"type": "string"}},
    "o": {"type": "object"},
    "d": {"type": "string", "format": "date-time"},
}

TEXTS = {
    'concat("Hi, ", "there", "!")': "Hi, there!",
    "upper(currency)": "EUR",
    'to_bigint("123456789012345678901")': "123456789012345678901",
    "ucase(lcase(currency))": "EUR",
    'concat("PP-", amount, "-", none, currency)': "PP-1234-eur",
    'substr("This is a substring test", 7, 8)': " a subst",
    "left(currency, 2)": "eu",
    "right(currency, 9)": "eur",
    'lpad("bat", 8, "yz")': "yzyzybat",
    'rpad("bat", 8, "yz")': "batyzyzy",
    'lpad("bat", 2, "yz")': "bat",
    'trim(concat(ltrim("  a "), rtrim(" b  ")))': "a  b",
    'replacestr("This is a string re test", "re", "replace")': "This is a string replace test",
    'join(" ", to_array(true, "Hello", "world"))': "Hello world",
    'join("-", split("a|b.c,d e", "|., "))': "a-b-c-d-e",
    'join("-", split("a||b|", "|"))': "a--b-",
    'join("-", split("a.b\\\\c", "\\\\"))': "a.b-c",
    'join("-", split("a.b.c", "\\\\."))': "a-b-c",
    'join("-", split("a+[b]*c", "+[]*"))': "a--b--c",
    'join("-", explode("a|b|c||", "\\|"))': "a-b-c",
    'join("-", explode("a|b.c", "\\\\|"))': "a-b.c",
    'join("-", explode("a, b;c", "\\s*[,;]\\s*"))': "a-b-c",
    'join("-", explode("a<>b>c", "<>"))': "a-b>c",
    'join("-", explode("a1b22c", "\\d+"))': "a-b-c",
    'join("-", explode("a,b"))': "a-b",
    'md5("my text", "UTF-8")': "d3b96ce8c9fb4e9bd0198d03ba6852c7",
    'sha1("my text")': "c3599c11e47719df18a2448690840c5dfcce3c80",
    'sha256("my text")': "7330d2b39ca35eaf4cb95fc846c21ee6a39af698154a83a586ee270a0d372104",
    'crc32("my text")': "8df92e80",
    "dformat(created, \"yyyy-MM-dd'T'HH:mm:ss.SSSX\")": "2019-10-23T11:24:35.000Z",
    'format(date(at), "dd.MM.yyyy")': "23.10.2019",
    'format(date(at), "EEE, d MMM yy h a")': "Wed, 23 Oct 19 11 AM",
    'format(zone_date_to_zone(date(at), "America/New_York"), "HH:mm XXX")': "07:24 -04:00",
    'iif("s".equalsIgnoreCase(status), "Success", "Other")': "Success",
    'iif(amount > 5000, "large", iif(currency.equals("eur"), "euro", "small"))': "euro",
    'status == "S" ? "yes" : "no"': "yes",
    'none ?: "default"': "default",
    'none ?? "default"': "default",
    'coalesce(none, null, "first", "second")': "first",
    'decode(status, "P", "Pending", "S", "Success", "N/A")': "Success",
    'decode("?", "P", "Pending", "N/A")': "N/A",
    "${First Name}": "Ann",
    "${a.b}": "dotted",
    "payer.street\\.name": "High St",
    "lower(payer.${street\\.name})": "high st",
    "a\\.b": "dotted",
    "${a\\.b}": "dotted",
    "${Amount [EUR]}": "9.50",
    "payer.email": "A@B.example",
    "lower(payer.email)": "a@b.example",
    "${payer.street\\.name}": "High St",
    "items[1].sku": "y",
    "first(items[*].sku)": "x",
    'last("1", "2", "3")': "3",
    'str_to_object("firstName - John ; lastName - Doe", "-", ";").get("firstName")': "John",
    'get_values("firstName - John , lastName - Cena", "firstName", "-", ",")': "John",
    'map_get_values(payer, "email")': "A@B.example",
    '"5" + "3"': "53",
    '"a" + 3': "a3",
    "'it\\'s'": "it's",
    'json_to_object("{\\"order\\": {\\"lines\\": [{\\"a.b\\": \\"x\\"}]}}").order.lines[0].a\\.b': "x",
    'split("a b", " ")[1].equalsIgnoreCase("B") ? "yes" : "no"': "yes",
    'concat(split("a b", " ")[2], "c")': "c",
    'concat("a\\tb", "\\\\d", "\\d")': "a\tb\\d\\d",
}
NUMBERS = {
    "amount / 100.0": 12.34,
    "to_decimal(amount) / 100": 12.34,
    "amount / 100": 12,
    "-amount / 100": -12,
    "amount div 100 + amount mod 100": 46,
    "~44": -45,
    "size_of(transformArray(items, item -> item.price * amount))": 2,
    "max(transformArray(items[*].price, price -> price * 100))": 300,
    "first(filterArray(items, item -> item.sku == 'y' and item.price lt amount)).price": 3,
    "price * 2": 25.0,
    '"5" + 3': 8,
    "1 + 2 * 3 - (4 - 2)": 5,
    "-2 * -3": 6,
    'instr("adobe.com", "com")': 6,
    'instr("adobe.com", "x")': -1,
    'instr("abcabc", "b", 0, 2)': 4,
    'instr("abcabc", "b", -2)': 1,
    'to_integer("12")': 12,
    'to_bigint("1000000.34")': 1000000.34,
    'to_float("1.5")': 1.5,
    "min(3, 1, 4)": 1,
    "max(items[*].price)": 3,
    "size_of(items)": 2,
    "size_of(items[*].tags[*])": 3,
    "size_of([1, 2, 3, 4])": 4,
    "size_of(join_arrays(['a'], ['c', 'd']))": 3,
    "size_of(add_to_array(['a'], 'b', 'c'))": 3,
    "size_of(to_array(false, 1, null, 2))": 2,
    'size_of(get_keys(to_object("a", 1, "b", 2)))': 2,
    'date_part("MM", date("2019-10-17 11:55:12"))': 10,
    'date_part("quarter", date("2019-10-17"))': 4,
    'date_part("ms", date("2016-11-09T11:44:44.797"))': 797,
    'date_part("dw", date("2019-10-17"))': 4,
}
TRUTHS = {
    'matches_regex("E259,E259B_009,1_1", "([^,]+),[^,]*,([^,]+)")': True,
    'matches_regex(currency, "[a-z]{2}")': False,
    '"string1".equals("STRING1")': False,
    "is_empty(none)": True,
    "is_empty(flags)": True,
    "is_empty(items)": False,
    'is_set("payer.email")': True,
    'contains_key("payer.phone")': False,
    "contains_key(none)": False,
    'amount == "1234"': True,
    "amount ne 1234": False,
    "none == null and not (amount lt 5)": True,
    "amount >= 1234 && amount <= 1234.0 || false": True,
    '"b" > "a"': True,
    "!true": False,
    "null < 5": False,
}
TIMES = {
    'date("2019-10-23 11:24", "yyyy-MM-dd HH:mm")': "2019-10-23T11:24:00Z",
    'date("2019-10-23 11:24")': "2019-10-23T11:24:00Z",
    'date("10-23-2019")': "2019-10-23T00:00:00Z",
    'date("23-Oct-2019")': "2019-10-23T00:00:00Z",
    'date("1/05/2020 01:02:03 PM")': "2020-01-05T13:02:03Z",
    'date("Jan 5 2020 -0800", "MMM d yyyy Z")': "2020-01-05T08:00:00Z",
    'date("2019-10-17T11:55:12 PST", "yyyy-MM-dd\'T\'HH:mm:ss z")': "2019-10-17T19:55:12Z",
    'date(none, "yyyy", date("2020-01-01"))': "2020-01-01T00:00:00Z",
    'zone_date_to_utc(date("2019-10-17T11:55:12-08:00"))': "2019-10-17T19:55:12Z",
}


def value(client: Client, schema: str, expression: str, field: str) -> Any:
    body = lines(schema, ("EXPRESSION", expression, f"_emulator.product.{field}"))
    answer = client.make(f"{SETS}/preview", {"data": ROW, "mappingSet": body})
    assert "errors" not in answer, (expression, answer)
    return answer["data"]["_emulator"]["product"][field]


def test_expressions_have_their_documented_values(client: Client) -> None:
    schema = client.schema("e", **FIELDS)
    for field, expected in (("t", TEXTS), ("n", NUMBERS), ("b", TRUTHS), ("d", TIMES)):
        for expression, result in expected.items():
            assert value(client, schema, expression, field) == result, expression
    assert value(client, schema, "items[*].sku", "a") == ["x", "y"]
    assert value(client, schema, "items[*].tags[*]", "a") == ["p", "q", "r"]
    result = value(client, schema, 'to_object("a", date("2020-01-01"), "b", [1, true])', "o")
    assert result == {"a": "2020-01-01T00:00:00Z", "b": [1, True]}
    assert value(client, schema, 'json_to_object("{\\"a\\": [1]}")', "o") == {"a": [1]}
    assert len({value(client, schema, "uuid()", "t") for _ in range(2)}) == 2
    now = client.now()
    assert value(client, schema, "timestamp()", "n") == now * 1000
    assert value(client, schema, 'dformat(timestamp(), "yyyy") == format(now(), "yyyy")', "b")


def test_a_null_result_is_not_written(client: Client) -> None:
    schema = client.schema("e", **FIELDS)
    for expression in (
        "nullify()",
        "lower(none)",
        "none",
        "payer.phone",
        "items[9].sku",
        "to_decimal(none)",
        "max(none)",
    ):
        body = lines(schema, ("EXPRESSION", expression, "_emulator.product.t"))
        assert client.make(f"{SETS}/preview", {"data": ROW, "mappingSet": body}) == {"data": {}}, expression


@pytest.mark.parametrize(
    ("expression", "named"),
    [
        ("to_integer(currency)", "to_integer: 'eur' is no number"),
        ("to_integer(price)", "to_integer"),
        ("amount / 0", "division by zero"),
        ("amount + none", "null is no number"),
        ("-currency", "'eur' is no number"),
        ('date("soon")', "date cannot take 'soon'"),
        ('date("2020", "yyyy-QQ")', "date"),
        ('date("13", "MM")', "date"),
        ('format(now(), "nonsense")', "format"),
        ("format(amount, 'yyyy')", "'1234' is no time"),
        ("dformat(9999999999999999999, 'yyyy')", "dformat"),
        ('zone_date_to_zone(now(), "Moon/Base")', "Moon/Base"),
        ('date_part("era", now())', "era"),
        ('explode("a|b", "|")', "escaped"),
        ('explode("a.b", "..")', "escaped"),
        ('explode("ab", "b*")', "matches the empty text"),
        ('explode("ab", "(")', "escaped"),
        ('explode("ab", "a(")', "pattern"),
        ("lower(items)", "an array is no text"),
        ("sha256(payer)", "an object is no text"),
        ("concat(items, 1)", "an array is no text"),
        ("payer + 1", "object is no number"),
        ("items == 1 ? first(1) : explode(payer)", "an object is no text"),
        ("substr(currency, -1, 2)", "substr"),
        ("add_to_array(currency, 1)", "'eur' is no array"),
        ("get_keys(currency)", "'eur' is no object"),
        ('to_object("a")', "to_object"),
        ("to_object(1, 2, 3)", "pairs"),
        ('json_to_object("{")', "JSON"),
        ('matches_regex(currency, "(")', "matches_regex"),
        ("iif(currency, 1, 2)", "neither true nor false"),
        ('sha1(currency, "EBCDIC")', "character set"),
        ("1e30 * 1e30 * 99999999999999999999 * 9e300", "out of range"),
        ('max(1, "a")', "'a' is no number"),
        ('amount < "x"', "'x' is no number"),
        ('concat(date("0001-01-01 +0500", "yyyy-MM-dd Z"))', "date cannot take"),
        ('to_object("t", date("0001-01-01 +0500", "yyyy-MM-dd Z"))', "date cannot take"),
        ('{date("0001-01-01 +0500", "yyyy-MM-dd Z"): 1}', "date cannot take"),
        ('"x" == make_date_time(9999, 12, 31, 23, 0, 0, 0, "America/Los_Angeles")', "make_date_time cannot take"),
        ('dformat(100000000000000000000, "yyyy")', "dformat cannot take"),
    ],
)
def test_an_expression_that_fails_for_a_row_is_reported(client: Client, expression: str, named: str) -> None:
    body = lines(client.schema("e", **FIELDS), ("EXPRESSION", expression, "_emulator.product.t"))
    answer = client.make(f"{SETS}/preview", {"data": ROW, "mappingSet": body})
    assert answer["data"] == {}
    (problem,) = answer["errors"]
    assert named in problem["exception"]
    assert problem["source"] == expression


@pytest.mark.parametrize(
    ("expression", "named"),
    [
        ("replace(a, 'x', 'y')", "'replace' is not known"),
        ("format_date(a)", "'format_date' is not known"),
        ("a.toUpperCase()", "'toUpperCase' is not known"),
        ("lower()", "lower takes 1 arguments, not 0"),
        ("a.equals()", "equals takes 1 arguments, not 0"),
        ("lower(a, b)", "not 2"),
        ("lower(a", "is missing at the end"),
        ("a b", "unexpected 'b'"),
        ("a +", "ends too early"),
        ("a ? b", "':' is missing"),
        ("new", "reserved"),
        ("a[b]", "index"),
        ("a[1", "']' is missing"),
        ("a..b", "a name is missing"),
        ("'a'.b", "needs a path"),
        ("#", "cannot read"),
        ("'open", "cannot read"),
        ("1e999", "no number"),
        ("sha256(items[*].sku)", "sha256 accepts a single value as 'input', not an array"),
        ("concat(a, items[*].sku)", "concat accepts a single value as 'string', not an array"),
        ("lower(payers[*].${street\\.name})", "lower accepts a single value"),
        ("upper(split(a, ','))", "upper accepts a single value"),
        ("to_integer([1, 2])", "to_integer accepts a single value"),
        ("to_decimal(a ? items[*].x : items[*].y)", "to_decimal accepts a single value"),
        ("format(items[*].at, 'yyyy')", "format accepts a single value as 'date'"),
        ("items[*].name.equals(a)", "equals accepts a single value"),
        ("a.equals(items[*].name)", "equals accepts a single value"),
        ("iif(items[*].paid, 1, 2)", "iif accepts a single value"),
        ("lower(first(items)[*].x)", "lower accepts a single value"),
        ("items[*].price * 2", "'*' accepts single values, not an array"),
        ("-items[*].price", "'-' accepts single values, not an array"),
        ("not items[*].paid", "'!' accepts single values, not an array"),
        ("items[*].paid ? 1 : 2", "'?' accepts single values, not an array"),
        ("transformArray(items, a)", "transformArray needs a '->'"),
        ("lower(x -> x)", "lower accepts no '->'"),
        ("x -> x", "unexpected '->'"),
        ("transformArray(a, x -> transformArray(b, y -> y))", "'->' within another"),
        ("{'a' 1}", "':' is missing"),
        ("{'a': 1", "',' is missing"),
        ("address.\\.name", "cannot read"),
        ("address\\name", "cannot read"),
        (")", "unexpected ')'"),
        ("(" * 50 + "a" + ")" * 50, "nested deeper than 20"),
        ("!" * 300 + "a", "more than 100 operators"),
        ("+".join(["a"] * 300), "more than 100 operators"),
        ("a." * 300 + "a", "more than 100 operators"),
        ("a" * 4097, "longer than 4096"),
    ],
)
def test_validation_refuses_an_invalid_expression(client: Client, expression: str, named: str) -> None:
    body = lines(client.schema("e", **FIELDS), ("EXPRESSION", expression, "_emulator.product.t"))
    (answer,) = client.make(f"{SETS}/validate", body)["validationResponse"]
    assert answer["status"] == "FAILED"
    assert named in answer["errors"][0]["exception"]
    assert client.make(f"{LANGUAGE}/validate", {"expression": expression}) is False
    # The platform stores such a mapping set; only the creation of a dataflow refuses it.
    assert client.make(SETS, body)["version"] == 0


def test_an_expression_is_validated_with_sample_data(client: Client) -> None:
    for expression, sample, valid in (
        ('concat("Hi", ",", "there", "!")', None, True),
        ("to_integer(a)", '{"a": "12"}', True),
        ("to_integer(a)", {"a": "x"}, False),
        ("to_integer(a)", "", True),
    ):
        body = {"expression": expression, "sampleData": sample, "sampleDataType": "json"}
        assert client.make(f"{LANGUAGE}/validate", body) is valid
    for bad in ({}, {"expression": 5}, {"expression": " "}, {"expression": "a", "sampleData": "[1]"}):
        problem = client.refused("POST", f"{LANGUAGE}/validate", 400, json=bad)
        assert "MAPPER-" in problem["type"]


def test_functions_and_operators_are_listed(client: Client) -> None:
    functions = client.get(f"{LANGUAGE}/functions")
    assert {entry["function"] for entry in functions} >= {"concat", "iif", "dformat", "equals", "to_decimal"}
    for entry in functions:
        assert client.make(f"{LANGUAGE}/validate", {"expression": entry["example"]}) is True, entry
        assert all((entry["category"], entry["description"], entry["since"] == 1))
    operators = client.get(f"{LANGUAGE}/operators")
    assert {"operatorSymbol": "+", "methodName": "add", "numberOfOperands": 2}.items() <= operators[0].items()
    for entry in operators:
        assert client.make(f"{LANGUAGE}/validate", {"expression": entry["example"]}) is True, entry


def test_patterns_match_as_in_other_regular_expression_engines(client: Client) -> None:
    schema = client.schema("e", **FIELDS)
    texts = ["".join(letters) for size in range(5) for letters in itertools.product("ab1-", repeat=size)]
    for pattern in (
        "a|b1",
        "(ab|a)1?",
        "[^a]*a",
        "a{2,3}",
        "^a.*-$",
        "\\\\d+-\\\\w",
        "[a-b-]+",
        "(?:a|)b{0}1",
        "()",
    ):
        body = lines(schema, ("EXPRESSION", f'matches_regex(t, "{pattern}")', "_emulator.product.b"))
        answers = client.make(f"{SETS}/preview", {"data": [{"t": text} for text in texts], "mappingSet": body})
        found = [answer["data"]["_emulator"]["product"]["b"] for answer in answers]
        reference = re.compile(pattern.replace("\\\\", "\\"))
        assert found == [reference.fullmatch(text) is not None for text in texts], pattern


@pytest.mark.parametrize("pattern", ["(a*)*b", "(ab)+", "(?i)a", "[a&&b]", "a" * 201, "("])
def test_a_pattern_that_may_take_too_long_is_refused(client: Client, pattern: str) -> None:
    body = lines(client.schema("e", **FIELDS), ("EXPRESSION", f'matches_regex(t, "{pattern}")', "_emulator.product.b"))
    (answer,) = client.make(f"{SETS}/preview", {"data": [{"t": "a" * 60}], "mappingSet": body})
    assert answer["data"] == {}
    assert "pattern" in answer["errors"][0]["exception"]
