"""The site's table of tubes: what is not understood is refused with its line, and nothing else is guessed."""

import tomllib
from pathlib import Path

import pytest

from kiosk.exams.catalogue import catalogue
from kiosk.settings import UnsafeSettings
from labels.planning.kinds import Kind
from labels.planning.rules import Bench
from labels.planning.table import SHIPPED, parse, read_table, shipped

TABLE = SHIPPED.read_text(encoding="utf-8")
BEFORE = 'register = "x"\n\n'


def changed(old: str, new: str) -> str:
    assert TABLE.count(old) >= 1, old
    return BEFORE + TABLE.replace(old, new, 1)


def test_the_shipped_table_is_read_whole_and_validated_by_nobody() -> None:
    rules = shipped()
    assert set(rules.looks) == set(Kind)
    assert [rules.looks[kind].words for kind in rules.order[:3]] == ["HÉMOC AÉRO", "HÉMOC ANA", "CITRATE"]
    assert rules.rooms(None)[Kind.CITRATE] == 1000
    assert rules.times["0412"] == (0, 60, 120, 180)
    assert not rules.validated


def test_every_container_of_the_catalogue_is_a_kind() -> None:
    named = {kind for exam in catalogue().exams for need in exam.needs for kind in need.kinds}
    assert named <= set(Kind)


def test_blood_stands_in_the_order_of_draw_and_the_rest_after_it() -> None:
    ranked = sorted(Kind, key=shipped().place)
    assert [kind for kind in ranked if kind.is_blood] == list(shipped().order) == ranked[: len(shipped().order)]


def test_settings_without_a_table_have_the_shipped_one() -> None:
    assert parse(BEFORE, file="staff.toml") == shipped()


def test_the_example_of_the_settings_holds_the_shipped_table() -> None:
    example = Path(__file__).resolve().parents[3] / "instance" / "staff.example.toml"
    assert example.read_text(encoding="utf-8").endswith(TABLE)


def test_a_site_says_its_benches_groups_and_exclusions() -> None:
    text = changed(
        "[tubes.benches]", '[tubes.benches.hemostase]\nexams = ["0126", "1127"]\ndead = 50\nown_tube = true\n'
    )
    text = text.replace("apart = []", 'apart = [["0126", "1127"]]').replace(
        "[tubes.groups]", '[tubes.groups]\n1208 = "à part"'
    )
    rules = parse(text, file="staff.toml")
    assert rules.benches == {"hemostase": Bench(exams=frozenset({"0126", "1127"}), dead=50, own_tube=True)}
    assert rules.apart == (frozenset({"0126", "1127"}),)
    assert rules.groups == {"1208": "à part"}


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("usual = 100", "usuel = 100", "réglage inconnu « usuel »"),
        ("usual = 100", "usual = 0", "« usual » doit être un nombre entier de 1"),
        ("usual = 100", 'usual = "100"', "« usual » doit être un nombre entier"),
        ("usual = 100", "usual = true", "« usual » doit être un nombre entier"),
        ('on_ice = ["0536", "0530"]', 'on_ice = ["0536", "9999"]', "« 9999 » n'est pas le code NABM"),
        ('on_ice = ["0536", "0530"]', 'on_ice = ["2160-0"]', "« 2160-0 » n'est pas le code NABM"),
        ('on_ice = ["0536", "0530"]', 'on_ice = ["0536", "0536"]', "nomme deux fois"),
        ('on_ice = ["0536", "0530"]', "on_ice = 536", "« on_ice » doit être une liste"),
        ("prefer = []", 'prefer = ["PAILLETTES"]', "« PAILLETTES » n'est pas un genre de tube"),
        ("apart = []", 'apart = ["0126"]', "liste de listes"),
        ("apart = []", 'apart = [["0126"]]', "au moins deux examens"),
        ('order = ["HEMOC-AEROBIE", ', "order = [", "il manque « HEMOC-AEROBIE » dans l'ordre"),
        ('order = ["HEMOC-AEROBIE", ', 'order = ["URINE", "HEMOC-AEROBIE", ', "n'est pas un tube de sang"),
        ('cap = "bleu", usable', 'couleur = "bleu", usable', "réglage inconnu « couleur »"),
        ('words = "CITRATE", cap', 'words = "", cap', "a besoin de « words »"),
        ('words = "CITRATE", cap', 'words = "CITRATE DE SODIUM", cap', "tenir en 12 lettres"),
        ('words = "CITRATE", cap', 'words = "CIT\\nRATE", cap', "tenir en 12 lettres"),
        ("usable = 1200, dead = 200}", "usable = 200, dead = 200}", "ne laisse rien d'utile"),
        ('SPERME = {words = "SPERME", cap = "pot stérile"}', "", "il manque le genre « SPERME »"),
        ("SPERME = {", "SPERMES = {", "« SPERMES » n'est pas un genre de tube"),
        ("0983 = 500", "0983 = 0", "« 0983 » doit être un nombre entier de 1"),
        ("0983 = 500", "0984 = 500", "« 0984 » n'est pas le code NABM"),
        ("0413 = [0, 120]", "0413 = [0, -120]", "des minutes entières"),
        ("[tubes.methods]", '[tubes.methods]\n1821 = "VERT"', "« VERT » n'est pas un genre de tube"),
        ("[tubes.benches]", '[tubes.benches]\na = {exams = ["0126"]}\nb = {exams = ["0126"]}', "sur deux paillasses"),
        ("[tubes.benches]", "[tubes.benches]\na = {dead = 5000}", "ne laisse rien d'utile"),
        ("[tubes.benches]", '[tubes.benches]\na = {own_tube = "oui"}', "true ou false"),
        ("[tubes.benches]", "[tubes.benches]\na = 5", "« a » doit être une table"),
        ("under = 2", "under = 40", "« under » doit être un nombre entier de 1 à 18"),
        ("under = 2", "age = 2", "réglage inconnu « age »"),
        ("dead = 50\n", "dead = 500\n", "ne laisse rien d'utile"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_told_in_words_with_its_line(old: str, new: str, told: str) -> None:
    text = changed(old, new)
    with pytest.raises(UnsafeSettings, match=r"^staff\.toml, ligne \d+ : ") as refused:
        parse(text, file="staff.toml")
    assert told in str(refused.value)


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("usual = 100", "usuel = 100", "usuel = 100"),
        ('cap = "bleu", usable', 'couleur = "bleu", usable', "CITRATE = {"),
        ("0983 = 500", "0984 = 500", "0984 = 500"),
        ("0413 = [0, 120]", "0413 = 120", "0413 = 120"),
        ("under = 12", "under = 0", "under = 0"),
    ],
)
def test_the_line_that_is_told_is_the_one_to_change(old: str, new: str, words: str) -> None:
    text = changed(old, new)
    with pytest.raises(UnsafeSettings) as refused:
        parse(text, file="staff.toml")
    line = int(str(refused.value).split("ligne ")[1].split(" ")[0])
    assert words in text.splitlines()[line - 1]


def test_a_table_that_is_no_toml_is_refused() -> None:
    with pytest.raises(UnsafeSettings, match=r"^staff\.toml : "):
        parse("[tubes", file="staff.toml")
    with pytest.raises(UnsafeSettings, match="« tubes » doit être une table"):
        parse("tubes = 3", file="staff.toml")


def test_comments_and_order_of_lines_do_not_change_what_is_signed_and_words_do(tmp_path: Path) -> None:
    file = tmp_path / "staff.toml"
    file.write_text(BEFORE + TABLE.replace("usual = 100 ", "# a word\nusual = 100 "))
    file.chmod(0o600)
    assert read_table(file).said == shipped().said
    assert parse(changed("usual = 100", "usual = 110"), file="staff.toml").said != shipped().said
    assert tomllib.loads(TABLE)["tubes"]["kinds"]["EDTA"]["cap"] == "violet"
