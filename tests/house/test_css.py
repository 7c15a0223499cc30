"""The screens' own style sheets keep the promises of the design: readable, logical, one table of colours."""

import re
from itertools import product
from pathlib import Path

import pytest

KIOSK = Path(__file__).resolve().parents[2] / "kiosk"
STATIC = KIOSK / "static"
TOKENS = STATIC / "public" / "tokens.css"
SHEETS = [
    TOKENS,
    *(STATIC / "public" / f"{name}.css" for name in ("kiosk", "wide", "board", "follow")),
    STATIC / "staff" / "staff.css",
]
LETTERS = sorted((STATIC / "public").glob("letters-*.css"))
SCRIPTS = sorted((*(STATIC / "public").glob("*.js"), *(STATIC / "staff").glob("*.js")))
LAYERS = "@layer reset, tokens, base, parts, screens, print;"

#: Text colour, the grounds it stands on, and the lowest ratio that is allowed.
PAIRS = [
    *product(("ink", "soft", "primary"), ("paper", "surface", "sunken"), (7.0,)),
    ("on-primary", "primary", 7.0),
    ("on-primary", "press", 7.0),
    ("on-tint", "tint", 7.0),
    ("soft", "tint", 7.0),
    ("ok", "ok-tint", 7.0),
    ("warn", "warn-tint", 7.0),
    ("danger", "danger-tint", 7.0),
    ("danger", "surface", 7.0),
    *product(("line", "focus"), ("paper", "surface", "sunken"), (3.0,)),
]


def without_comments(sheet: Path) -> str:
    return re.sub(r"/\*.*?\*/", "", sheet.read_text(encoding="utf-8"), flags=re.DOTALL)


def block(text: str, start: str) -> str:
    """What stands between the braces that follow `start`."""
    begin = text.index("{", text.index(start)) + 1
    depth, end = 1, begin
    while depth:
        depth += {"{": 1, "}": -1}.get(text[end], 0)
        end += 1
    return text[begin : end - 1]


def declared(text: str) -> dict[str, str]:
    return dict(re.findall(r"--([a-z-]+):\s*([^;]+);", text))


def themes() -> dict[str, dict[str, str]]:
    text = without_comments(TOKENS)
    pairs = declared(block(text, "  :root {"))
    light, dark = ({}, {})
    for name, value in pairs.items():
        found = re.fullmatch(r"light-dark\((#[0-9A-F]{6}), (#[0-9A-F]{6})\)", value)
        if found:
            light[name], dark[name] = found.groups()
    contrast = declared(block(text, '[data-look="contrast"] {'))
    return {"light": light, "dark": dark, "contrast": contrast}


def luminance(colour: str) -> float:
    parts = [int(colour[n : n + 2], 16) / 255 for n in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def ratio(one: str, other: str) -> float:
    """The contrast of two colours by the formula of WCAG 2.2."""
    high, low = sorted((luminance(one), luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("theme", ["light", "dark", "contrast"])
@pytest.mark.parametrize(("text", "ground", "least"), PAIRS)
def test_every_pair_of_colours_can_be_read(theme: str, text: str, ground: str, least: float) -> None:
    colours = themes()[theme]
    assert ratio(colours[text], colours[ground]) >= least


def test_the_formula_is_the_one_of_the_standard() -> None:
    assert ratio("#000000", "#FFFFFF") == pytest.approx(21)
    assert ratio("#777777", "#FFFFFF") == pytest.approx(4.48, abs=0.01)


def test_asking_the_device_for_contrast_gives_the_very_contrast_theme() -> None:
    text = without_comments(TOKENS)
    assert declared(block(text, "@media (prefers-contrast: more)")) == themes()["contrast"]


def test_each_theme_names_the_same_colours() -> None:
    light, dark, contrast = themes().values()
    assert light.keys() == dark.keys() == contrast.keys()


@pytest.mark.parametrize("sheet", [*SHEETS, *LETTERS], ids=lambda sheet: sheet.name)
def test_each_sheet_says_the_layers_first(sheet: Path) -> None:
    assert without_comments(sheet).lstrip().startswith(LAYERS)


@pytest.mark.parametrize("sheet", SHEETS, ids=lambda sheet: sheet.name)
def test_lengths_follow_the_direction_of_writing(sheet: Path) -> None:
    physical = re.findall(
        r"[\s;{](?:left|right|top|bottom|width|height|min-width|max-width|min-height|max-height"
        r"|(?:margin|padding|border)-(?:left|right|top|bottom)|text-align:\s*(?:left|right))\s*:",
        re.sub(r"@media[^{]*", "", without_comments(sheet)),
    )
    assert physical == []


@pytest.mark.parametrize("sheet", SHEETS[1:], ids=lambda sheet: sheet.name)
def test_colours_come_from_the_tokens_alone(sheet: Path) -> None:
    text = without_comments(sheet)
    screen = text[: text.index("@layer print {")]
    assert re.findall(r"#[0-9A-Fa-f]{3,8}\b", screen) == []
    # Only the veil and the shadow of a dialog are no token: both are black seen through.
    assert set(re.findall(r"(?:rgb|hsl|oklch)a?\([^)]*\)", screen)) <= {"rgb(0 0 0 / 0.35)", "rgb(0 0 0 / 0.6)"}


@pytest.mark.parametrize("sheet", SHEETS, ids=lambda sheet: sheet.name)
def test_nothing_used_is_undeclared(sheet: Path) -> None:
    known = declared(without_comments(TOKENS)).keys() | declared(without_comments(sheet)).keys()
    beside = {"wide.css": SHEETS[1]}.get(sheet.name, sheet)  # never loaded but after the kiosk's own
    known |= set(re.findall(r"--([a-z0-9-]+):", without_comments(beside)))
    assert set(re.findall(r"var\(--([a-z0-9-]+)\)", without_comments(sheet))) <= known


@pytest.mark.parametrize("sheet", [*SHEETS, *LETTERS], ids=lambda sheet: sheet.name)
def test_no_text_is_set_in_capitals_and_no_name_is_fetched_from_elsewhere(sheet: Path) -> None:
    text = without_comments(sheet)
    assert "text-transform" not in text
    assert "@import" not in text
    assert re.findall(r"url\(\"?(?!\"?vendor/)", text) == []


def test_kiosk_lengths_are_millimetres_and_staff_lengths_rem() -> None:
    kiosk = without_comments(STATIC / "public" / "kiosk.css")
    # One pixel hides a text from the eye alone, two are the least a millimetre may become.
    assert set(re.findall(r"[\d.]+px", kiosk)) <= {"1px", "2px"}
    assert re.findall(r"[\d.]+rem", kiosk) == []
    staff = without_comments(STATIC / "staff" / "staff.css")
    assert set(re.findall(r"[\d.]+px", staff)) <= {"1px"}


def test_kiosk_targets_are_not_smaller_than_a_thumb() -> None:
    kiosk = without_comments(STATIC / "public" / "kiosk.css")
    assert "--key: calc(19 * var(--mm))" in kiosk
    columns = [float(size) for size in re.findall(r"minmax\(calc\((\d+) \* var\(--mm\)\)", kiosk)]
    assert min(columns) >= 16
    assert "--button: calc(24 * var(--mm))" in kiosk
    assert "min-block-size: var(--button)" in block(kiosk, "  .button {")


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda script: script.name)
def test_scripts_are_short_and_keep_nothing(script: Path) -> None:
    text = script.read_text(encoding="utf-8")
    assert len(text.encode()) <= 10_000
    assert not re.search(r"localStorage|sessionStorage|indexedDB|document\.cookie|\beval\b|innerHTML", text)


@pytest.mark.parametrize(
    "template", sorted(KIOSK.parent.glob("*/templates/**/*.html")), ids=lambda path: f"{path.parent.name}/{path.name}"
)
def test_no_template_carries_style_or_script_of_its_own(template: Path) -> None:
    text = re.sub(r"\{[%{#].*?[%}#]\}", "", template.read_text(encoding="utf-8"), flags=re.DOTALL)
    assert not re.search(r"\sstyle\s*=|<style|\son[a-z]+\s*=|hx-on|javascript:|\sdata:", text)
    assert all("src=" in tag for tag in re.findall(r"<script[^>]*>", text))


@pytest.mark.parametrize(
    ("templates", "sprite"), [("touchscreen", "public"), ("staff", "staff"), ("labels", "staff"), ("results", "staff")]
)
def test_every_icon_that_a_page_names_is_drawn(templates: str, sprite: str) -> None:
    drawn = re.findall(r'symbol id="([a-z0-9-]+)"', (STATIC / sprite / "icons.svg").read_text(encoding="utf-8"))
    named: set[str] = set()
    for template in KIOSK.parent.glob(f"*/templates/{templates}/**/*.html"):
        named |= set(re.findall(r'(?:\bicon\(|icon_name=)"([a-z0-9-]+)"', template.read_text(encoding="utf-8")))
    assert named <= set(drawn)
