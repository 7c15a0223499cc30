import pytest

from printers.draw import cut_texts
from printers.errors import Unprintable
from printers.notices import make_header, make_test_page
from printers.paper import LABEL_50X25, ROLL_58, ROLL_80, Form
from printers.preview import text
from printers.verify import proved


@pytest.mark.parametrize("form", [LABEL_50X25, ROLL_80, ROLL_58, Form(width_mm=57, height_mm=32, gap_mm=3)])
def test_the_page_is_proved_on_every_medium(form: Form) -> None:
    paper = make_test_page("labels", form, "test/labels/1")
    assert proved(paper).width == form.width
    assert cut_texts(paper) == ()


def test_a_label_too_small_for_bars_is_refused() -> None:
    with pytest.raises(Unprintable):
        make_test_page("labels", Form(width_mm=25, height_mm=10), "test/labels/1")


@pytest.mark.parametrize("form", [LABEL_50X25, ROLL_80, Form(width_mm=38, height_mm=25, gap_mm=3)])
def test_the_header_of_moved_labels_says_which_and_whose_desk_and_nothing_more(form: Form) -> None:
    paper = make_header([3, 4, 6], "header/1/1", desk="Guichet 1", form=form)
    assert text(paper) == "SUITE 3-4, 6\n→ GUICHET 1"
    assert proved(paper).width == form.width
    assert cut_texts(paper) == ()
