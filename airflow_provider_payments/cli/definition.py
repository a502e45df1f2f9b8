"""
``airflow aep``: the same commands where Airflow takes some from providers, from 3.2 on.

Every command of Airflow's loads this module, so it imports no more than Airflow has loaded by then.
"""

from __future__ import annotations

from airflow.cli.cli_config import ActionCommand, Arg, GroupCommand, lazy_load_command

from airflow_provider_payments.cli.commands import COMMANDS

__all__ = ["get_commands"]


def get_commands() -> list[GroupCommand]:
    """Return the group of commands, as Airflow takes it from a provider."""
    subcommands = [
        ActionCommand(
            name=command.name,
            help=command.help,
            description=command.description,
            func=lazy_load_command(f"airflow_provider_payments.cli.airflow_commands.{command.name}"),
            args=[Arg(option.flags, **option.how) for option in command.options],
        )
        for command in COMMANDS
    ]
    return [
        GroupCommand(name="aep", help="Dataflows from payments to Adobe Experience Platform", subcommands=subcommands)
    ]
