"""Adobe's page of mapping functions, compared with the emulator row by row."""

from __future__ import annotations

import json
from typing import Any

from tests.emulator.client import DATA_PREP, Client
from tests.emulator.data_prep.previews import refusals, results

LANGUAGE = f"{DATA_PREP}/languages/el"
MY_TEXT = '("my text", "UTF-8")'
URL, FILE = '"https://platform.adobe.com/home"', '"sftp://example.com//home/joe/employee.csv"'
FERRET = '"foo://example.com:8042/over/there?name=ferret#nose"'
REGEX = '"E259,E259B_009,1_1", "([^,]+),[^,]*,([^,]+)"'
NAMES = '"firstName - John ; lastName - Doe ; phone - 123 456 7890", "-", ";"'
#: The row that the samples read.
ROW: dict[str, Any] = {
    "stateCode": "pa",
    "evars": {"evar": {"field1": "x"}},
    "book_details": {"author": "George R. R. Martin", "price": 17.99, "ISBN": "ISBN-978-0553801477"},
    "book_details2": {"author": "Neil Gaiman", "price": 17.99, "publisher": "William Morrow"},
    "address": {"line1": "345 park ave", "City": "san jose", "type": "office"},
    "addresses": [{"City": "san jose", "type": "home"}, {"City": "san jose", "type": "work"}],
    "organizations": [{"orgName": "Acme Inc", "founded": 1990}, {"orgName": "Energy Corp", "founded": 2022}],
    "marketing_type": "phyMail",
}
BY_TYPE = {"home": ROW["addresses"][0], "work": ROW["addresses"][1]}
#: For each function: its numbers of arguments, its sample expressions, and the documented result of each sample.
DOCUMENTED: dict[str, tuple[int, int, dict[str, Any]]] = {
    "concat": (1, 200, {'concat("Hi, ", "there", "!")': "Hi, there!"}),
    "explode": (1, 2, {'explode("Hi, there", " ")': ["Hi,", "there"]}),
    "instr": (2, 4, {'instr("adobe.com", "com")': 6}),
    "replacestr": (
        3,
        3,
        {'replacestr("This is a string re test", "re", "replace")': "This is a string replace test"},
    ),
    "substr": (3, 3, {'substr("This is a substring test", 7, 8)': " a subst"}),
    "lower": (1, 1, {'lower("HeLLo")': "hello"}),
    "lcase": (1, 1, {'lcase("HeLLo")': "hello"}),
    "upper": (1, 1, {'upper("HeLLo")': "HELLO"}),
    "ucase": (1, 1, {'ucase("HeLLo")': "HELLO"}),
    "split": (2, 2, {'split("Hello world", " ")': ["Hello", "world"]}),
    "join": (2, 200, {'join(" ", to_array(true, "Hello", "world"))': "Hello world"}),
    "lpad": (3, 3, {'lpad("bat", 8, "yz")': "yzyzybat"}),
    "rpad": (3, 3, {'rpad("bat", 8, "yz")': "batyzyzy"}),
    "left": (2, 2, {'left("abcde", 2)': "ab"}),
    "right": (2, 2, {'right("abcde", 2)': "de"}),
    "ltrim": (1, 1, {'ltrim(" hello")': "hello"}),
    "rtrim": (1, 1, {'rtrim("hello ")': "hello"}),
    "trim": (1, 1, {'trim(" hello ")': "hello"}),
    "equals": (2, 2, {'"string1".equals("STRING1")': False}),
    "equalsIgnoreCase": (2, 2, {'"string1".equalsIgnoreCase("STRING1")': True}),
    "extract_regex": (2, 2, {f"extract_regex({REGEX})": ["E259,E259B_009,1_1", "E259", "1_1"]}),
    "matches_regex": (2, 2, {f"matches_regex({REGEX})": True}),
    "sha1": (1, 2, {f"sha1{MY_TEXT}": "c3599c11e47719df18a2448690840c5dfcce3c80"}),
    "sha256": (1, 2, {f"sha256{MY_TEXT}": "7330d2b39ca35eaf4cb95fc846c21ee6a39af698154a83a586ee270a0d372104"}),
    "sha512": (
        1,
        2,
        {
            f"sha512{MY_TEXT}": "a3d7e45a0d9be5fd4e4b9a3b8c9c2163c21ef708bf11b4232bb21d2a8704ada2"
            "cdcd7b367dd0788a89a5c908cfe377aceb1072a7b386b7d4fd2ff68a8fd24d16"
        },
    ),
    "md5": (1, 2, {f"md5{MY_TEXT}": "d3b96ce8c9fb4e9bd0198d03ba6852c7"}),
    "crc32": (1, 2, {f"crc32{MY_TEXT}": "8df92e80"}),
    "get_url_protocol": (1, 1, {f"get_url_protocol({URL})": "https"}),
    "get_url_host": (1, 1, {f"get_url_host({URL})": "platform.adobe.com"}),
    "get_url_port": (1, 1, {f"get_url_port({FILE})": 22}),
    "get_url_path": (
        1,
        2,
        {f"get_url_path({FILE})": "//home/joe/employee.csv", f"get_url_path({FILE}, false)": "employee.csv"},
    ),
    "get_url_query_str": (
        2,
        2,
        {
            f'get_url_query_str({FERRET}, "retain")': {"name": "ferret#nose"},
            f'get_url_query_str({FERRET}, "remove")': {"name": "ferret"},
            f'get_url_query_str({FERRET}, "append")': {"name": "ferret", "_anchor_": "nose"},
        },
    ),
    "get_url_encoded": (
        1,
        1,
        {
            'get_url_encoded("https://example.com/partneralliance_asia-pacific_2022")': (
                "https%3A%2F%2Fexample.com%2Fpartneralliance_asia-pacific_2022"
            ),
            'get_url_encoded(" !#$%&\'()*+,;<=>?@[]^`~")': (
                "%20%21%23%24%25%26%27%28%29%2A%2B%2C%3B%3C%3D%3E%3F%40%5B%5D%5E%60%7E"
            ),
        },
    ),
    "get_url_decoded": (
        1,
        1,
        {
            'get_url_decoded("https%3A%2F%2Fexample.com%2Fpartneralliance_asia-pacific_2022")': (
                "https://example.com/partneralliance_asia-pacific_2022"
            )
        },
    ),
    "now": (0, 0, {'format(now(), "yyyy") == dformat(timestamp(), "yyyy")': True}),
    "timestamp": (0, 0, {"timestamp() > 1571850624571": True}),
    "format": (2, 2, {'format("2019-10-23T11:24:35+00:00", "yyyy-MM-dd HH:mm:ss")': "2019-10-23 11:24:35"}),
    "dformat": (2, 2, {"dformat(1571829875000, \"yyyy-MM-dd'T'HH:mm:ss.SSSX\")": "2019-10-23T11:24:35.000Z"}),
    "date": (
        1,
        3,
        {
            'date("2019-10-23 11:24", "yyyy-MM-dd HH:mm", now())': "2019-10-23T11:24:00Z",
            'date("2019-10-23 11:24", "yyyy-MM-dd HH:mm")': "2019-10-23T11:24:00Z",
            'date("2019-10-23 11:24")': "2019-10-23T11:24:00Z",
        },
    ),
    "date_part": (2, 2, {'date_part("MM", date("2019-10-17 11:55:12"))': 10}),
    # The sample prints the time without its milliseconds.
    "set_date_part": (3, 3, {'set_date_part("m", 4, date("2016-11-09T11:44:44.797"))': "2016-04-09T11:44:44.797Z"}),
    # The sample prints the local time with the letter of UTC.
    "make_date_time": (
        8,
        8,
        {'make_date_time(2019, 10, 17, 11, 55, 12, 999, "America/Los_Angeles")': "2019-10-17T18:55:12Z"},
    ),
    "make_timestamp": (8, 8, {'make_timestamp(2019, 10, 17, 11, 55, 12, 0, "UTC")': "2019-10-17T11:55:12Z"}),
    "zone_date_to_utc": (1, 1, {'zone_date_to_utc("2019-10-17T11:55:12 PST")': "2019-10-17T19:55:12Z"}),
    "zone_date_to_zone": (
        2,
        2,
        {'format(zone_date_to_zone("2021-10-26T13:43:59Z", "Europe/Paris"), "HH:mm")': "15:43"},
    ),
    "is_empty": (1, 1, {"is_empty([1, null, 2, 3])": False}),
    **{
        name: (
            1,
            200,
            {
                f"{name}('sku', explode(\"id1|id2\", '\\\\|'), 'price', [22.5,14.35])": [
                    {"sku": "id1", "price": 22.5},
                    {"sku": "id2", "price": 14.35},
                ]
            },
        )
        for name in ("arrays_to_object", "arrays_to_objects")
    },
    "to_object": (
        1,
        200,
        {'to_object("firstName", "John", "lastName", "Doe")': {"firstName": "John", "lastName": "Doe"}},
    ),
    "str_to_object": (
        1,
        3,
        {f"str_to_object({NAMES})": {"firstName": "John", "lastName": "Doe", "phone": "123 456 7890"}},
    ),
    "get": (2, 2, {f'str_to_object({NAMES}).get("firstName")': "John"}),
    "contains_key": (1, 1, {'contains_key("evars.evar.field1")': True}),
    "is_set": (1, 1, {'is_set("evars.evar.field2")': False}),
    "nullify": (0, 0, {"nullify()": None, 'iif(marketing_type.equals("phyMail"), nullify(), marketing_type)': None}),
    "get_keys": (1, 1, {'get_keys({"book1": "Pride and Prejudice", "book2": "1984"})': ["book1", "book2"]}),
    "get_values": (
        3,
        4,
        {'get_values("firstName - John , lastName - Cena , phone - 555 420 8692", "firstName", "-", ",")': "John"},
    ),
    # The sample prints an object, but the description and the troubleshooting guide say that the result is the value.
    "map_get_values": (
        2,
        2,
        {
            "lower(map_get_values(book_details, 'author'))": "george r. r. martin",
            'map_get_values(book_details, ["author", "price", "none"])': ["George R. R. Martin", 17.99],
        },
    ),
    "map_has_keys": (
        2,
        2,
        {'map_has_keys(book_details, "author")': True, 'map_has_keys(book_details, ["none", "price"])': True},
    ),
    "add_to_map": (
        2,
        200,
        {"add_to_map(book_details, book_details2)": {**ROW["book_details2"], **ROW["book_details"]}},
    ),
    "object_to_map": (
        1,
        200,
        {
            'object_to_map("firstName", "John", "lastName", "Doe")': {"firstName": "John", "lastName": "Doe"},
            "object_to_map(address)": ROW["address"],
            "object_to_map(addresses,type)": BY_TYPE,
        },
    ),
    "array_to_map": (2, 2, {'array_to_map(addresses, "type")': BY_TYPE}),
    "to_map": (1, 200, {'to_map("firstName", "John", "lastName", "Doe")': {"firstName": "John", "lastName": "Doe"}}),
    "coalesce": (1, 200, {'coalesce(null, null, null, "first", null, "second")': "first"}),
    "first": (1, 200, {'first("1", "2", "3")': "1"}),
    "last": (1, 200, {'last("1", "2", "3")': "3"}),
    "add_to_array": (1, 200, {"add_to_array(['a', 'b'], 'c', 'd')": ["a", "b", "c", "d"]}),
    "join_arrays": (1, 200, {"join_arrays(['a', 'b'], ['c'], ['d', 'e'])": ["a", "b", "c", "d", "e"]}),
    "to_array": (2, 200, {"to_array(false, 1, null, 2, 3)": [1, 2, 3]}),
    "size_of": (1, 1, {"size_of([1, 2, 3, 4])": 4}),
    "upsert_array_append": (1, 2, {"upsert_array_append([123, 456])": [123, 456]}),
    "upsert_array_replace": (1, 2, {"upsert_array_replace([123, 456], 1)": [123, 456]}),
    "array_to_string": (
        2,
        2,
        {
            "array_to_string('_', organizations)": (
                "{'orgName':'Acme Inc','founded':1990}_{'orgName':'Energy Corp','founded':2022}"
            )
        },
    ),
    "flattenArray": (1, 1, {"array_to_string('_', flattenArray([[1], [[2, 3]]]))": "1_2_3"}),
    "filterArray": (
        2,
        2,
        {"filterArray(organizations, org -> org.founded > 2021)": [{"orgName": "Energy Corp", "founded": 2022}]},
    ),
    "transformArray": (
        2,
        2,
        {"array_to_string('_', transformArray(organizations, org -> ucase(org.orgName)))": "ACME INC_ENERGY CORP"},
    ),
    "decode": (2, 200, {'decode(stateCode, "ca", "California", "pa", "Pennsylvania", "N/A")': "Pennsylvania"}),
    "iif": (3, 3, {'iif("s".equalsIgnoreCase("S"), "True", "False")': "True"}),
    "min": (1, 200, {"min(3, 1, 4)": 1}),
    "max": (1, 200, {"max(3, 1, 4)": 4}),
    "to_bigint": (1, 1, {'to_bigint("1000000.34")': 1000000.34}),
    "to_decimal": (1, 1, {'to_decimal("20.5")': 20.5}),
    "to_float": (1, 1, {'to_float("12.3456")': 12.3456}),
    "to_integer": (1, 1, {'to_integer("12")': 12}),
    "json_to_object": (
        1,
        1,
        {
            expression: {"info": {"firstName": "John", "lastName": "Doe"}}
            for expression in (
                'json_to_object("{\\"info\\":{\\"firstName\\":\\"John\\",\\"lastName\\": \\"Doe\\"}}")',
                'json_to_object({"info":{"firstName":"John","lastName": "Doe"}})',
            )
        },
    ),
    "uuid": (0, 0, {"size_of(uuid())": 36}),
    "guid": (0, 0, {"uuid() == guid()": False}),
}
METHODS = ("equals", "equalsIgnoreCase", "get")


def test_every_sample_of_the_page_gives_its_documented_result(client: Client) -> None:
    samples = {expression: result for _, _, samples in DOCUMENTED.values() for expression, result in samples.items()}
    assert dict(zip(samples, results(client, list(samples), ROW), strict=True)) == samples


def test_the_page_and_the_api_list_the_same_functions(client: Client) -> None:
    assert {entry["function"] for entry in client.get(f"{LANGUAGE}/functions")} == DOCUMENTED.keys()


def call(name: str, count: int) -> str:
    arguments = ["a"] * count
    if name in ("filterArray", "transformArray"):
        arguments[1:2] = ["x -> x"] * (count > 1)
    if name in METHODS:
        return f"a.{name}({', '.join(arguments[1:])})"
    return f"{name}({', '.join(arguments)})"


def test_functions_accept_only_their_documented_number_of_arguments(client: Client) -> None:
    calls: dict[str, str] = {}
    for name, (fewest, most, _) in DOCUMENTED.items():
        calls |= {call(name, count): "" for count in (fewest, most)}
        wrong = {fewest - 1, most + 1} - ({0} if name in METHODS else {-1})
        calls |= {call(name, count): f"{name} takes" for count in wrong}
    for expression, found in zip(calls, refusals(client, list(calls)), strict=True):
        assert calls[expression] in found, expression
        assert bool(calls[expression]) == bool(found), (expression, found)


def test_listed_functions_have_parameters_result_and_example(client: Client) -> None:
    listed = {entry["function"]: entry for entry in client.get(f"{LANGUAGE}/functions")}
    assert (
        listed["explode"].items()
        >= {
            "category": "String",
            "syntax": "Object[] explode(String, String)",
            "returnType": "[Ljava.lang.Object;",
            "example": 'explode("Hi, there!", " ")',
            "result": '["Hi,", "there!"]',
            "params": [
                {"name": "string", "description": "", "type": "object", "dataType": "java.lang.String", "position": 1},
                {"name": "regex", "description": "", "type": "object", "dataType": "java.lang.String", "position": 2},
            ],
        }.items()
    )
    (values,) = listed["first"]["params"]
    assert (values["dataType"], listed["first"]["syntax"]) == ("[Ljava.lang.Object;", "Object first(Object...)")
    samples = {entry["example"]: entry["result"] for entry in listed.values() if entry["result"]}
    for result, expected in zip(results(client, list(samples)), samples.values(), strict=True):
        assert expected == (result if isinstance(result, str) else json.dumps(result))
