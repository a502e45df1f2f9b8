"""Files of a cloud storage: the daily settlements of payment services, as delimited text and as JSON.

A file is a table whose rows are all created with the file. Several files together are a table too, so a dataflow reads
a folder like a table, and its data windows are ranges of the files' modification times. Times are epoch seconds.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from fnmatch import fnmatchcase

from airflow_provider_payments.emulator.samples.creation_times import PAST_GAP_SECONDS
from airflow_provider_payments.emulator.samples.draws import Draws, opaque
from airflow_provider_payments.emulator.samples.flaws import Row
from airflow_provider_payments.emulator.samples.tables import Column, Table, timestamp_text

PAST_FILES, FUTURE_FILES, ROWS_PER_FILE = 30, 90, 40
DELIMITED_FOLDER, JSON_FOLDER = "/settlements/paypal/", "/settlements/stripe/"
_DAY_SECONDS = 86400
_FORMATS = {"csv": "delimited", "json": "json"}
_COLUMNS = tuple(
    Column(name)
    for name in (
        *("Settlement_Id", "Settlement_Date", "Transaction_Id", "Transaction_Time"),
        *("Gross_Amount", "Fee_Amount", "Net_Amount", "Currency"),
    )
)


def tables(start: float) -> Sequence[Table]:
    """Return one table for each file, oldest first in each folder.

    :param start: the start of the emulator's clock, in epoch seconds.
    """
    first = int(start) - PAST_GAP_SECONDS - (PAST_FILES - 1) * _DAY_SECONDS
    times = [float(first + day * _DAY_SECONDS) for day in range(PAST_FILES + FUTURE_FILES)]
    return (
        *(_file(f"{DELIMITED_FOLDER}settlement-{{}}.csv", _COLUMNS, at, _settlement) for at in times),
        *(_file(f"{JSON_FOLDER}payout-{{}}.json", (), at, _payout) for at in times),
    )


def format_of(path: str) -> str:
    """Return the format of a file by its extension; empty for an unknown extension."""
    return _FORMATS.get(path.rpartition(".")[2], "")


def file_at(visible: Mapping[str, Table], path: str, now: float) -> Table | None:
    """Return the file at a path, or None if the file has not been created yet."""
    table = visible.get("/" + path.strip("/"))
    return table if table is not None and table.created[0] <= now else None


def entries(visible: Mapping[str, Table], folder: str, now: float) -> list[tuple[bool, str]] | None:
    """Return for each entry of a folder whether it is a folder, and its path; None if there is no such folder.

    :param folder: the path of the folder; empty or a slash for the root.
    """
    start = _folder(folder)
    below = [
        path[len(start) :] for path, table in visible.items() if path.startswith(start) and table.created[0] <= now
    ]
    names = dict.fromkeys(name + slash for name, slash, _ in (rest.partition("/") for rest in below))
    return [(name.endswith("/"), start + name) for name in names] if below else None


def table_at(visible: Mapping[str, Table], path: str, form: str, recursive: bool) -> Table | None:
    """Return the table of one file, of the files in a folder, or of the files that a pattern with stars matches.

    The table contains future files too. None if there is no file, now or in the future.

    :param form: the format of the files; others are left out.
    :param recursive: whether to include subfolders.
    """
    name = "/" + path.strip("/")
    if name in visible:
        return visible[name] if format_of(name) == form else None
    pattern = name if "*" in name else _folder(path) + "*"
    depth = pattern.count("/")
    found = [
        table
        for place, table in visible.items()
        if format_of(place) == form and fnmatchcase(place, pattern) and (recursive or place.count("/") == depth)
    ]
    if not found:
        return None
    found.sort(key=lambda table: table.created[0])
    created = [at for table in found for at in table.created]
    return Table(path, found[0].columns, created, lambda: [row for table in found for row in table.rows])


def _folder(path: str) -> str:
    inner = path.strip("/")
    return f"/{inner}/" if inner else "/"


def _file(name: str, columns: tuple[Column, ...], at: float, make: Callable[[_Line], Row]) -> Table:
    day = datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d")
    path = name.format(day)

    def fill() -> list[Row]:
        draws = Draws(path)
        return [
            make(_Line(day, place, at - _DAY_SECONDS + draws.below(_DAY_SECONDS), 100 + draws.below(50_000)))
            for place in range(ROWS_PER_FILE)
        ]

    return Table(path, columns, [at] * ROWS_PER_FILE, fill)


@dataclass(frozen=True, slots=True)
class _Line:
    """One settled payment.

    :param day: the day of the file.
    :param place: the index in the file.
    :param at: the time of the payment, in epoch seconds.
    :param cents: the gross amount.
    """

    day: str
    place: int
    at: float
    cents: int

    @property
    def fee(self) -> int:
        return 30 + self.cents * 29 // 1000

    @property
    def payment(self) -> str:
        return opaque(int(self.day.replace("-", "")) * ROWS_PER_FILE + self.place)


def _settlement(line: _Line) -> Row:
    return {
        "Settlement_Id": f"STL-{line.day}-{line.place:03d}",
        "Settlement_Date": line.day,
        "Transaction_Id": line.payment,
        "Transaction_Time": timestamp_text(line.at),
        "Gross_Amount": f"{line.cents / 100:.2f}",
        "Fee_Amount": f"{line.fee / 100:.2f}",
        "Net_Amount": f"{(line.cents - line.fee) / 100:.2f}",
        "Currency": "USD",
    }


def _payout(line: _Line) -> Row:
    return {
        "id": f"po_{line.day}_{line.place:03d}",
        "arrival_date": line.day,
        "charge": f"ch_{line.payment}",
        "created": int(line.at),
        "amount": {"gross": line.cents, "fee": line.fee, "net": line.cents - line.fee, "currency": "usd"},
    }
