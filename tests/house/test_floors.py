"""The floors of the house: who may import whom.

A change in a table here is a change of architecture and needs an ADR. Files are only read (`ast`); the one test that
imports anything starts the public app in a fresh interpreter. Imports inside functions and under `if TYPE_CHECKING:`
count: an arrow that is hidden is still an arrow.
"""

import ast
import graphlib
import re
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

HOUSE = Path(__file__).resolve().parents[2]

#: From the ground up. A room may import from its own floor and from the floors before it.
FLOORS = (
    "printers",
    "printers/station",
    "printers/office",
    "printers/fake",
    "kiosk/formats",
    "kiosk/register",
    "kiosk/presence",
    "kiosk/exams",
    "kiosk/line",
    "kiosk",
    "kiosk/door",
    "kiosk/booking",
    "kiosk/counter",
    "labels/planning",
    "labels",
    "labels/printroom",
    "results/hl7v2",
    "results/reports",
    "results/vault",
    "results/trust",
    "results/stopping",
    "results",
    "results/callers",
    "results/physicians",
    "results/critical",
    "results/amending",
    "results/desks",
    "results/telephone",
    "results/office",
    "results/handing",
    "results/exchange",
    "results/keeping",
    "results/roof",
    "results/upkeep",
    "results/upkeep/bench",
    "results/upkeep/bench/beside",
    "results/upkeep/simulation",
    "results/commands",
)
#: The composition roots: they may import from every floor, nobody imports them.
ROOFS = {"kiosk/app.py", "printers/__main__.py", "results/app.py", "results/cli.py"}

#: The only rooms that may know Flask.
SCREENS = {
    "kiosk/app.py", "kiosk/web.py", "kiosk/live.py", "kiosk/health.py", "kiosk/signin.py", "kiosk/resuming.py",
    "kiosk/door/threshold.py", "kiosk/door/touchscreen.py", "kiosk/door/answering.py", "kiosk/door/speaking.py",
    "kiosk/door/following.py", "kiosk/door/board.py", "kiosk/counter/calling.py", "kiosk/counter/dossier.py",
    "kiosk/counter/helping.py", "kiosk/counter/enrolling.py", "kiosk/counter/returning.py",
    "kiosk/counter/placing.py", "kiosk/counter/pairing.py", "kiosk/booking/agenda.py",
    "labels/adjusting.py", "labels/desk.py", "labels/sampling.py",
    "labels/printroom/room.py", "labels/printroom/gestures.py",
    "results/app.py", "results/desks/delivery.py", "results/desks/secrecy.py", "results/desks/trying.py",
    "results/handing/handover.py", "results/handing/coding.py", "results/handing/papers.py",
    "results/handing/mandating.py", "results/handing/posting.py", "results/handing/agreeing.py",
    "results/desks/signoff.py", "results/desks/unlocking.py", "results/desks/prescribers.py",
    "results/office/accounts.py", "results/office/computers.py", "results/office/confirming.py",
    "results/office/entrance.py",
    "results/desks/critical.py", "results/desks/critical_rules.py", "results/desks/amended.py",
    "results/desks/reissuing.py",
    "results/telephone/phone.py", "results/telephone/without_slip.py", "results/telephone/leaving_message.py",
    "results/telephone/physician.py", "results/telephone/hearing.py",
    "results/telephone/passed_on.py", "results/telephone/letting.py",
    "results/office/manager.py", "results/keeping/seen.py", "results/keeping/morning.py",
    "results/keeping/searches.py",
    "results/exchange/quarantine.py",
}  # fmt: skip

#: Name -> the only rooms or folders (ending in "/") that may import it.
KNOWN_ONLY_IN = {
    "flask": SCREENS,
    "flask_wtf": SCREENS,
    "flask_login": {"kiosk/signin.py"},
    "werkzeug": SCREENS,
    "nacl": {"results/vault/sealing.py", "printers/sealing.py", "printers/station/"},
    "argon2": {"kiosk/register/staff.py", "results/vault/"},
    # The last two play people who do not exist; nobody's proof is checked there.
    "pyotp": {"kiosk/register/staff.py", "results/upkeep/demonstration.py", "results/upkeep/journey.py"},
    "escpos": {"printers/encode.py"},
    "fpdf": {"printers/office/pages.py"},
    "printers.office": {"printers/office/", "printers/__main__.py"},
    "alembic": {"results/upkeep/schema.py"},
    "printers.station": {
        "printers/station/",
        "printers/office/",
        "printers/__main__.py",
        "results/commands/",
        "results/upkeep/check.py",
    },
    "printers.fake": {"printers/fake/", "printers/__main__.py"},
    # What reads values to decide stands apart: the way of telling results cannot depend on one.
    "results.critical": {
        "results/critical/",
        "results/desks/critical.py",
        "results/desks/critical_rules.py",
        # Says who was called about a result, never why: it tells nobody a result.
        "results/keeping/seen.py",
        # Says how long its rows are kept.
        "results/keeping/rules.py",
        "results/exchange/",
        "results/app.py",
        "results/roof/rounds.py",
    },
    "results.exchange": {
        "results/exchange/",
        "results/app.py",
        "results/roof/menu.py",
        "results/commands/",
        "results/upkeep/",
        "results/keeping/",
    },
    # What goes by age goes from one room: no screen and no rule can take a trace away.
    "results.keeping": {"results/keeping/", "results/app.py", "results/roof/", "results/commands/"},
    "results.upkeep": {"results/upkeep/", "results/commands/", "results/cli.py"},
    "results.roof": {"results/roof/", "results/app.py"},
    # What a person types is no way for a screen or a rule to do the same unasked.
    "results.commands": {"results/commands/", "results/cli.py"},
}

#: Folder -> names that nothing in it may import, at any depth.
UNKNOWN_IN = {
    "printers": {"flask", "sqlalchemy", "kiosk", "labels", "results"},
    # A fake that reads with the house's own tables would repeat the house's mistakes.
    "printers/fake": {
        "printers.office",
        "printers.encode",
        "printers.zpl",
        "printers.draw",
        "printers.verify",
        "printers.spool",
    },
    "kiosk/register": {"flask", "printers"},
    "kiosk/presence": {"flask", "printers"},
    "kiosk/exams": {"flask", "printers"},
    # Whoever stands at a printer prints again what was numbered, and nothing else.
    "labels/printroom": {
        "labels.planning",
        "labels.numbering",
        "labels.readiness",
        "labels.bedside",
        "labels.sampling",
        "kiosk.exams",
        "results",
        "printers.station",
    },
    # The door answers the same whoever stands there: it knows no patient, no appointment and nobody of the staff.
    "kiosk/door": {
        "kiosk.register.patients",
        "kiosk.register.staff",
        "kiosk.register.accounts",
        "kiosk.presence",
        "kiosk.signin",
        "kiosk.exams",
        "kiosk.booking",
        "kiosk.counter",
    },
    # The plan is arithmetic on the site's table: no row, no screen, no paper can change it.
    "labels/planning": {"flask", "sqlalchemy", "printers", "kiosk.register", "kiosk.exams.prescriptions"},
    # Taking back and telling again is done with what is known without opening anything.
    "results/amending": {
        "flask",
        "results.hl7v2",
        "results.signing",
        "results.telling",
        "results.vault.envelopes",
        "results.vault.opening",
        "results.vault.sealing",
    },
    # What is handed over is paper: no telephone, no physician, no value.
    "results/handing": {"results.callers.calls", "results.physicians", "results.critical", "results.telephone"},
    "results/vault": {"flask", "printers", "kiosk.exams", "kiosk.booking", "kiosk.counter"},
}

#: Folder -> third-party names it may import; besides them only the standard library and itself.
PURE: dict[str, set[str]] = {"kiosk/formats": set(), "kiosk/line": set(), "results/hl7v2": set()}

#: All that the public app may ever load of this house, `__init__` files left out.
PUBLIC = {
    "kiosk.app", "kiosk.settings", "kiosk.web", "kiosk.live", "kiosk.health", "kiosk.squares",
    "kiosk.door.threshold", "kiosk.door.touchscreen", "kiosk.door.answering", "kiosk.door.speaking",
    "kiosk.door.following", "kiosk.door.board", "kiosk.door.answers", "kiosk.door.devices", "kiosk.door.languages",
    "kiosk.door.limits", "kiosk.door.profile", "kiosk.door.rush", "kiosk.door.shown", "kiosk.door.voice",
    "kiosk.waiting", "kiosk.places", "kiosk.questions", "kiosk.ticket", "kiosk.line.estimate",
    "kiosk.line.order", "kiosk.line.policy",
    "kiosk.formats.canonical", "kiosk.formats.convocation", "kiosk.formats.folding", "kiosk.formats.merkle",
    "kiosk.register.clock", "kiosk.register.database", "kiosk.register.errors", "kiosk.register.events",
    "kiosk.register.grants", "kiosk.register.journal", "kiosk.register.once", "kiosk.register.sites",
    "kiosk.register.visits", "kiosk.register.writer",
    "printers.errors", "printers.moves", "printers.paper", "printers.rows", "printers.sealing", "printers.spool",
}  # fmt: skip

FULL = 14  #: modules in one folder; the next subject goes where it belongs, or opens a folder with a law of its own
PACKAGES = ("printers", "kiosk", "labels", "results")


def name_of(room: Path) -> str:
    return room.relative_to(HOUSE).as_posix()


FILES = [room for package in PACKAGES for room in (HOUSE / package).rglob("*.py")]
ROOMS = sorted(room for room in FILES if "migrations" not in room.parts)
every_room = pytest.mark.parametrize("room", ROOMS, ids=name_of)


@cache
def tree(room: Path) -> ast.Module:
    return ast.parse(room.read_text(encoding="utf-8"))


@cache
def imports(room: Path) -> frozenset[str]:
    """Full dotted names, `from a import b` read as `a.b`."""
    names: set[str] = set()
    for node in ast.walk(tree(room)):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
    return frozenset(names)


@cache
def modules() -> dict[str, Path]:
    return {name_of(room).removesuffix(".py").removesuffix("/__init__").replace("/", "."): room for room in ROOMS}


@cache
def arrows(room: Path) -> frozenset[Path]:
    """The rooms of this house that a room imports: the longest prefix that is a module."""
    found = set()
    for name in imports(room):
        parts = name.split(".")
        for length in range(len(parts), 0, -1):
            if target := modules().get(".".join(parts[:length])):
                found.add(target)
                break
    return frozenset(found - {room})


def floor(room: Path) -> int:
    return FLOORS.index(name_of(room.parent))


def is_or_under(name: str, top: str) -> bool:
    return name == top or name.startswith(top + ".")


def allowed_in(room: Path, places: set[str]) -> bool:
    return any(name_of(room) == place or (place.endswith("/") and name_of(room).startswith(place)) for place in places)


@every_room
def test_a_room_stands_on_a_known_floor(room: Path) -> None:
    assert name_of(room.parent) in FLOORS, "a new folder needs a line in FLOORS and an ADR"


@every_room
def test_a_room_imports_only_from_its_own_floor_or_below(room: Path) -> None:
    if name_of(room) not in ROOFS:
        assert not [name_of(to) for to in arrows(room) if floor(to) > floor(room)]


@every_room
def test_nobody_imports_a_roof(room: Path) -> None:
    assert not {name_of(to) for to in arrows(room)} & ROOFS


@every_room
def test_imports_are_written_in_full(room: Path) -> None:
    froms = [node for node in ast.walk(tree(room)) if isinstance(node, ast.ImportFrom)]
    assert not [node.lineno for node in froms if node.level or node.names[0].name == "*"]
    calls = {ast.unparse(node.func) for node in ast.walk(tree(room)) if isinstance(node, ast.Call)}
    assert not calls & {"__import__", "import_module", "importlib.import_module"}


@every_room
def test_a_library_is_known_only_where_it_belongs(room: Path) -> None:
    for top, places in KNOWN_ONLY_IN.items():
        if not allowed_in(room, places):
            assert not [name for name in imports(room) if is_or_under(name, top)], f"{top} belongs to {sorted(places)}"


@every_room
def test_a_folder_does_not_know_what_is_above_its_subject(room: Path) -> None:
    for folder, tops in UNKNOWN_IN.items():
        if name_of(room).startswith(folder + "/"):
            assert not [name for name in imports(room) if any(is_or_under(name, top) for top in tops)]


@every_room
def test_a_pure_folder_imports_only_the_standard_library(room: Path) -> None:
    for folder, allowed in PURE.items():
        if name_of(room).startswith(folder + "/"):
            own = folder.replace("/", ".")
            foreign = {name for name in imports(room) if not is_or_under(name, own)}
            assert not {name for name in foreign if name.split(".")[0] not in sys.stdlib_module_names | allowed}


@every_room
def test_relationships_point_down_only(room: Path) -> None:
    keywords = {word.arg for node in ast.walk(tree(room)) if isinstance(node, ast.Call) for word in node.keywords}
    assert not keywords & {"backref", "back_populates"}, "the earlier row never owns a collection of the later one"


def test_there_is_no_circle_of_rooms() -> None:
    graphlib.TopologicalSorter({name_of(room): {name_of(to) for to in arrows(room)} for room in ROOMS}).prepare()


def test_the_tables_name_only_what_exists() -> None:
    rooms = {name_of(room) for room in ROOMS}
    assert not (SCREENS | ROOFS) - rooms
    assert not {name.replace(".", "/") + ".py" for name in PUBLIC} - rooms
    told = {top for tops in UNKNOWN_IN.values() for top in tops} | set(KNOWN_ONLY_IN)
    places = {*UNKNOWN_IN, *PURE, *(place.removesuffix("/") for places in KNOWN_ONLY_IN.values() for place in places)}
    assert not {top for top in told if top.split(".")[0] in PACKAGES} - set(modules())
    assert not places - rooms - set(FLOORS)
    assert not {screen for screen in SCREENS if not any(is_or_under(name, "flask") for name in imports(HOUSE / screen))}


@pytest.mark.parametrize("place", FLOORS)
def test_no_folder_is_overfull(place: str) -> None:
    rooms = [room for room in (HOUSE / place).glob("*.py") if not room.stem.startswith("__")]
    assert len(rooms) <= FULL


@every_room
def test_an_init_holds_nothing_but_its_sentence(room: Path) -> None:
    if room.name == "__init__.py" and name_of(room) != "printers/__init__.py":
        assert all(isinstance(node, ast.Expr) for node in tree(room).body)


def test_the_public_app_loads_public_rooms_and_nothing_else() -> None:
    run = subprocess.run(
        [sys.executable, "-c", "import kiosk.app, sys; print(*sys.modules)"],
        cwd=HOUSE, check=True, capture_output=True, text=True,
    )  # fmt: skip
    inits = {name for name, room in modules().items() if room.name == "__init__.py"}
    loaded = {name for name in run.stdout.split() if name.split(".")[0] in PACKAGES} - inits
    assert not loaded - PUBLIC, "the public app must not be able to reach these"
    assert not PUBLIC - loaded, "no longer loaded: take them off the list"


TEMPLATES = sorted(page for package in PACKAGES for page in (HOUSE / package).rglob("templates/**/*.html"))
URL_FOR = re.compile(r"""url_for\(\s*["'](\w+)\.""")


@pytest.mark.parametrize("page", TEMPLATES, ids=name_of)
def test_a_template_names_only_screens_of_its_own_package_or_below(page: Path) -> None:
    """A `url_for` string is an arrow too. A blueprint bears the name of its module."""
    package = PACKAGES.index(name_of(page).split("/")[0])
    homes = {Path(screen).stem: PACKAGES.index(screen.split("/")[0]) for screen in SCREENS}
    assert not [end for end in URL_FOR.findall(page.read_text(encoding="utf-8")) if homes.get(end, 0) > package]
