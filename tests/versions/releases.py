"""The supported Airflow releases, and the arguments that install each, with a pinned version."""

from __future__ import annotations

from dataclasses import dataclass, field

#: The date on which the oldest supported common-compat (the floor in ``pyproject.toml``) was the newest.
COMPAT_FLOOR = {"apache-airflow-providers-common-compat": "2026-02-01"}


@dataclass(frozen=True)
class Release:
    """
    An Airflow release.

    :param version: the version of ``apache-airflow``.
    :param pythons: the versions of Python to test with; the first that this machine has is used.
    :param newest: a date; packages that were published later are not installed. Airflow pins few packages, so an
        installation without a date gets newer libraries that break the release: FastAPI and Cadwyn break 3.0.6,
        pydantic breaks 3.2.2. The date replaces the release's constraint file, which is on no package registry.
        ``None``: no date.
    :param later: packages that may be newer than ``newest``, each with its own date.
    """

    version: str
    pythons: tuple[str, ...]
    newest: str | None = None
    later: dict[str, str] = field(default_factory=dict)

    def requirements(self, *packages: str) -> list[str]:
        """Return the arguments of ``uv pip install`` that install packages and keep the version of Airflow."""
        dates = [f"--exclude-newer={self.newest}"] if self.newest else []
        dates += [f"--exclude-newer-package={name}={date}" for name, date in self.later.items()]
        return [*dates, f"apache-airflow=={self.version}", *packages]


RELEASES = (
    Release("2.11.2", ("3.12", "3.11"), newest="2026-03-20"),
    # By its own date common-compat would be 1.7.3, which has no common.compat.sdk.
    Release("3.0.6", ("3.12", "3.11"), newest="2025-09-05", later=COMPAT_FLOOR),
    Release("3.1.8", ("3.13", "3.12", "3.11"), newest="2026-03-20"),
    Release("3.2.2", ("3.13", "3.12", "3.11"), newest="2026-06-10"),
    # 3.14 if the machine has it; the environment of the checkout has 3.11.
    Release("3.3.2", ("3.14", "3.13", "3.12", "3.11")),
)
