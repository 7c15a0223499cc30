"""The list of what the public app may do, as both engines are given it."""

from kiosk.register.grants import PUBLIC, grant_statements


def test_what_was_typed_can_be_written_and_not_read_back() -> None:
    assert PUBLIC["said"] == {"insert"}


def test_the_journal_can_only_grow() -> None:
    assert PUBLIC["journal_leaf"] == PUBLIC["journal_text"] == {"insert"}


def test_nobody_is_named_and_nothing_is_deleted_by_the_public_app() -> None:
    assert not {"patient", "recognition", "prescription", "patient_counter", "staff"} & set(PUBLIC)
    assert not any("delete" in verbs for verbs in PUBLIC.values())


def test_each_line_of_the_list_is_one_grant() -> None:
    statements = grant_statements("public_app")
    assert len(statements) == len(PUBLIC)
    assert "GRANT INSERT ON public.said TO public_app" in statements
    assert "GRANT INSERT, SELECT, UPDATE ON public.visit TO public_app" in statements
    assert not any("results" in statement for statement in statements)
