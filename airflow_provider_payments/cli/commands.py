"""The commands and their options, for both command lines. A command's module is imported when the command runs."""

from __future__ import annotations

import importlib
import sys
from typing import TYPE_CHECKING, NamedTuple

from airflow_provider_payments.cli.options import (
    CONN_ID,
    ENVIRONMENT,
    ONLY,
    OUTPUT,
    PATHS,
    TAKE_OVER,
    VARIABLE,
    YES,
    Option,
)

if TYPE_CHECKING:
    import argparse

    from airflow_provider_payments.aep.errors import InvalidInputError

__all__ = ["COMMANDS", "Command", "run"]


class Command(NamedTuple):
    """
    A command of the command line.

    :param name: the command's name.
    :param help: one line for the list of commands.
    :param description: the description in the command's own help, which names related commands.
    :param options: the command's options and arguments.
    :param function: ``module.function`` of this package, which receives the parsed arguments and returns the exit
        status.
    """

    name: str
    help: str
    description: str
    options: tuple[Option, ...]
    function: str


COMMANDS = (
    Command(
        "validate",
        "Check definition files",
        "Check definition files and print all problems of all files, with file, line and column. It sends no request "
        "to the platform; `plan` compares the files with the sandbox. Without -e each environment is checked.",
        (PATHS, ENVIRONMENT, VARIABLE, OUTPUT),
        "validate.validate",
    ),
    Command(
        "plan",
        "Compare definition files with a sandbox and show the changes that an apply would make",
        "Compare definitions with the sandbox of the Airflow connection, and show the objects that would be created, "
        "adopted or changed, and conflicts. It only reads. `validate` checks files without requests to the platform; "
        "`export` writes files for existing dataflows; `status` shows the health of their runs. The exit status is 0, "
        "or 1 if there is an error or a conflict.",
        (
            PATHS,
            ENVIRONMENT,
            VARIABLE,
            ONLY,
            CONN_ID,
            TAKE_OVER,
            OUTPUT,
            Option(("--all",), {"action": "store_true", "help": "show unchanged objects too"}),
            Option(
                ("--detailed-exitcode",),
                {"action": "store_true", "help": "exit with 2 if the plan is not empty"},
            ),
        ),
        "plan.plan",
    ),
    Command(
        "apply",
        "Create and change the objects of definition files",
        "Make a plan, show it, and apply it after approval: by `yes` on a terminal, by --yes, or by --expect with the "
        "digest of a reviewed plan. `plan` only shows the plan. Objects of a kind are created together, so the time "
        "hardly grows with the number of definitions. A conflict of one definition does not affect others. After an "
        "interruption a repeat continues. The exit status is 0 if the sandbox matches all definitions, else 1.",
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
                {"metavar": "DIGEST", "help": "do not ask, and apply only the plan with this digest"},
            ),
        ),
        "apply.apply",
    ),
    Command(
        "export",
        "Write definition files for existing dataflows",
        "Write a definition file for each payments dataflow of the sandbox; a `plan` of these files shows no change. "
        "The files refer to schema and dataset by name. The environment is one of the project.yaml in the folder or "
        "above it. It only reads the platform. The exit status is 1 if a payments dataflow cannot be written as a "
        "definition; dataflows of other vendors are counted and skipped.",
        (
            Option(
                ("names",),
                {
                    "nargs": "*",
                    "metavar": "NAME",
                    "help": "names, ids, or patterns with * and ? (default: all dataflows)",
                },
            ),
            Option(("--to",), {"required": True, "metavar": "FOLDER", "help": "the folder for the files"}),
            Option(("--force",), {"action": "store_true", "help": "overwrite existing files"}),
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
        "Delete the dataflows of definition files, with their connections",
        "Show the objects of the definitions, and delete them after approval: by `yes` on a terminal, by --yes, or by "
        "--expect with the digest of a reviewed list. Dataflows and their source and target connections are deleted if "
        "they carry this project's mark and no other object uses them; with --datasets also datasets without a batch. "
        "Schemas, field groups, mapping sets and base connections are never deleted. The files are not deleted, and "
        "`apply` would create the objects again. After an interruption a repeat continues. The exit status is 1 if an "
        "object that was to be deleted was kept.",
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
                    "help": "objects with the project's mark that no definition reaches; deleted only with --expect",
                },
            ),
            Option(("--datasets",), {"action": "store_true", "help": "delete datasets without a batch too"}),
            OUTPUT,
            YES,
            Option(
                ("--expect",),
                {"metavar": "DIGEST", "help": "do not ask, and delete only the list with this digest"},
            ),
        ),
        "destroy.destroy",
    ),
    Command(
        "status",
        "Show the health of dataflows: failed runs, lost records, disabled, no recent success",
        "Show the health of dataflows: runs that failed or lost records, disabled dataflows, and dataflows whose last "
        "successful run is too old. It only reads. `plan` compares definitions with the sandbox; `status` shows the "
        "health of runs, and without --definition it requires no files. Without a name it shows each dataflow that "
        "reads a payments source or that this provider created. The exit status is 0, or 1 if there is an error.",
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
                    "help": "the dataflows of a definition file or folder; NAME then selects definitions; repeatable",
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
                    "help": "maximum age of the last successful run: seconds, or text such as PT6H (default: twice the "
                    "interval of each schedule)",
                },
            ),
            Option(
                ("--failures-since",),
                {
                    "metavar": "TIME",
                    "help": "count runs and failed records since this time, such as 2026-01-31T00:00:00Z; it takes one "
                    "or more requests for each dataflow",
                },
            ),
            Option(
                ("--max-failed-ratio",),
                {
                    "metavar": "SHARE",
                    "help": "the tolerated share of failed records, 0 to 1; requires --failures-since",
                },
            ),
            Option(
                ("--test-connections",),
                {
                    "action": "store_true",
                    "help": "test the login of each base connection at its vendor; it takes one request for each",
                },
            ),
            Option(
                ("--ignore",),
                {
                    "action": "append",
                    "default": [],
                    "metavar": "CODE",
                    "help": "a problem to ignore, such as disabled or partial; repeatable",
                },
            ),
            Option(
                ("--detailed-exitcode",),
                {"action": "store_true", "help": "exit with 2 if a dataflow is not healthy"},
            ),
        ),
        "status.status",
    ),
    Command(
        "diagnose",
        "Show which records of a flow run failed, and why",
        "Show the errors of a flow run: status, counts, codes, columns and messages. A dataflow's id or name selects "
        "its newest failed or partial run among its last hundred runs, or else its newest run. Values of the records, "
        "which are customers' payments, are shown as *** unless --show-values is given. Without --to, samples of the "
        "row errors are read; row errors are kept for 30 days. It only reads the platform.",
        (
            Option(("run_or_flow",), {"metavar": "RUN|FLOW", "help": "id of a flow run, or id or name of a dataflow"}),
            Option(
                ("--to",),
                {"metavar": "FOLDER", "help": "download all row errors, with their records, to a path or storage URL"},
            ),
            Option(
                ("--show-values",),
                {
                    "action": "store_true",
                    "help": "show one error of each kind with the values of its record and message",
                },
            ),
            ENVIRONMENT,
            CONN_ID,
            OUTPUT,
        ),
        "diagnose.diagnose",
    ),
    Command(
        "verify",
        "Check whether a sandbox behaves as this package assumes",
        "Check whether the platform behaves as this package assumes, in one sandbox. The checks create a few objects "
        "of their own, which are announced before and deleted at the end, also after Ctrl-C. The report contains no "
        "id, name or secret. The exit status is 0 if no assumption is contradicted, 2 if one is, and 1 if the sandbox "
        "could not be checked. `status` shows the health of your own dataflows.",
        (
            Option(("--conn-id",), {"default": "aep_default", "metavar": "ID", "help": "default: aep_default"}),
            Option(
                ("--sandbox",),
                {"required": True, "metavar": "NAME", "help": "the connection's sandbox, repeated as a confirmation"},
            ),
            Option(
                ("--allow-production",),
                {"action": "store_true", "help": "allow a sandbox whose type is not development"},
            ),
            Option(
                ("--base-connection-id",),
                {"metavar": "ID", "help": "id of an existing base connection, for checks of sources and dataflows"},
            ),
            Option(
                ("--vendor-conn-id",),
                {"metavar": "ID", "help": "instead: id of a vendor's Airflow connection, to create base connections"},
            ),
            Option(
                ("--source",), {"metavar": "VENDOR", "help": "the vendor of --vendor-conn-id: paypal, square or stripe"}
            ),
            Option(
                ("--only",),
                {
                    "action": "append",
                    "default": [],
                    "metavar": "ID",
                    "help": "only the check with this id, or the checks of a topic such as dataset; repeatable",
                },
            ),
            Option(("--ingest",), {"action": "store_true", "help": "ingest rows into a dataset of its own"}),
            Option(
                ("--quick",),
                {"action": "store_true", "help": "create one object of each kind instead of three"},
            ),
            Option(
                ("--report",),
                {"metavar": "FILE", "help": "file for the JSON report, for payments-emulator --like"},
            ),
            OUTPUT,
        ),
        "verify.verify",
    ),
    Command(
        "schema",
        "Print the JSON Schema of files",
        "Print the JSON Schema of definition files, of project.yaml, or of the report of `verify`, for editors. "
        "`validate` checks more, such as contradictions between members and between files.",
        (
            Option(
                ("of",),
                {
                    "nargs": "?",
                    "choices": ("definition", "project", "report"),
                    "default": "definition",
                    "help": "type of the file (default: definition)",
                },
            ),
        ),
        "schema.schema",
    ),
)


def run(command: Command, args: argparse.Namespace) -> int:
    """Run a command; return its exit status. An error of this package or of a file is printed without a traceback."""
    from airflow_provider_payments.aep.errors import InvalidInputError, PlatformError
    from airflow_provider_payments.cli.clients import plain_log_lines

    module, _, function = command.function.rpartition(".")
    try:
        with plain_log_lines():
            status: int = getattr(importlib.import_module(f"{__package__}.{module}"), function)(args)
        sys.stdout.flush()
    except BrokenPipeError:
        raise
    except InvalidInputError as error:
        print(_message_for(command, error), file=sys.stderr)
        return 1
    except (PlatformError, OSError) as error:
        print(error, file=sys.stderr)
        return 1
    return status


def _message_for(command: Command, error: InvalidInputError) -> str:
    """Return an error's message with the command line's name of the argument, such as ``--max-age``."""
    names = {option.argument: option.shown for option in command.options}
    name = names.get(error.field, error.field)
    return f"{name}: {error.allowed}" if error.value is None else str(type(error)(name, error.value, error.allowed))
