"""
``airflow aep``: the same commands in Airflow's command line, from Airflow 3.2 on.

Every Airflow command imports this module, so it imports only modules that Airflow has loaded already.
"""

from __future__ import annotations

from airflow.cli.cli_config import ActionCommand, Arg, GroupCommand, lazy_load_command

from airflow_provider_payments.cli.commands import COMMANDS

__all__ = ["get_commands"]


def get_commands() -> list[GroupCommand]:
    """Return the provider's group of commands."""
    subcommands = [
        ActionCommand(
            name=command.name,
            help=command.help,
            description=command.description,
            func=lazy_load_command(f"airflow_provider_payments.cli.airflow_commands.{command.name}"),
            args=[Arg(option.flags, **option.settings) for option in command.options],
        )
        for command in COMMANDS
    ]
    return [
        GroupCommand(name="aep", help="Dataflows from payments to Adobe Experience Platform", subcommands=subcommands)
    ]
