"""Errors of all services, and their texts."""

from __future__ import annotations

from typing import Any

import pytest

from airflow_provider_payments.aep.errors import (
    ConflictError,
    Difference,
    Failure,
    InvalidInputError,
    Problem,
    RequestError,
    UnsettledError,
)

BODIES = {
    "Flow Service": (
        {
            "type": "https://ns.adobe.com/aep/errors/FLOW-1439-404",
            "title": "Resource not found",
            "status": 404,
            "report": {"detailed-message": "No flow has this id.", "request-id": "req-1", "id": "x", "type": "flows"},
            "errorMessage": "short form",
            "errorDetails": "short form",
        },
        Problem("FLOW-1439-404", "Resource not found", "No flow has this id.", "req-1"),
    ),
    "Flow Service without a report": (
        {"type": "https://ns.adobe.com/aep/errors/FLOW-1360-400", "errorMessage": "start time is past"},
        Problem("FLOW-1360-400", "", "start time is past", "from-header"),
    ),
    "gateway": (
        {"error_code": "403010", "message": "Oauth token is missing."},
        Problem("403010", "", "Oauth token is missing.", "from-header"),
    ),
    "Schema Registry": (
        {
            "type": "http://ns.adobe.com/aep/errors/XDM-1521-400",
            "title": "Title not unique",
            "status": 400,
            "report": {"registryRequestId": "req-2", "detailed-message": "Titles have to be unique.", "sub-errors": []},
            "detail": "another sentence",
        },
        Problem("XDM-1521-400", "Title not unique", "Titles have to be unique.", "req-2"),
    ),
    "an older form of Schema Registry": (
        {"type": "/placeholder/type/uri", "status": 400, "title": "BadRequestError", "detail": "A title is missing."},
        Problem("", "BadRequestError", "A title is missing.", "from-header"),
    ),
    "IMS": (
        {"error": "invalid_client", "error_description": "invalid client_secret parameter"},
        Problem("invalid_client", "", "invalid client_secret parameter", "from-header"),
    ),
    "Data Prep": (
        {
            "type": "https://ns.adobe.com/aep/errors/MAPPER-1000-400",
            "title": "Bad Request",
            "report": {"detailed-message": "'mappings' must be a list.", "request-id": "req-3"},
        },
        Problem("MAPPER-1000-400", "Bad Request", "'mappings' must be a list.", "req-3"),
    ),
}
UNKNOWN_BODIES: dict[str, Any] = {
    "nothing": None,
    "text": "Internal error",
    "a list": [{"title": "x"}],
    "a number": 7,
    "an empty object": {},
    "null throughout": {"type": None, "title": None, "report": None, "error": None, "message": None},
}


@pytest.mark.parametrize(("body", "problem"), BODIES.values(), ids=BODIES)
def test_the_error_body_of_each_service_is_parsed(body: dict[str, Any], problem: Problem) -> None:
    assert Problem.from_body(body, "from-header") == problem


@pytest.mark.parametrize("body", UNKNOWN_BODIES.values(), ids=UNKNOWN_BODIES)
def test_an_unknown_error_body_keeps_only_the_request_id(body: object) -> None:
    assert Problem.from_body(body, "from-header") == Problem(request_id="from-header")


def test_wrong_types_within_an_error_body_are_converted_to_text() -> None:
    body = {"type": ["x"], "title": {"a": 1}, "report": "broken", "detail": ["first", 2], "error_code": 403}
    assert Problem.from_body(body) == Problem("403", "{'a': 1}", "['first', 2]")


def test_a_services_error_is_one_line_of_limited_length() -> None:
    problem = Problem.from_body({"title": "a\n\tb", "detail": "x" * 100_000, "error": "y" * 100_000})
    error = RequestError(Failure.FINAL, "GET", "/flows", status=400, problem=problem)
    assert problem.title == "a b"
    assert len(problem.detail) < 600
    assert len(str(error)) < 2000
    assert "\n" not in str(error)


def test_a_request_error_names_request_answer_and_advice() -> None:
    problem = Problem("FLOW-2121-403", "Forbidden", "No permission on Enterprise Source.", "req-9")
    error = RequestError(Failure.FINAL, "POST", "/flows", status=403, problem=problem)
    for part in (
        "POST /flows failed (final)",
        "403 - FLOW-2121-403 - Forbidden - No permission on Enterprise Source.",
        "check the organisation, the sandbox and the permissions",
        "request id req-9",
    ):
        assert part in str(error)
    assert error.code == "FLOW-2121-403"


def test_a_request_error_does_not_repeat_equal_details() -> None:
    problem = Problem("", "Not Found", "Not Found")
    assert str(RequestError(Failure.FINAL, "GET", "/x", status=404, problem=problem)).count("Not Found") == 1


def test_a_request_error_contains_the_retry_after() -> None:
    error = RequestError(Failure.THROTTLED, "GET", "/runs", status=429, retry_after=90.0)
    assert "the service asks to wait 90 s" in str(error)


@pytest.mark.parametrize("failure", Failure, ids=lambda failure: failure.name)
def test_only_a_final_failure_is_not_retryable(failure: Failure) -> None:
    assert RequestError(failure, "GET", "/x").retryable is (failure is not Failure.FINAL)


def test_invalid_input_names_field_value_and_allowed_values() -> None:
    error = InvalidInputError("interval", 5, "15 or more")
    assert str(error) == "interval=5 is not allowed: 15 or more"
    assert isinstance(error, ValueError)
    assert not error.retryable


def test_a_conflict_names_every_difference() -> None:
    differences = [Difference("frequency", "day", "hour"), Difference("tags", frozenset({"b", "a"}), None)]
    error = ConflictError("dataflow", "products", "id-1", differences, "Choose another name.")
    assert str(error) == (
        "dataflow 'products' exists already (id-1) and differs: frequency: desired 'day', actual 'hour'; "
        "tags: desired ['a', 'b'], actual None. Choose another name."
    )
    assert not error.retryable


def test_an_unsettled_creation_is_retryable() -> None:
    assert UnsettledError("no answer").retryable
