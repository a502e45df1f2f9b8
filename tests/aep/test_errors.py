"""What a refusal says, whichever service it comes from."""

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
    "Schema Registry as it once was": (
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
NONSENSE: dict[str, Any] = {
    "nothing": None,
    "text": "Internal error",
    "a list": [{"title": "x"}],
    "a number": 7,
    "an empty object": {},
    "null throughout": {"type": None, "title": None, "report": None, "error": None, "message": None},
}


@pytest.mark.parametrize(("body", "problem"), BODIES.values(), ids=BODIES)
def test_each_service_is_understood(body: dict[str, Any], problem: Problem) -> None:
    assert Problem.from_body(body, "from-header") == problem


@pytest.mark.parametrize("body", NONSENSE.values(), ids=NONSENSE)
def test_of_nonsense_only_the_request_id_is_kept(body: object) -> None:
    assert Problem.from_body(body, "from-header") == Problem(request_id="from-header")


def test_wrong_types_within_a_body_do_no_harm() -> None:
    body = {"type": ["x"], "title": {"a": 1}, "report": "broken", "detail": ["first", 2], "error_code": 403}
    assert Problem.from_body(body) == Problem("403", "{'a': 1}", "['first', 2]")


def test_what_a_service_says_is_one_line_of_bounded_length() -> None:
    problem = Problem.from_body({"title": "a\n\tb", "detail": "x" * 100_000, "error": "y" * 100_000})
    error = RequestError(Failure.FINAL, "GET", "/flows", status=400, problem=problem)
    assert problem.title == "a b"
    assert len(problem.detail) < 600
    assert len(str(error)) < 2000
    assert "\n" not in str(error)


def test_a_request_error_says_what_was_asked_what_came_back_and_what_to_do() -> None:
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


def test_a_request_error_does_not_say_the_same_twice() -> None:
    problem = Problem("", "Not Found", "Not Found")
    assert str(RequestError(Failure.FINAL, "GET", "/x", status=404, problem=problem)).count("Not Found") == 1


def test_a_request_error_tells_how_long_to_wait() -> None:
    error = RequestError(Failure.THROTTLED, "GET", "/runs", status=429, retry_after=90.0)
    assert "the service asks to wait 90 s" in str(error)


@pytest.mark.parametrize("failure", Failure, ids=lambda failure: failure.name)
def test_only_a_final_failure_is_not_worth_another_task_attempt(failure: Failure) -> None:
    assert RequestError(failure, "GET", "/x").retryable is (failure is not Failure.FINAL)


def test_invalid_input_names_field_value_and_what_is_allowed_and_is_not_worth_a_retry() -> None:
    error = InvalidInputError("interval", 5, "15 or more")
    assert str(error) == "interval=5 is not allowed: 15 or more"
    assert isinstance(error, ValueError)
    assert not error.retryable


def test_a_conflict_shows_every_difference() -> None:
    differences = [Difference("frequency", "day", "hour"), Difference("tags", frozenset({"b", "a"}), None)]
    error = ConflictError("dataflow", "products", "id-1", differences, "Choose another name.")
    assert str(error) == (
        "dataflow 'products' exists already (id-1) and differs: frequency: desired 'day', actual 'hour'; "
        "tags: desired ['a', 'b'], actual None. Choose another name."
    )
    assert not error.retryable


def test_an_unsettled_creation_is_worth_another_task_attempt() -> None:
    assert UnsettledError("no answer").retryable
