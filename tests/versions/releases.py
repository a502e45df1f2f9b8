"""The Airflow releases that are supported, and how each is installed: as its own users do, who pin it."""

from __future__ import annotations

from dataclasses import dataclass, field

#: The first common-compat that will do (the floor in ``pyproject.toml``) was the newest on this day.
COMPAT_FLOOR = {"apache-airflow-providers-common-compat": "2026-02-01"}


@dataclass(frozen=True)
class Release:
    """
    An Airflow release.

    :param version: of ``apache-airflow``.
    :param pythons: on which it is tested: the first that this machine has.
    :param newest: a date; nothing that was published later is installed. Airflow pins little by itself, so a resolve of
        today brings libraries that came long after a release and break it: FastAPI and Cadwyn break 3.0.6, pydantic
        3.2.2. The date stands for the release's constraint file, which no package registry has. ``None``: today.
    :param later: packages that may be newer than ``newest``, each with a date of its own.
    """

    version: str
    pythons: tuple[str, ...]
    newest: str | None = None
    later: dict[str, str] = field(default_factory=dict)

    def requirements(self, *packages: str) -> list[str]:
        """Return the arguments of ``uv pip install`` that install packages beside this Airflow, and leave it."""
        dates = [f"--exclude-newer={self.newest}"] if self.newest else []
        dates += [f"--exclude-newer-package={name}={date}" for name, date in self.later.items()]
        return [*dates, f"apache-airflow=={self.version}", *packages]


RELEASES = (
    Release("2.11.2", ("3.12", "3.11"), newest="2026-03-20"),
    # Its own date brings common-compat 1.7.3, which has no common.compat.sdk at all.
    Release("3.0.6", ("3.12", "3.11"), newest="2025-09-05", later=COMPAT_FLOOR),
    Release("3.1.8", ("3.13", "3.12", "3.11"), newest="2026-03-20"),
    Release("3.2.2", ("3.13", "3.12", "3.11"), newest="2026-06-10"),
    # 3.14 where there is one; the checkout's own environment is of 3.11.
    Release("3.3.2", ("3.14", "3.13", "3.12", "3.11")),
)
