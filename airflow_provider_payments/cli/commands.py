"""The commands and their options, for both command lines. Only names stand here: what a command does, it loads."""

from __future__ import annotations

import argparse
import importlib
import sys
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping

    from airflow_provider_payments.aep.errors import InvalidInputError

__all__ = ["COMMANDS", "OUTPUTS", "Command", "Option", "run"]

OUTPUTS = ("table", "json", "yaml", "markdown")


class Option(NamedTuple):
    """An option or argument, as :meth:`argparse.ArgumentParser.add_argument` takes it."""

    flags: tuple[str, ...]
    how: Mapping[str, Any]

    @property
    def argument(self) -> str:
        """The name of the argument in Python."""
        return self.flags[-1].lstrip("-").replace("-", "_")

    @property
    def shown(self) -> str:
        """How a message names it: the long flag, or what stands for a value in the usage."""
        return self.flags[-1] if self.flags[-1].startswith("-") else str(self.how["metavar"])


class Command(NamedTuple):
    """
    A command.

    :param function: ``module.function`` of this package; it takes the parsed arguments and returns the exit status.
    :param help: a line of the list of commands.
    :param description: all of the command's own help, its neighbours named.
    """

    name: str
    help: str
    description: str
    options: tuple[Option, ...]
    function: str


def _variable(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals or not name:
        raise argparse.ArgumentTypeError(f"{text!r} is not NAME=VALUE")
    return name, value


PATHS = Option(
    ("paths",), {"nargs": "*", "metavar": "PATH", "help": "files, and folders with all below them (default: .)"}
)
ENVIRONMENT = Option(
    ("-e", "--environment"), {"metavar": "ENV", "help": "an environment of project.yaml (default: the only one)"}
)
VARIABLE = Option(
    ("--var",),
    {
        "action": "append",
        "default": [],
        "type": _variable,
        "metavar": "NAME=VALUE",
        "help": "a variable, on top of the environment's; repeatable",
    },
)
ONLY = Option(
    ("--only",),
    {"action": "append", "default": [], "metavar": "NAME", "help": "only the definition of this name; repeatable"},
)
OUTPUT = Option(("-o", "--output"), {"choices": OUTPUTS, "default": "table", "help": "the format (default: table)"})
CONN_ID = Option(
    ("--conn-id",),
    {"metavar": "ID", "help": "the Airflow connection (default: the environment's, else aep_default)"},
)
YES = Option(("-y", "--yes"), {"action": "store_true", "help": "ask nothing"})
TAKE_OVER = Option(
    ("--take-over",),
    {
        "action": "append",
        "default": [],
        "metavar": "OWNER",
        "help": "the owner in the marks of objects that become this project's, such as a DAG's id; repeatable",
    },
)

COMMANDS = (
    Command(
        "validate",
        "Check files of definitions",
        "Check files of definitions: all problems of all files at once, with file, line and column. Asks nothing of "
        "the platform; `plan` compares the files with the sandbox. Without -e each environment is checked.",
        (PATHS, ENVIRONMENT, VARIABLE, OUTPUT),
        "validate.validate",
    ),
    Command(
        "plan",
        "Compare files with a sandbox: what would be created or changed",
        "Compare definitions with the sandbox of the Airflow connection: what would be created, adopted or changed, "
        "and what stands in the way. It only reads. `validate` checks files without asking the platform; `export` "
        "writes files of what is there; `status` says how runs go. The exit status is 0, or 1 where there is an error "
        "or a conflict.",
        (
            PATHS,
            ENVIRONMENT,
            VARIABLE,
            ONLY,
            CONN_ID,
            TAKE_OVER,
            OUTPUT,
            Option(("--all",), {"action": "store_true", "help": "show what is unchanged too"}),
            Option(
                ("--detailed-exitcode",),
                {"action": "store_true", "help": "exit with 2 where something is to be done"},
            ),
        ),
        "plan.plan",
    ),
    Command(
        "apply",
        "Create and change what a plan says",
        "Make a plan, show it, and do what it says once it is approved: by `yes` on a terminal, by --yes, or by "
        "--expect with the digest of a plan that somebody has looked at. `plan` only shows it. Creations of a kind are "
        "made together, so many definitions take as long as one. What stands in the way of one definition holds up "
        "that one only. A repeat finishes one that was interrupted. The exit status is 0 where all is "
        "as written, else 1.",
        (
            PATHS,
            ENVIRONMENT,
            VARIABLE,
            ONLY,
            CONN_ID,
            TAKE_OVER,
            OUTPUT,
            YES,
            Option(
                ("--expect",),
                {"metavar": "DIGEST", "help": "ask nothing, and apply only the plan of this digest"},
            ),
        ),
        "apply.apply",
    ),
    Command(
        "export",
        "Write files of the dataflows that are there",
        "Write a definition for each payments dataflow of the sandbox, such that `plan` says unchanged. Schema and "
        "dataset are referred to by name. The environment is one of project.yaml, which is looked for in the folder "
        "and above it. It only reads the platform. The exit status is 1 where a payments dataflow "
        "cannot be written as a definition; dataflows of other vendors are counted and skipped.",
        (
            Option(
                ("names",),
                {
                    "nargs": "*",
                    "metavar": "NAME",
                    "help": "names, ids, or patterns with * and ? (default: all dataflows)",
                },
            ),
            Option(("--to",), {"required": True, "metavar": "FOLDER", "help": "where the files go"}),
            Option(("--force",), {"action": "store_true", "help": "overwrite files that are there"}),
            Option(
                ("--manage-schema",),
                {"action": "store_true", "help": "describe schema, fields and dataset instead of referring to them"},
            ),
            ENVIRONMENT,
            CONN_ID,
            OUTPUT,
        ),
        "export.export",
    ),
    Command(
        "destroy",
        "Delete the dataflows of files, with their connections",
        "Show what the definitions reach, and delete it once it is approved: by `yes` on a terminal, by --yes, or by "
        "--expect with the digest of what somebody has looked at. Dataflows and their source and target connections go "
        "where this project's mark is on them and nothing else uses them; with --datasets also datasets, if these "
        "hold no batch. Schemas, field groups, mapping sets and base connections always stay. The files stay too, and "
        "`apply` would create everything again. A repeat finishes one that was interrupted. The exit status "
        "is 1 where something stayed that was to go.",
        (
            PATHS,
            ENVIRONMENT,
            VARIABLE,
            ONLY,
            CONN_ID,
            Option(
                ("--orphans",),
                {
                    "action": "store_true",
                    "help": "what carries the project's mark and no definition reaches; deleted only with --expect",
                },
            ),
            Option(("--datasets",), {"action": "store_true", "help": "delete datasets too, if they hold no batch"}),
            OUTPUT,
            YES,
            Option(
                ("--expect",),
                {"metavar": "DIGEST", "help": "ask nothing, and delete only what has this digest"},
            ),
        ),
        "destroy.destroy",
    ),
    Command(
        "status",
        "Show how the dataflows' runs go: failed, lost records, disabled, too old",
        "Show the health of dataflows: which failed or lost records, which are disabled, whose "
        "last successful run is too old. It only reads. `plan` compares definitions with the sandbox; `status` says "
        "how runs go, and without --definition it needs no files. Without a name it shows each dataflow that reads a "
        "payments source or that this provider made. The exit status is 0, or 1 where there is an error.",
        (
            Option(
                ("names",),
                {"nargs": "*", "metavar": "NAME", "help": "names, ids, or patterns with * and ?"},
            ),
            Option(
                ("--definition",),
                {
                    "action": "append",
                    "default": [],
                    "metavar": "PATH",
                    "help": "the dataflows of a file or folder of definitions, NAME being names of these; repeatable",
                },
            ),
            ENVIRONMENT,
            VARIABLE,
            CONN_ID,
            OUTPUT,
            Option(
                ("--max-age",),
                {
                    "metavar": "TIME",
                    "help": "how old the last successful run may be: seconds, or text such as PT6H (default: twice the "
                    "interval of each schedule)",
                },
            ),
            Option(
                ("--failures-since",),
                {
                    "metavar": "TIME",
                    "help": "count runs and failed records since then, such as 2026-01-31T00:00:00Z: a request or more "
                    "for each dataflow",
                },
            ),
            Option(
                ("--max-failed-ratio",),
                {
                    "metavar": "SHARE",
                    "help": "the share of failed records, 0 to 1, that is tolerated",
                },
            ),
            Option(
                ("--test-connections",),
                {
                    "action": "store_true",
                    "help": "let each base connection log in at its vendor: a request for each",
                },
            ),
            Option(
                ("--ignore",),
                {
                    "action": "append",
                    "default": [],
                    "metavar": "CODE",
                    "help": "a problem that does not count, such as disabled or partial; repeatable",
                },
            ),
            Option(
                ("--detailed-exitcode",),
                {"action": "store_true", "help": "exit with 2 where a dataflow is not healthy"},
            ),
        ),
        "status.status",
    ),
    Command(
        "diagnose",
        "Show which records of a flow run failed, and why",
        "Show what failed of a flow run: status, counts, codes, columns and messages. A dataflow's id or name means "
        "the newest of its last hundred runs that failed or is partial, else its newest. Values of the records, which "
        "are customers' payments, are shown as *** unless --show-values is given. Without --to, samples of the row "
        "errors are read; they are kept for 30 days. It only reads the platform.",
        (
            Option(("run_or_flow",), {"metavar": "RUN|FLOW", "help": "id of a flow run; id or name of a dataflow"}),
            Option(
                ("--to",),
                {"metavar": "FOLDER", "help": "download all row errors, with their records, to a path or storage URL"},
            ),
            Option(
                ("--show-values",),
                {"action": "store_true", "help": "show an error of each kind with its record and message as they are"},
            ),
            ENVIRONMENT,
            CONN_ID,
            OUTPUT,
        ),
        "diagnose.diagnose",
    ),
    Command(
        "verify",
        "Ask a sandbox whether it behaves as this package assumes",
        "Ask a sandbox whether the platform behaves as this package assumes. The checks make a few objects of their "
        "own, which are deleted at the end, also after Ctrl-C; what will be made is said before. The report holds no "
        "id, name or secret. The exit status is 0 where nothing is contradicted, 2 where something is, and 1 where "
        "the sandbox could not be asked. `status` says how your own dataflows' runs go.",
        (
            Option(("--conn-id",), {"default": "aep_default", "metavar": "ID", "help": "default: aep_default"}),
            Option(
                ("--sandbox",),
                {"required": True, "metavar": "NAME", "help": "the connection's sandbox, repeated so that it is meant"},
            ),
            Option(
                ("--allow-production",),
                {"action": "store_true", "help": "ask a sandbox whose type is not development"},
            ),
            Option(
                ("--base-connection-id",),
                {"metavar": "ID", "help": "a base connection that is there, for checks of sources and dataflows"},
            ),
            Option(
                ("--vendor-conn-id",),
                {"metavar": "ID", "help": "instead: a vendor's Airflow connection, to make base connections with"},
            ),
            Option(("--source",), {"metavar": "VENDOR", "help": "of --vendor-conn-id: paypal, square or stripe"}),
            Option(
                ("--only",),
                {
                    "action": "append",
                    "default": [],
                    "metavar": "ID",
                    "help": "only the check of this id, or those of a topic such as dataset; repeatable",
                },
            ),
            Option(("--ingest",), {"action": "store_true", "help": "bring rows into a dataset of its own"}),
            Option(
                ("--quick",),
                {"action": "store_true", "help": "make one object of each kind instead of three"},
            ),
            Option(
                ("--report",),
                {"metavar": "FILE", "help": "where the JSON report goes, for payments-emulator --like"},
            ),
            OUTPUT,
        ),
        "verify.verify",
    ),
    Command(
        "schema",
        "Print the JSON Schema of the files",
        "Print the JSON Schema of definition files, of project.yaml, or of the report of `verify`, for editors. "
        "`validate` checks more: what members and files say against each other.",
        (
            Option(
                ("of",),
                {
                    "nargs": "?",
                    "choices": ("definition", "project", "report"),
                    "default": "definition",
                    "help": "which file",
                },
            ),
        ),
        "schema.schema",
    ),
)


def run(command: Command, args: argparse.Namespace) -> int:
    """Run a command; return its exit status. An error of ours or of a file is printed without a traceback."""
    from airflow_provider_payments.aep.errors import InvalidInputError, PlatformError
    from airflow_provider_payments.cli.connecting import plain_log_lines

    module, _, function = command.function.rpartition(".")
    try:
        with plain_log_lines():
            status: int = getattr(importlib.import_module(f"{__package__}.{module}"), function)(args)
        sys.stdout.flush()
    except BrokenPipeError:
        raise
    except InvalidInputError as error:
        print(_in_words_of(command, error), file=sys.stderr)
        return 1
    except (PlatformError, OSError) as error:
        print(error, file=sys.stderr)
        return 1
    return status


def _in_words_of(command: Command, error: InvalidInputError) -> str:
    """Return an error's message; an argument has the name that the command line gives it, such as ``--max-age``."""
    names = {option.argument: option.shown for option in command.options}
    name = names.get(error.field, error.field)
    return f"{name}: {error.allowed}" if error.value is None else str(type(error)(name, error.value, error.allowed))
