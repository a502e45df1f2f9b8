"""
Marks: which chain and run made an object, written into the object itself.

A mark stands at the end of an object's description, ``Paid orders [airflow:payments#3f9c2ab1d07e.8d01e5c7]``: the
chain's owner, its run in its DAG, and a nonce that is new for each creation. By the nonce an attempt knows what it made
itself though the answer was lost; by the run a teardown finds what a failed run left. A mark holds no secret, and
nothing without one is ever deleted but a dataflow of a call that gives up, which knows its id.
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
    What an object carries.

    :param owner: the chain it belongs to.
    :param run: the run of the chain that made it.
    :param nonce: of the one request that made it.
    :param adopted: whether another task or try has adopted it while its creator could still give up; of dataflows only.
    :param given_up: when its creator gave up, in epoch seconds of the platform's clock; 0: never. Of dataflows only.
    :param deletion: which deletion of a dataflow it goes with, as :func:`deletion_digest` has it; empty: none. Of
        connections and datasets only.
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
        Return the mark with another owner; by run and nonce it still tells which request made the object.

        :param adopted: whether it records that too, so that a creator that gives up leaves the object alone.
        """
        return replace(self, owner=owner, adopted=adopted, given_up=0, deletion="")

    @classmethod
    def read(cls, text: object) -> Self | None:
        """Return the mark at the end of ``text``, if there is one."""
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
        """Return a new description instead of ``text``, whose mark stays at its end."""
        mark = cls.read(text)
        return f"{description} {mark}" if mark else description

    def replace(self, text: object) -> str:
        """Return ``text`` with this mark instead of the one at its end."""
        return f"{_MARK.sub('', text) if isinstance(text, str) else ''} {self}".lstrip()


@dataclass(frozen=True)
class Writer:
    """
    In whose name objects are created.

    :param owner: the chain, by default the DAG's id; letters, digits, dots, hyphens and underscores.
    :param run: distinguishes one run of the chain from another, such as the DAG run's id.
    :param dag: the DAG's id: runs of two DAGs have the same id where their schedules are the same. Of ``run`` and
        ``dag`` only a digest is written.
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
        """What the marks of this run hold. Those of the first edition held no DAG, so none of them is this run's."""
        return _digest(f"{self.owner}\0{self.dag}\0{self.run}")

    def mark(self) -> Mark:
        """Return a mark for one creation."""
        return Mark(self.owner, self.run_digest, secrets.token_hex(4))

    def owns(self, mark: Mark | None) -> bool:
        """Whether an object with this mark was made by this run of the chain."""
        return mark is not None and (mark.owner, mark.run) == (self.owner, self.run_digest)


def deletion_digest(asked: str) -> str:
    """Return what marks hold of a deletion that names its dataflow so, by name or id."""
    return _digest(f"deletion\0{asked}")


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:12]
