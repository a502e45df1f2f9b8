"""Single values and arrays in expressions: checks before a row is read, and functions that split a text."""

from __future__ import annotations

from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.emulator.client import FLOW, Client, flow_body, sent
from tests.emulator.data_prep.previews import results
from tests.emulator.data_prep.test_data_prep import SETS, lines
from tests.emulator.data_prep.test_expressions import FIELDS

PRODUCT = "_emulator.product"
SHA256 = "7330d2b39ca35eaf4cb95fc846c21ee6a39af698154a83a586ee270a0d372104"


def test_an_array_as_a_single_value_is_refused_everywhere(client: Client) -> None:
    schema = client.schema("e", **FIELDS)
    body = lines(schema, ("ATTRIBUTE", "Product_Id", "_id"), ("EXPRESSION", "sha256(items[*].x)", f"{PRODUCT}.t"))
    first, second = client.make(f"{SETS}/validate", body)["validationResponse"]
    assert (first["status"], second["status"]) == ("SUCCESS", "FAILED")
    (error,) = second["errors"]
    assert "sha256 accepts a single value as 'input', not an array" in error.pop("exception")
    assert error == {
        "destination": f"{PRODUCT}.t",
        "source": "sha256(items[*].x)",
        "sourceType": "EXPRESSION",
        "columnName": f"{PRODUCT}.t",
    }
    preview = client.make(f"{SETS}/preview", {"data": {"Product_Id": "1", "items": [{"x": "a"}]}, "mappingSet": body})
    assert (preview["data"], len(preview["errors"])) == ({"_id": "1"}, 1)
    target = client.target(schema, client.dataset(schema))
    flow = flow_body(client.source(), target, client.make(SETS, body)["id"], client.now() + 60)
    message = client.flow_problem("POST", f"{FLOW}/flows", "1419-400", json=sent(flow))
    assert "sha256 accepts a single value" in message
    # A function can be applied to each entry of the array.
    each = "transformArray(items, item -> sha256(item.x))"
    assert value_of(client, each, {"items": [{"x": "my text"}]}) == [SHA256]


@settings(max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(parts=st.lists(st.text("ab|.\\+[]^$ ", max_size=4), min_size=1, max_size=6), by=st.sampled_from("|.+[]^$* "))
def test_split_and_escaped_explode_reverse_a_join(client: Client, parts: list[str], by: str) -> None:
    clean = [part.replace(by, "").replace("\\", "") for part in parts]
    row = {"text": by.join(clean), "escaped": f"\\{by}", "bare": by}
    assert value_of(client, "split(text, bare)", row) == clean
    assert value_of(client, "split(text, escaped)", row) == clean
    exploded = value_of(client, "explode(text, escaped)", row)
    # As in Java, empty parts at the end are dropped.
    assert by.join(exploded) == row["text"].rstrip(by) if row["text"].strip(by) else exploded == [""]


def value_of(client: Client, expression: str, row: dict[str, Any]) -> Any:
    (found,) = results(client, [expression], row)
    return found
