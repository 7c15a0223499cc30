"""The tables of the first day, on both sides."""

import sqlalchemy as sa
from alembic import context, op

from kiosk.register.database import UtcDateTime

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Make this side's tables."""
    if context.config.attributes["side"] == "results":
        make_results()
    else:
        make_register()


def downgrade() -> None:
    """Take this side's tables away."""
    if context.config.attributes["side"] == "results":
        drop_results()
    else:
        drop_register()


def make_register() -> None:
    op.create_table(
        "journal_head",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("edge", sa.LargeBinary(), nullable=False),
        sa.Column("last_at", UtcDateTime(), nullable=True),
        sa.Column("quarter_size", sa.Integer(), nullable=False),
        sa.Column("quarter_root", sa.LargeBinary(length=32), nullable=False),
        sa.CheckConstraint("id = 1", name=op.f("ck_journal_head_one_row")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_journal_head")),
    )
    op.create_table(
        "journal_leaf",
        sa.Column("seq", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("hash", sa.LargeBinary(length=32), nullable=False),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_journal_leaf")),
    )
    op.create_table(
        "journal_text",
        sa.Column("seq", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("salt", sa.LargeBinary(length=16), nullable=False),
        sa.Column("text", sa.String(length=512), nullable=False),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_journal_text")),
    )
    op.create_table(
        "site",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=80), nullable=False),
        sa.Column("timezone", sa.String(length=40), nullable=False),
        sa.Column("opens", sa.Time(), nullable=False),
        sa.Column("closes", sa.Time(), nullable=False),
        sa.CheckConstraint("number BETWEEN 1 AND 99", name=op.f("ck_site_number")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_site")),
        sa.UniqueConstraint("number", name=op.f("uq_site_number")),
    )
    op.create_table(
        "event",
        sa.Column("site_id", sa.Uuid(), nullable=False),
        sa.Column("seq", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.Column("topic", sa.String(length=20), nullable=False),
        sa.Column("body", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(["site_id"], ["site.id"], name=op.f("fk_event_site_id")),
        sa.PrimaryKeyConstraint("site_id", "seq", name=op.f("pk_event")),
    )
    op.create_table(
        "event_counter",
        sa.Column("site_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["site_id"], ["site.id"], name=op.f("fk_event_counter_site_id")),
        sa.PrimaryKeyConstraint("site_id", name=op.f("pk_event_counter")),
    )
    op.create_table(
        "patient",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("site_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("birth_name", sa.String(length=100), nullable=False),
        sa.Column("used_name", sa.String(length=100), nullable=True),
        sa.Column("given_names", sa.String(length=100), nullable=False),
        sa.Column("birth_date", sa.String(length=8), nullable=False),
        sa.Column("sex", sa.String(length=1), nullable=False),
        sa.Column("birth_place", sa.String(length=5), nullable=True),
        sa.Column("identity", sa.String(length=12), nullable=False),
        sa.Column("folded_birth_name", sa.String(length=100), nullable=False),
        sa.Column("folded", sa.String(length=320), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("created_by", sa.String(length=40), nullable=False),
        sa.Column("key", sa.String(length=32), nullable=False),
        sa.CheckConstraint("length(birth_date) = 8", name=op.f("ck_patient_birth_date")),
        sa.ForeignKeyConstraint(["site_id"], ["site.id"], name=op.f("fk_patient_site_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_patient")),
        sa.UniqueConstraint("key", name=op.f("uq_patient_key")),
        sa.UniqueConstraint("site_id", "number", name=op.f("uq_patient_site_id_number")),
    )
    op.create_index(op.f("ix_patient_site_id_patient_birth_date"), "patient", ["site_id", "birth_date"], unique=False)
    op.create_index(
        op.f("ix_patient_site_id_patient_folded_birth_name_patient_birth_date"),
        "patient",
        ["site_id", "folded_birth_name", "birth_date"],
        unique=False,
    )
    op.create_table(
        "patient_counter",
        sa.Column("site_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["site_id"], ["site.id"], name=op.f("fk_patient_counter_site_id")),
        sa.PrimaryKeyConstraint("site_id", name=op.f("pk_patient_counter")),
    )
    op.create_table(
        "sample_counter",
        sa.Column("site_id", sa.Uuid(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["site_id"], ["site.id"], name=op.f("fk_sample_counter_site_id")),
        sa.PrimaryKeyConstraint("site_id", "day", name=op.f("pk_sample_counter")),
    )
    op.create_table(
        "ticket_counter",
        sa.Column("site_id", sa.Uuid(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["site_id"], ["site.id"], name=op.f("fk_ticket_counter_site_id")),
        sa.PrimaryKeyConstraint("site_id", "day", name=op.f("pk_ticket_counter")),
    )
    op.create_table(
        "visit",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("site_id", sa.Uuid(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.Column("stage", sa.String(length=10), nullable=False),
        sa.Column("purpose", sa.String(length=10), nullable=False),
        sa.Column("language", sa.String(length=5), nullable=False),
        sa.Column("arrived_at", UtcDateTime(), nullable=False),
        sa.Column("waits_since", UtcDateTime(), nullable=False),
        sa.Column("booked_for", UtcDateTime(), nullable=True),
        sa.Column("urgent_because", sa.String(length=80), nullable=True),
        sa.Column("needs_help", sa.Boolean(), nullable=False),
        sa.Column("desk", sa.String(length=40), nullable=True),
        sa.Column("called_at", UtcDateTime(), nullable=True),
        sa.Column("announced_low", sa.Integer(), nullable=False),
        sa.Column("announced_high", sa.Integer(), nullable=False),
        sa.CheckConstraint("number > 0", name=op.f("ck_visit_number")),
        sa.ForeignKeyConstraint(["site_id"], ["site.id"], name=op.f("fk_visit_site_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_visit")),
        sa.UniqueConstraint("site_id", "day", "number", name=op.f("uq_visit_site_id_day_number")),
    )
    op.create_index(op.f("ix_visit_site_id_visit_day_visit_state"), "visit", ["site_id", "day", "state"], unique=False)
    op.create_table(
        "prescription",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("site_id", sa.Uuid(), nullable=False),
        sa.Column("visit_id", sa.Uuid(), nullable=False),
        sa.Column("prescriber", sa.String(length=100), nullable=False),
        sa.Column("prescribed_on", sa.Date(), nullable=True),
        sa.Column("urgent", sa.Boolean(), nullable=False),
        sa.Column("entered_at", UtcDateTime(), nullable=False),
        sa.Column("entered_by", sa.String(length=40), nullable=False),
        sa.Column("settled_at", UtcDateTime(), nullable=True),
        sa.ForeignKeyConstraint(["site_id"], ["site.id"], name=op.f("fk_prescription_site_id")),
        sa.ForeignKeyConstraint(["visit_id"], ["visit.id"], name=op.f("fk_prescription_visit_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_prescription")),
    )
    op.create_index(op.f("ix_prescription_visit_id"), "prescription", ["visit_id"], unique=False)
    op.create_table(
        "recognition",
        sa.Column("visit_id", sa.Uuid(), nullable=False),
        sa.Column("patient_id", sa.Uuid(), nullable=False),
        sa.Column("document", sa.String(length=18), nullable=False),
        sa.Column("by", sa.String(length=40), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["patient_id"], ["patient.id"], name=op.f("fk_recognition_patient_id")),
        sa.ForeignKeyConstraint(["visit_id"], ["visit.id"], name=op.f("fk_recognition_visit_id")),
        sa.PrimaryKeyConstraint("visit_id", name=op.f("pk_recognition")),
    )
    op.create_index(op.f("ix_recognition_patient_id"), "recognition", ["patient_id"], unique=False)
    op.create_table(
        "said",
        sa.Column("visit_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(length=8), nullable=False),
        sa.Column("word", sa.String(length=8), nullable=False),
        sa.Column("birth_date", sa.String(length=8), nullable=True),
        sa.ForeignKeyConstraint(["visit_id"], ["visit.id"], name=op.f("fk_said_visit_id")),
        sa.PrimaryKeyConstraint("visit_id", name=op.f("pk_said")),
    )
    op.create_table(
        "tube",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("site_id", sa.Uuid(), nullable=False),
        sa.Column("visit_id", sa.Uuid(), nullable=False),
        sa.Column("sample_number", sa.String(length=12), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("total", sa.Integer(), nullable=False),
        sa.Column("minutes", sa.Integer(), nullable=True),
        sa.Column("exams", sa.JSON(), nullable=False),
        sa.Column("state", sa.String(length=8), nullable=False),
        sa.Column("numbered_at", UtcDateTime(), nullable=False),
        sa.Column("drawn_at", UtcDateTime(), nullable=True),
        sa.Column("drawn_by", sa.String(length=40), nullable=True),
        sa.Column("reason", sa.String(length=120), nullable=True),
        sa.CheckConstraint(
            "(state = 'drawn') = (drawn_at IS NOT NULL AND drawn_by IS NOT NULL)", name=op.f("ck_tube_drawn")
        ),
        sa.CheckConstraint("state NOT IN ('missing', 'void') OR reason IS NOT NULL", name=op.f("ck_tube_reason")),
        sa.CheckConstraint("length(sample_number) = 12", name=op.f("ck_tube_sample_number")),
        sa.CheckConstraint("position BETWEEN 1 AND total", name=op.f("ck_tube_position")),
        sa.ForeignKeyConstraint(["site_id"], ["site.id"], name=op.f("fk_tube_site_id")),
        sa.ForeignKeyConstraint(["visit_id"], ["visit.id"], name=op.f("fk_tube_visit_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tube")),
        sa.UniqueConstraint("site_id", "sample_number", name=op.f("uq_tube_site_id_sample_number")),
    )
    op.create_index(op.f("ix_tube_visit_id_tube_position"), "tube", ["visit_id", "position"], unique=False)
    op.create_table(
        "tube_scan",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("site_id", sa.Uuid(), nullable=False),
        sa.Column("visit_id", sa.Uuid(), nullable=False),
        sa.Column("sample_number", sa.String(length=12), nullable=True),
        sa.Column("outcome", sa.String(length=16), nullable=False),
        sa.Column("typed", sa.Boolean(), nullable=False),
        sa.Column("by", sa.String(length=40), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["site_id"], ["site.id"], name=op.f("fk_tube_scan_site_id")),
        sa.ForeignKeyConstraint(["visit_id"], ["visit.id"], name=op.f("fk_tube_scan_visit_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tube_scan")),
    )
    op.create_index(op.f("ix_tube_scan_visit_id_tube_scan_at"), "tube_scan", ["visit_id", "at"], unique=False)
    op.create_table(
        "visit_move",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("site_id", sa.Uuid(), nullable=False),
        sa.Column("visit_id", sa.Uuid(), nullable=False),
        sa.Column("verb", sa.String(length=12), nullable=False),
        sa.Column("before", sa.String(length=12), nullable=True),
        sa.Column("after", sa.String(length=12), nullable=False),
        sa.Column("by", sa.String(length=40), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.Column("desk", sa.String(length=40), nullable=True),
        sa.Column("reason", sa.String(length=120), nullable=True),
        sa.Column("key", sa.String(length=32), nullable=False),
        sa.ForeignKeyConstraint(["site_id"], ["site.id"], name=op.f("fk_visit_move_site_id")),
        sa.ForeignKeyConstraint(["visit_id"], ["visit.id"], name=op.f("fk_visit_move_visit_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_visit_move")),
        sa.UniqueConstraint("site_id", "key", name=op.f("uq_visit_move_site_id_key")),
    )
    op.create_index(op.f("ix_visit_move_visit_id_visit_move_at"), "visit_move", ["visit_id", "at"], unique=False)
    op.create_table(
        "prescribed_exam",
        sa.Column("prescription_id", sa.Uuid(), nullable=False),
        sa.Column("nabm", sa.String(length=4), nullable=False),
        sa.Column("place", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["prescription_id"], ["prescription.id"], name=op.f("fk_prescribed_exam_prescription_id")
        ),
        sa.PrimaryKeyConstraint("prescription_id", "nabm", name=op.f("pk_prescribed_exam")),
    )


def drop_register() -> None:
    op.drop_table("prescribed_exam")
    op.drop_index(op.f("ix_visit_move_visit_id_visit_move_at"), table_name="visit_move")
    op.drop_table("visit_move")
    op.drop_index(op.f("ix_tube_scan_visit_id_tube_scan_at"), table_name="tube_scan")
    op.drop_table("tube_scan")
    op.drop_index(op.f("ix_tube_visit_id_tube_position"), table_name="tube")
    op.drop_table("tube")
    op.drop_table("said")
    op.drop_index(op.f("ix_recognition_patient_id"), table_name="recognition")
    op.drop_table("recognition")
    op.drop_index(op.f("ix_prescription_visit_id"), table_name="prescription")
    op.drop_table("prescription")
    op.drop_index(op.f("ix_visit_site_id_visit_day_visit_state"), table_name="visit")
    op.drop_table("visit")
    op.drop_table("ticket_counter")
    op.drop_table("sample_counter")
    op.drop_table("patient_counter")
    op.drop_index(op.f("ix_patient_site_id_patient_folded_birth_name_patient_birth_date"), table_name="patient")
    op.drop_index(op.f("ix_patient_site_id_patient_birth_date"), table_name="patient")
    op.drop_table("patient")
    op.drop_table("event_counter")
    op.drop_table("event")
    op.drop_table("site")
    op.drop_table("journal_text")
    op.drop_table("journal_leaf")
    op.drop_table("journal_head")


def make_results() -> None:
    op.create_table(
        "journal_head",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("edge", sa.LargeBinary(), nullable=False),
        sa.Column("last_at", UtcDateTime(), nullable=True),
        sa.Column("quarter_size", sa.Integer(), nullable=False),
        sa.Column("quarter_root", sa.LargeBinary(length=32), nullable=False),
        sa.CheckConstraint("id = 1", name=op.f("ck_journal_head_one_row")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_journal_head")),
        schema="results",
    )
    op.create_table(
        "journal_leaf",
        sa.Column("seq", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("hash", sa.LargeBinary(length=32), nullable=False),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_journal_leaf")),
        schema="results",
    )
    op.create_table(
        "journal_text",
        sa.Column("seq", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("salt", sa.LargeBinary(length=16), nullable=False),
        sa.Column("text", sa.String(length=512), nullable=False),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_journal_text")),
        schema="results",
    )


def drop_results() -> None:
    op.drop_table("journal_text", schema="results")
    op.drop_table("journal_leaf", schema="results")
    op.drop_table("journal_head", schema="results")
