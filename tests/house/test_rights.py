"""The table of rights is read aloud: each right opens a screen, and each mark names a right."""

import ast
from pathlib import Path

from kiosk.register.staff import RIGHTS, Right
from results.roof.routes import ROUTES

HOUSE = Path(__file__).resolve().parents[2]
#: Rights whose screens are not built yet; a line leaves this list in the commit that brings its screen.
LATER = {
    Right.TAKE_PAYMENT, Right.COUNT_STOCK, Right.APPROVE_RATES, Right.BACKUP,
}  # fmt: skip


def marks() -> set[str]:
    """The names after `Right.` in every `@needs(...)` of the house."""
    found = set()
    for room in (*HOUSE.glob("kiosk/**/*.py"), *HOUSE.glob("labels/**/*.py"), *HOUSE.glob("results/**/*.py")):
        for node in ast.walk(ast.parse(room.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "needs":
                (right,) = node.args
                assert isinstance(right, ast.Attribute), room
                found.add(right.attr)
    return found


def test_each_right_opens_a_screen_or_is_listed_as_later() -> None:
    used = {right for right in Right if right in ROUTES.values()}
    assert used.isdisjoint(LATER)
    assert used | LATER == set(Right)


def test_each_mark_names_a_right_of_the_table() -> None:
    assert marks() <= {right.name for right in RIGHTS}
    assert {Right[name] for name in marks()} >= {right for right in Right if right in ROUTES.values()}
