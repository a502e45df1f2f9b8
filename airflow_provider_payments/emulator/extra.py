"""The libraries of the extra ``demo``, which an installation may lack."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from importlib.util import find_spec

SERVER = ("jinja2", "starlette", "uvicorn")


def is_missing(program: str, modules: Iterable[str]) -> bool:
    """Return whether a required module is not installed; if so, print to stderr which extra to install.

    :param program: the name of the command that requires the modules.
    """
    absent = [name for name in modules if find_spec(name) is None]
    if absent:
        install = "pip install 'airflow-provider-payments[demo]'"
        print(f"{program}: {', '.join(absent)} not installed. Install the extra 'demo': {install}", file=sys.stderr)
    return bool(absent)
