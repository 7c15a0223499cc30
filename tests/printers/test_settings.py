from collections.abc import Callable
from pathlib import Path

import pytest

from printers import settings
from printers.errors import NotARoll, WrongSettings
from printers.paper import A4, LABEL_50X25, ROLL_80, Form, must_be_roll

GOOD = '[printer.labels]\naddress = "tcp://127.0.0.1:9101"\nmedia = "label-50x25"\n'


def test_the_example_is_read() -> None:
    printers = settings.parse(settings.EXAMPLE)
    assert list(printers) == ["labels", "tickets", "slips"]
    assert printers["labels"].media == LABEL_50X25
    assert printers["slips"].media == ROLL_80
    assert printers["labels"].process_id
    assert printers["labels"].desk == "Guichet 1"


@pytest.mark.parametrize(
    ("name", "form"),
    [
        ("label-50x30", Form(width_mm=50, height_mm=30, gap_mm=3)),
        ("label-57x32", Form(width_mm=57, height_mm=32, gap_mm=3)),
        ("label-38x25", Form(width_mm=38, height_mm=25, gap_mm=3)),
        ("label-50x25-300dpi", Form(width_mm=50, height_mm=25, gap_mm=3, dpmm=12)),
        ("roll-58", Form(width_mm=48)),
        ("roll-80-300dpi", Form(width_mm=72, dpmm=12)),
    ],
)
def test_a_medium_has_a_name_for_each_head(name: str, form: Form) -> None:
    assert settings.parse(GOOD.replace("label-50x25", name))["labels"].media == form


def test_a_finer_head_is_told_beside_its_medium() -> None:
    text = GOOD.replace("label-50x25", "label-50x25-300dpi") + "dpi = 300\ndots = 1200\n"
    assert settings.parse(text)["labels"].media.width == 600


def test_a_layout_for_another_head_is_refused_in_words() -> None:
    with pytest.raises(WrongSettings, match=r"ligne 3.*12 points par mm, la tête en a 8"):
        settings.parse(GOOD.replace("label-50x25", "label-50x25-300dpi") + "dpi = 203\n")
    with pytest.raises(WrongSettings, match=r"ligne 3.*400 points de large, la tête en a 384"):
        settings.parse(GOOD + "dots = 384\n")


def test_the_media_of_an_app_are_those_of_its_printers(tmp_path: Path) -> None:
    (tmp_path / "printers.toml").write_text(settings.EXAMPLE)
    uses: dict[str, tuple[str, Callable[[Form], object]]] = {
        "slips": ("slips", must_be_roll),
        "labels": ("labels", repr),
    }
    assert settings.forms(tmp_path / "printers.toml", uses) == {"slips": ROLL_80, "labels": LABEL_50X25}


@pytest.mark.parametrize(
    ("name", "words"),
    [("labels", r"ligne 3 : Un ticket, un talon ou un compte rendu demande un rouleau"), ("other", "« other »")],
)
def test_a_ticket_on_a_label_is_refused_with_its_line(tmp_path: Path, name: str, words: str) -> None:
    (tmp_path / "printers.toml").write_text(GOOD)
    with pytest.raises(WrongSettings, match=words):
        settings.forms(tmp_path / "printers.toml", {"tickets": (name, must_be_roll)})


def test_a_roll_that_is_too_narrow_is_no_roll() -> None:
    must_be_roll(Form(width_mm=48))
    for form in (Form(width_mm=40), LABEL_50X25):
        with pytest.raises(NotARoll):
            must_be_roll(form)


OFFICE = '[printer.office]\nkind = "ipp"\naddress = "ipps://192.0.2.20/ipp/print"\nmedia = "a4"\n'
SHOWN = f'fingerprint = "{"0a" * 32}"\n'


def test_an_office_printer_is_reached_in_private_or_on_this_very_machine() -> None:
    office = settings.parse(OFFICE + SHOWN)["office"]
    assert (office.kind, office.media, office.may_prove, office.fingerprint) == ("ipp", A4, True, "0a" * 32)
    for here in ("localhost:60000", "127.0.0.1", "[::1]"):
        assert settings.parse(OFFICE.replace("ipps://192.0.2.20", f"ipp://{here}"))["office"].fingerprint == ""


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (OFFICE, "ligne 3 : il manque « fingerprint »"),
        (OFFICE.replace("ipps", "ipp"), "ligne 3 : un compte rendu ne traverse pas le réseau en clair"),
        (OFFICE.replace("ipps://192.0.2.20", "ipp://localhost.example"), "ligne 3 : un compte rendu"),
        (OFFICE.replace("ipps://192.0.2.20", "ipp://localhost") + SHOWN, "ligne 5 : une adresse ipp:// n'a pas"),
        (OFFICE + SHOWN.upper().replace("FINGERPRINT", "fingerprint"), "ligne 5 : « fingerprint » est fait de 64"),
        (OFFICE.replace("a4", "roll-80") + SHOWN, "ligne 4 : une imprimante « ipp » prend des feuilles"),
        (OFFICE.replace("ipps://192.0.2.20/ipp/print", "tcp://192.0.2.20:9100"), "ligne 3 : une imprimante « ipp »"),
        (OFFICE.replace('"ipp"', '"escpos"') + SHOWN, "ligne 4 : seule une imprimante « ipp » prend"),
        (OFFICE.replace('"ipp"', '"escpos"').replace("a4", "roll-80"), "ligne 3 : seule une imprimante"),
        (GOOD + SHOWN, "ligne 4 : seule une imprimante « ipp » montre"),
        (OFFICE + SHOWN + "status = false\n", "ligne 6 : une imprimante « ipp » dit toujours"),
        (OFFICE.replace("ipps://192.0.2.20", "ipps://sophie@192.0.2.20") + SHOWN, "ligne 3 : « address »"),
    ],
)
def test_what_does_not_suit_an_office_printer_is_refused_with_its_line(text: str, words: str) -> None:
    with pytest.raises(WrongSettings, match=words):
        settings.parse(text)


def test_another_label_is_a_table() -> None:
    text = GOOD.replace('"label-50x25"', "{width_mm = 38, height_mm = 25, gap_mm = 3}")
    assert settings.parse(text)["labels"].media == Form(width_mm=38, height_mm=25, gap_mm=3)


@pytest.mark.parametrize(
    ("text", "line"),
    [
        (GOOD + "colour = true\n", 4),
        ("[other]\n" + GOOD, 1),
        (GOOD + "old_after_s = 3\n", 4),
        (GOOD + "old_after_s = true\n", 4),
        (GOOD + 'kind = "tspl"\n', 4),
        (GOOD + 'kind = "zpl"\nprocess_id = true\n', 5),
        (GOOD.replace("label-50x25", "roll-80") + 'kind = "zpl"\n', 3),
        (GOOD + "process_id = 1\n", 4),
        (GOOD + "status = false\n", 4),
        (GOOD.replace("tcp://127.0.0.1:9101", "127.0.0.1:9101"), 2),
        (GOOD.replace("tcp://127.0.0.1:9101", "tcp://127.0.0.1"), 2),
        (GOOD.replace("tcp://127.0.0.1:9101", "tcp://127.0.0.1:99999"), 2),
        (GOOD.replace("tcp://127.0.0.1:9101", "file://lp0"), 2),
        (GOOD.replace('"label-50x25"', '"label-1x1"'), 3),
        (GOOD + "dpi = 600\n", 4),
        (GOOD + "dpi = true\n", 4),
        (GOOD + "dots = 9\n", 4),
        (GOOD + "dpi = 300\n", 3),
        (GOOD.replace('"label-50x25"', "{width_mm = 50, height_mm = 25, dpmm = 12}") + "dpi = 203\n", 3),
        (GOOD.replace('"label-50x25"', '"roll-80"') + "dots = 384\n", 3),
        (GOOD.replace('"label-50x25"', "{width_mm = 5000}"), 3),
        (GOOD.replace('"label-50x25"', "{breite = 50}"), 3),
        (GOOD + GOOD.replace("labels", "tickets"), 2),
        ("\n" + GOOD.replace('media = "label-50x25"\n', ""), 2),
        ("", 1),
        (GOOD + "x = \n", 4),
    ],
)
def test_what_is_not_understood_is_refused_with_its_line(text: str, line: int) -> None:
    with pytest.raises(WrongSettings, match=rf"(ligne|line) {line}\b"):
        settings.parse(text)


def test_a_zebra_is_a_label_printer_that_proves_nothing_by_itself() -> None:
    printer = settings.parse(GOOD + 'kind = "zpl"\nstatus = false\n')["labels"]
    assert (printer.kind, printer.status, printer.may_prove) == ("zpl", False, False)


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(WrongSettings, match=r"printers\.toml"):
        settings.read(tmp_path / "printers.toml")


TWO = GOOD + 'desk = "G1"\nfallback = "b"\n' + GOOD.replace("labels", "b").replace("9101", "9102")


def test_a_fallback_is_another_printer_of_the_same_paper() -> None:
    printers = settings.parse(TWO.replace('"label-50x25"', "{width_mm = 50, height_mm = 25, gap_mm = 3}"))
    assert printers["labels"].fallback == "b"
    assert not printers["labels"].beside(printers["b"])
    both = settings.parse(TWO + 'desk = "G1"\n')
    assert both["labels"].beside(both["b"])
    nowhere = settings.parse(TWO.replace('desk = "G1"\n', ""))
    assert not nowhere["labels"].beside(nowhere["b"])


@pytest.mark.parametrize("wrong", ["c", "labels"])
def test_a_fallback_that_is_no_other_printer_is_refused(wrong: str) -> None:
    with pytest.raises(WrongSettings, match="ligne 5"):
        settings.parse(TWO.replace('fallback = "b"', f'fallback = "{wrong}"'))


def test_a_fallback_with_another_paper_is_refused() -> None:
    with pytest.raises(WrongSettings, match="ligne 5"):
        settings.parse(TWO[: TWO.index("[printer.b]")] + '[printer.b]\naddress = "tcp://h:1"\nmedia = "roll-80"\n')
