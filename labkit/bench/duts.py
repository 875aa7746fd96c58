"""duts.csv: what is known of each board by its serial number (lot, wafer, x, y, firmware, rework, ...)."""

from __future__ import annotations

import csv
from pathlib import Path

from labkit.errors import ConfigError, Place
from labkit.text import clean


def read_duts(path: Path) -> dict[str, dict[str, str]]:
    """Return the rows by serial number; raises ConfigError with the line for what is wrong.

    The first row names the columns, one of them ``serial``; every other column is taken as it is.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        raise ConfigError("is not UTF-8 text; save it as CSV UTF-8", Place(path)) from None
    except OSError as error:
        raise ConfigError(f"cannot be read: {error.strerror or error}", Place(path)) from None
    rows = csv.DictReader(text.splitlines(), restkey="", strict=True)
    if rows.fieldnames is None or "serial" not in rows.fieldnames:
        raise ConfigError("has no column serial; the first line names the columns, like serial,lot,wafer,x,y,firmware",
                          Place(path, 1))
    found: dict[str, dict[str, str]] = {}
    try:
        for row in rows:
            serial = (row.get("serial") or "").strip()
            if not serial:
                continue
            if "" in row:
                raise ConfigError(f"the board {serial} has more values than there are columns; quote values that hold "
                                  "a comma", Place(path, rows.line_num))
            if serial in found:
                raise ConfigError(f"the board {serial} stands here twice; keep one line", Place(path, rows.line_num))
            found[serial] = {key: clean(value.strip(), 200) for key, value in row.items()
                             if key != "serial" and value and value.strip()}
    except csv.Error as error:
        raise ConfigError(f"is not CSV: {error}; close the quotes", Place(path, rows.line_num + 1)) from None
    return found
