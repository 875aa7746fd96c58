"""`labkit drivers | schema`: what labkit knows."""

from __future__ import annotations

import json
from typing import Any, cast

import click

from labkit.cli.options import JSON


@click.command()
@JSON
def drivers(as_json: bool) -> None:
    """List the instrument drivers: kind, models, whether there is a twin, and how well its rows are sourced."""
    from labkit.instrument.registry import driver, names

    twins = names("labkit.twins")
    rows: list[dict[str, Any]] = []
    for name in names():
        try:
            cls = driver(name)
        except Exception as error:
            rows.append({"driver": name, "kind": "broken", "models": [], "twin": name in twins, "problem": str(error)})
            continue
        owners = [cls, cls.channel_type] if cls.channel_type is not None else [cls]
        sources = [row.source.quality for owner in owners for row in owner.rows().values()]
        rows.append({"driver": name, "kind": cls.kind, "models": list(cls.models), "twin": name in twins,
                     "rows": {q: sources.count(q) for q in ("manual", "code", "assumed")}})
    if as_json:
        click.echo(json.dumps(rows))
        return
    for row in rows:
        if "problem" in row:
            click.echo(f"{row['driver']:<20} {row['problem']}")
            continue
        counted = ", ".join(f"{count} {quality}" for quality, count in row["rows"].items() if count)
        click.echo(f"{row['driver']:<20} {row['kind']:<16} {'twin' if row['twin'] else 'no twin':<8} "
                   f"{' '.join(row['models']) or '-':<12} {counted and f'rows: {counted}'}")


@click.command()
@click.argument("kind", type=click.Choice(["board", "bench", "plan"]))
def schema(kind: str) -> None:
    """Print the JSON Schema of board, bench or plan files; editors complete and check with it."""
    from labkit.lab.schemas import SchemaKind, schema_text

    click.echo(schema_text(cast(SchemaKind, kind)), nl=False)
