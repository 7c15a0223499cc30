"""A report in plain French, for the eyes of who reads it aloud and for the roll."""

import textwrap

from results.reports.assemble import Line, Report, Status

#: What is said of a line that is not final.
MARKS = {
    Status.CORRECTED: "résultat rectifié",
    Status.PARTIAL: "résultat partiel",
    Status.PENDING: "résultat en cours",
}


WITHDRAWN = "Ce compte rendu a été retiré par le laboratoire."


def write_report(report: Report, *, biologist: str = "", width: int | None = None) -> str:
    """Write a report.

    Args:
        report: as it stands.
        biologist: full name of who signed it; the validation named by the laboratory system is written else.
        width: columns of the roll; None leaves lines whole.

    Returns:
        Lines parted by line feeds, the last one included. A pending line shows no value.
    """
    head = [*([report.title] if report.title else []), *warnings(report)]
    if report.is_withdrawn:
        said = [WITHDRAWN]
    else:
        said = [words for line in report.shown for words in _line(line)]
        name = biologist or report.validated_by
        said += [f"Validé par {name}, biologiste."] if name else []
    lines = [*head, *([""] if head else []), *said]
    return "".join(f"{part}\n" for line in lines for part in _folded(line, width))


def warnings(report: Report) -> list[str]:
    """What a reader must know before the first value."""
    if report.is_withdrawn:
        return []
    corrected = ["Compte rendu rectifié : il remplace le précédent."] if report.is_corrected else []
    return corrected + (["Résultat partiel : la suite viendra."] if report.is_partial else [])


def _line(line: Line) -> list[str]:
    mark = f" ({MARKS[line.status]})" if line.status in MARKS else ""
    if line.status is Status.PENDING:
        return [f"{line.label}{mark}"]
    if line.is_document:
        return [f"{line.label} : document joint{mark}", *_below(line)]
    first, *more = line.value.split("\n")
    value = " ".join(part for part in (first, line.unit) if part)
    return [f"{line.label} : {value}{mark}", *(f"  {part}" for part in more), *_below(line)]


def _below(line: Line) -> list[str]:
    reference = [f"  valeurs de référence : {line.reference}"] if line.reference else []
    comments = [f"  {part}" for comment in line.comments for part in comment.split("\n") if part.strip()]
    return [*reference, *comments]


def _folded(line: str, width: int | None) -> list[str]:
    if width is None or len(line) <= width:
        return [line]
    indent = " " * (len(line) - len(line.lstrip()))
    return textwrap.wrap(line, width, subsequent_indent=indent + "  ", break_on_hyphens=False) or [""]
