"""Interruptions of a verification at one of its requests, and the objects that remain."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from airflow_provider_payments.aep.api.client import Client
from tests.conftest import Emulator


class Interruption:
    """
    Raises KeyboardInterrupt at one of the requests.

    :param at: index of the request.
    :param is_answered: whether the interruption comes after the answer.
    :param is_fatal: whether all later requests are interrupted too, as in a killed process.
    """

    def __init__(self, at: int, is_answered: bool, is_fatal: bool) -> None:
        self.at = at
        self.is_answered = is_answered
        self.is_fatal = is_fatal
        self.passed = 0

    def _is_meant(self) -> bool:
        return self.passed == self.at or (self.is_fatal and self.passed > self.at)

    def __enter__(self) -> None:
        if self._is_meant() and not (self.is_answered and self.passed == self.at):
            self.passed += 1
            raise KeyboardInterrupt

    def __exit__(self, *_: object) -> None:
        is_meant = self._is_meant()
        self.passed += 1
        if is_meant:
            raise KeyboardInterrupt


@contextmanager
def interrupted(client: Client, at: int, is_answered: bool, is_fatal: bool) -> Iterator[None]:
    client.transport.pace = Interruption(at, is_answered, is_fatal)
    with pytest.raises(KeyboardInterrupt):
        yield


def left(emulator: Emulator) -> dict[str, list[Any]]:
    """Return the objects of verifications in the sandbox, by kind."""
    kinds = emulator.control("GET", "state", params={"sandbox": "dev"})["sandboxes"]["dev"]
    found = {kind: [each for each in items if "payments verify" in json.dumps(each)] for kind, items in kinds.items()}
    return {kind: items for kind, items in found.items() if items}
