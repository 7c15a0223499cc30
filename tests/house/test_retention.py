"""Every table says how long its rows are kept."""

from importlib import import_module
from pathlib import Path

from kiosk.register.database import Base

HOUSE = Path(__file__).resolve().parents[2]


def test_every_table_says_how_long_it_is_kept() -> None:
    for folder in ("kiosk", "labels", "results"):
        for path in (HOUSE / folder).rglob("*.py"):
            if "__tablename__ = " in path.read_text(encoding="utf-8"):
                import_module(".".join(path.relative_to(HOUSE).with_suffix("").parts))
    silent = {
        mapper.class_.__name__
        for mapper in Base.registry.mappers
        if not isinstance(getattr(mapper.class_, "keep", None), str) or len(mapper.class_.keep) < 5
    }
    assert len(list(Base.registry.mappers)) > 10
    assert silent == set()
