"""Reads the files of `import_users`: CSV, or JSON lines."""

import csv
import json
from collections.abc import Iterable, Iterator
from pathlib import Path

from auth_api.commands.base import refused
from auth_api.users.importing import Row


def read_rows(path: Path) -> list[Row]:
    """Return the users in a file. Raises CommandFailed if it cannot be read as CSV or JSON lines, and OSError."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            is_csv = path.suffix.lower() == ".csv"
            return list(_csv_rows(file) if is_csv else _json_rows(file))
    except UnicodeDecodeError:
        raise refused(f"{path} is not in UTF-8. Convert it, then try again.") from None


def _csv_rows(file: Iterable[str]) -> Iterator[Row]:
    reader = csv.DictReader(file)
    try:
        for values in reader:
            if None in values:
                raise refused(f"line {reader.line_num}: there are more values than columns.")
            yield Row(reader.line_num, {name: text for name, text in values.items() if text})
    except csv.Error as error:
        raise refused(f"line {reader.line_num}: {error}.") from None


def _json_rows(file: Iterable[str]) -> Iterator[Row]:
    for number, line in enumerate(file, 1):
        if not line.strip():
            continue
        try:
            values = json.loads(line)
        except ValueError:
            values = None
        if not isinstance(values, dict):
            raise refused(
                f'line {number}: expected one JSON object, such as {{"email": "ada@example.com"}}. '
                "Name files of comma-separated values .csv."
            )
        yield Row(
            number, {name: value for name, value in values.items() if value not in (None, "")}
        )
