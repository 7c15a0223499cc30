"""Where every desk tries codes, and the pace at which every answer of a desk leaves."""

from time import monotonic, sleep
from typing import Final

from flask import current_app

from kiosk.web import house
from results.vault.attempts import CodeDesk

#: An answer leaves this long after its form came, or at the next whole multiple if it is late.
PACE_S: Final = 1.0


def code_desk() -> CodeDesk:
    """The one place of this programme where codes are tried; the telephone and the counter share it."""
    held: CodeDesk | None = current_app.extensions.get("code_desk")
    if held is None:
        home = house()
        made = CodeDesk(lambda: home.database.transaction("results"), home.more["keys"], home.chance)
        held = current_app.extensions.setdefault("code_desk", made)
    return held


def keep_pace(came: float) -> None:
    """Let an answer wait for the next whole second after its form came: how long it took tells nothing.

    Args:
        came: when the form came, in seconds of the monotonic clock.
    """
    sleep(PACE_S - (monotonic() - came) % PACE_S if PACE_S else 0)
