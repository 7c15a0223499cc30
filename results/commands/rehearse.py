"""A morning is rehearsed from the door to the telephone, each step told as it is walked."""

import json
import sys
from dataclasses import asdict
from pathlib import Path

import click

from results.upkeep import rehearse as rehearsal


@click.command()
@click.option("--results", "file", type=click.Path(path_type=Path, exists=True, dir_okay=False), help="Messages HL7.")
@click.option("--url", help="Borne d'une démonstration qui tourne ; sinon, un laboratoire temporaire.")
@click.option("--staff-url", help="Personnel de cette démonstration.")
@click.option("--json", "as_json", is_flag=True, help="Les étapes, pour une machine.")
@click.pass_obj
def rehearse(instance: Path, file: Path | None, url: str | None, staff_url: str | None, as_json: bool) -> None:
    """Joue la matinée : de la porte au téléphone, et dit si chaque étape tient.

    Exemple : etiquette rehearse --json
    """
    walked: list[rehearsal.Step] = []

    def tell(step: rehearsal.Step) -> None:
        walked.append(step)
        if not as_json:
            click.echo(f"{'✔' if step.ok else '✘'} {step.seconds:6.2f} s  {step.name} : {step.words}")

    if (url is None) != (staff_url is None):
        raise click.UsageError("--url et --staff-url vont ensemble.")
    if url and staff_url:
        held = rehearsal.rehearse(
            rehearsal.Place(instance=instance, public=url, staff=staff_url), results=file, tell=tell
        )
    else:
        held = rehearsal.rehearse_apart(results=file, tell=tell)
    if as_json:
        click.echo(json.dumps({"ok": held, "steps": [asdict(step) for step in walked]}, ensure_ascii=False))
    else:
        click.echo("Tout tient." if held else "La répétition s'est arrêtée : voir la dernière ligne.")
    sys.exit(0 if held else 1)
