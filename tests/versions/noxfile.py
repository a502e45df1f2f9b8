"""
Test every supported Airflow: ``nox -f tests/versions/noxfile.py``; with ``-- short`` only the checks of this folder.

A session for each release installs the wheel into an environment of its own (kept in ``.nox``), checks it, and runs the
tests that run Airflow. The last session prints the table of results.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import nox

REPOSITORY = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(REPOSITORY))

from tests.versions.releases import RELEASES, Release  # noqa: E402
from tests.versions.table import print_table  # noqa: E402

STATE = REPOSITORY / ".nox"
RESULTS = STATE / "results"
#: Other tests that run Airflow, in processes of its own or in the test's process.
TESTS_THAT_RUN_AIRFLOW = (
    "tests/assets",
    "tests/hooks",
    "tests/lineage",
    "tests/operators",
    "tests/sensors",
    "tests/triggers",
    "tests/system",
    "tests/test_outcomes.py",
    "tests/test_pytest_plugin.py",
)
#: The checks run in one process, so that they share one Airflow.
SHORT = ("-n", "0", "--ignore=tests/versions/test_every_dag.py", "--ignore=tests/versions/test_deferral.py")
TEST_TOOLS = (
    *("pytest>=8.3", "pytest-xdist>=3.6", "hypothesis>=6.100", "statsd>=3.3", "psutil"),
    # The extra "openlineage".
    *("apache-airflow-providers-openlineage>=2.0", "openlineage-python>=1.30"),
)

nox.needs_version = ">=2024.4"
nox.options.envdir = str(STATE)
nox.options.default_venv_backend = "uv"
nox.options.reuse_venv = "yes"
# Do not download interpreters.
os.environ["UV_PYTHON_DOWNLOADS"] = "never"


def find_python(versions: tuple[str, ...]) -> str:
    """Return the first version of Python that this machine has, and put it first on the ``PATH``."""
    for version in versions:
        kept = sorted(Path.home().glob(f".pyenv/versions/{version}.*/bin/python{version}"))
        for place in (shutil.which(f"python{version}"), *kept):
            # A shim of pyenv on the PATH may not work.
            if place and not subprocess.run([place, "-c", ""], check=False, capture_output=True).returncode:
                os.environ["PATH"] = f"{Path(place).parent}{os.pathsep}{os.environ['PATH']}"
                return version
    return versions[0]


@nox.session(venv_backend="none")
def wheel(session: nox.Session) -> None:
    """Build the wheel from the source distribution, and check both as PyPI does."""
    shutil.rmtree(STATE / "dist", ignore_errors=True)
    shutil.rmtree(RESULTS, ignore_errors=True)
    session.chdir(REPOSITORY)
    session.run_install("uv", "build", "-q", "-o", str(STATE / "dist"), external=True)
    built = sorted(map(str, (STATE / "dist").glob("airflow_provider_payments-*")))
    session.run("twine", "check", "--strict", *built, external=True)
    session.run("validate-pyproject", "pyproject.toml", external=True)
    session.run("check-wheel-contents", *(file for file in built if file.endswith(".whl")), external=True)


def check(session: nox.Session, release: Release) -> None:
    """Install the wheel and a release into an empty environment, run the demo, and run the tests."""
    (built,) = (STATE / "dist").glob("*.whl")
    session.install("--reinstall-package=airflow-provider-payments", *release.requirements(f"{built}[demo]"))
    session.run("uv", "pip", "check", external=True)
    short = "short" in session.posargs
    if not short or release is RELEASES[-1]:
        session.chdir("/")
        session.run("payments-demo", silent=True)
    session.install(*release.requirements(*TEST_TOOLS))
    session.chdir(REPOSITORY)
    session.run(
        *("python", "-m", "pytest", "-o", "junit_family=xunit1", "-o", f"junit_suite_name=Python {session.python}"),
        f"--junitxml={RESULTS / release.version}.xml",
        "tests/versions",
        *(SHORT if short else TESTS_THAT_RUN_AIRFLOW),
        env={"PAYMENTS_AIRFLOW": release.version},
    )


def session_of(release: Release) -> Callable[[nox.Session], None]:
    def run(session: nox.Session) -> None:
        check(session, release)

    run.__doc__ = f"Airflow {release.version}."
    return run


for each in RELEASES:
    nox.session(name=f"airflow-{each.version}", python=find_python(each.pythons))(session_of(each))


@nox.session(venv_backend="none")
def table(session: nox.Session) -> None:
    """Print the result of each check on each release."""
    if not print_table(RESULTS, [release.version for release in RELEASES]):
        session.error("see the table")
