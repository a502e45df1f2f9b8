"""
Marks: the record, within an object, of the chain and run that created the object.

A mark is the end of an object's description, ``Paid orders [airflow:payments#3f9c2ab1d07e.8d01e5c7]``. It contains the
owner (the chain's name), a digest of the DAG run, and a nonce that is new for each creation. By the nonce an attempt
recognises the object that it created although the answer was lost; by the run a teardown finds the objects that a
failed run left. A mark contains no secret. Objects without a mark are never deleted, with two exceptions: an operation
that gives up may delete the dataflow that it created, whose id it knows; and a :class:`~.deletion.Deletion` deletes
the dataflow that it names, and the connections and the dataset that belong to the dataflow.
"""

from __future__ import annotations

import hashlib
import re
import secrets
from dataclasses import dataclass, replace
from typing import Self

from airflow_provider_payments.aep.errors import InvalidInputError

_MARK = re.compile(
    r"\s?\[airflow:(?P<owner>[\w.-]+)#(?P<run>[0-9a-f]+)\.(?P<nonce>[0-9a-f]+)"
    r"(?: (?:(?P<adopted>adopted)|given up (?P<given_up>[0-9]{1,12})|deletion (?P<deletion>[0-9a-f]{12})))?\]\s*$"
)
MAX_OWNER = 250


@dataclass(frozen=True)
class Mark:
    """
    The mark of one object.

    :param owner: the chain to which the object belongs.
    :param run: digest of the chain's run that created the object.
    :param nonce: the nonce of the request that created the object.
    :param adopted: for dataflows: whether another task or try adopted the dataflow while its creator could still give
        up. Defaults to ``False``.
    :param given_up: for dataflows: when the creator gave up, in epoch seconds of the platform's clock. Defaults to 0:
        never.
    :param deletion: for connections and datasets: the :func:`deletion_digest` of the dataflow's deletion that deletes
        this object too. Defaults to empty: none.
    """

    owner: str
    run: str
    nonce: str
    adopted: bool = False
    given_up: int = 0
    deletion: str = ""

    def __str__(self) -> str:
        note = " adopted" if self.adopted else f" given up {self.given_up}" if self.given_up else ""
        note = f" deletion {self.deletion}" if self.deletion else note
        return f"[airflow:{self.owner}#{self.run}.{self.nonce}{note}]"

    def with_owner(self, owner: str, *, adopted: bool = False) -> Self:
        """
        Return the mark with another owner; run and nonce still identify the request that created the object.

        :param adopted: whether the mark records an adoption, so that a creator that gives up keeps the object.
        """
        return replace(self, owner=owner, adopted=adopted, given_up=0, deletion="")

    @classmethod
    def read(cls, text: object) -> Self | None:
        """Return the mark at the end of ``text``, ``None`` if there is none."""
        found = _MARK.search(text) if isinstance(text, str) else None
        if found is None:
            return None
        owner, run, nonce, adopted, given_up, deletion = found.groups()
        return cls(owner, run, nonce, bool(adopted), int(given_up or 0), deletion or "")

    @classmethod
    def without(cls, text: str | None) -> str | None:
        """Return ``text`` without the mark at its end."""
        return _MARK.sub("", text or "") or None

    @classmethod
    def described(cls, text: str | None, description: str) -> str:
        """Return ``description`` with the mark of ``text`` at its end, if ``text`` has one."""
        mark = cls.read(text)
        return f"{description} {mark}" if mark else description

    def replace(self, text: object) -> str:
        """Return ``text`` with this mark in place of the mark at its end, if any."""
        return f"{_MARK.sub('', text) if isinstance(text, str) else ''} {self}".lstrip()


@dataclass(frozen=True)
class Writer:
    """
    The chain and run that create objects, as written into marks.

    :param owner: the chain's name: letters, digits, dots, hyphens and underscores. Operators default to the DAG's id.
    :param run: id of the chain's run, such as the DAG run's id.
    :param dag: the DAG's id, because runs of two DAGs with the same schedule have the same id. Marks contain only a
        digest of ``run`` and ``dag``.
    """

    owner: str = "manual"
    run: str = ""
    dag: str = ""

    def __post_init__(self) -> None:
        if not isinstance(self.owner, str) or not re.fullmatch(rf"[\w.-]{{1,{MAX_OWNER}}}", self.owner):
            allowed = f"1 to {MAX_OWNER} letters, digits, dots, hyphens and underscores"
            raise InvalidInputError("chain", self.owner, allowed)

    @property
    def run_digest(self) -> str:
        """
        The digest of this run in marks.

        Marks that the provider's first edition wrote have digests without the DAG's id, so they match no current run.
        """
        return _digest(f"{self.owner}\0{self.dag}\0{self.run}")

    def mark(self) -> Mark:
        """Return a mark with a new nonce, for one creation."""
        return Mark(self.owner, self.run_digest, secrets.token_hex(4))

    def owns(self, mark: Mark | None) -> bool:
        """Return whether this run of the chain created the object with this mark."""
        return mark is not None and (mark.owner, mark.run) == (self.owner, self.run_digest)


def deletion_digest(name_or_id: str) -> str:
    """Return the value in marks that identifies the deletion of the dataflow with this name or id."""
    return _digest(f"deletion\0{name_or_id}")


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:12]
