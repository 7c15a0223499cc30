"""The tables of the first day, on both sides."""

import sqlalchemy as sa
from alembic import context, op

from kiosk.register.database import UtcDateTime

revision = "0001"
down_revision = None


#: Tables whose rows are never written over: SQLite would let an insert replace a row, whatever was granted.
APPEND_ONLY = {
    "register": (
        ("journal_leaf", "seq"),
        ("journal_text", "seq"),
        ("visit_move", "id"),
        ("said", "visit_id"),
        ("answer", "key"),
    ),
    "results": (("journal_leaf", "seq"), ("journal_text", "seq")),
}


def upgrade() -> None:
    """Make this side's tables."""
    if context.config.attributes["side"] == "results":
        make_results()
    else:
        make_register()
    if op.get_context().dialect.name == "sqlite":
        forbid_replacing(context.config.attributes["side"])


def downgrade() -> None:
    """Take this side's tables away."""
    if context.config.attributes["side"] == "results":
        drop_results()
    else:
        drop_register()


def forbid_replacing(side: str) -> None:
    """Let SQLite refuse an insert over a row that is there; on PostgreSQL the grants alone see to it."""
    schema = "results." if side == "results" else ""
    for table, key in APPEND_ONLY[side]:
        op.execute(
            f"CREATE TRIGGER {schema}{table}_once BEFORE INSERT ON {table} "
            f"WHEN EXISTS (SELECT 1 FROM {table} WHERE {key} = NEW.{key}) "
            f"BEGIN SELECT RAISE(ABORT, 'written once'); END"
        )


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
        sa.Column("rush_day", sa.Date(), nullable=True),
        sa.CheckConstraint("number BETWEEN 1 AND 99", name=op.f("ck_site_number")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_site")),
        sa.UniqueConstraint("number", name=op.f("uq_site_number")),
    )
    op.create_table(
        "device",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("site_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.String(length=30), nullable=False),
        sa.Column("kind", sa.String(length=5), nullable=False),
        sa.Column("code_hash", sa.LargeBinary(length=32), nullable=True),
        sa.Column("code_until", UtcDateTime(), nullable=True),
        sa.Column("token_hash", sa.LargeBinary(length=32), nullable=True),
        sa.Column("made_by", sa.String(length=40), nullable=False),
        sa.Column("made_at", UtcDateTime(), nullable=False),
        sa.Column("paired_at", UtcDateTime(), nullable=True),
        sa.Column("seen_at", UtcDateTime(), nullable=True),
        sa.Column("revoked_at", UtcDateTime(), nullable=True),
        sa.ForeignKeyConstraint(["site_id"], ["site.id"], name=op.f("fk_device_site_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_device")),
    )
    op.create_index(op.f("ix_device_token_hash"), "device", ["token_hash"], unique=True)
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
    op.create_index(
        "ix_event_help",
        "event",
        ["site_id", "at"],
        unique=False,
        sqlite_where=sa.text("topic = 'help'"),
        postgresql_where=sa.text("topic = 'help'"),
    )
    op.create_table(
        "event_counter",
        sa.Column("site_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["site_id"], ["site.id"], name=op.f("fk_event_counter_site_id")),
        sa.PrimaryKeyConstraint("site_id", name=op.f("pk_event_counter")),
    )
    op.create_table(
        "forecast",
        sa.Column("site_id", sa.Uuid(), nullable=False),
        sa.Column("stage", sa.String(length=10), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.Column("low", sa.Integer(), nullable=False),
        sa.Column("high", sa.Integer(), nullable=False),
        sa.Column("middle", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["site_id"], ["site.id"], name=op.f("fk_forecast_site_id")),
        sa.PrimaryKeyConstraint("site_id", "stage", name=op.f("pk_forecast")),
    )
    op.create_table(
        "learnt_laws",
        sa.Column("site_id", sa.Uuid(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("laws", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(["site_id"], ["site.id"], name=op.f("fk_learnt_laws_site_id")),
        sa.PrimaryKeyConstraint("site_id", "day", name=op.f("pk_learnt_laws")),
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
        sa.Column("announced_middle", sa.Integer(), nullable=True),
        sa.CheckConstraint("number > 0", name=op.f("ck_visit_number")),
        sa.ForeignKeyConstraint(["site_id"], ["site.id"], name=op.f("fk_visit_site_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_visit")),
        sa.UniqueConstraint("site_id", "day", "number", name=op.f("uq_visit_site_id_day_number")),
    )
    op.create_index("ix_visit_line", "visit", ["site_id", "day", "state", "stage", "arrived_at"], unique=False)
    op.create_table(
        "answer",
        sa.Column("key", sa.String(length=32), nullable=False),
        sa.Column("visit_id", sa.Uuid(), nullable=False),
        sa.Column("question", sa.String(length=12), nullable=False),
        sa.Column("answer", sa.String(length=12), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["visit_id"], ["visit.id"], name=op.f("fk_answer_visit_id")),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_answer")),
    )
    op.create_index(op.f("ix_answer_visit_id_answer_at"), "answer", ["visit_id", "at"], unique=False)
    op.create_table(
        "appointment",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("site_id", sa.Uuid(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("start", UtcDateTime(), nullable=False),
        sa.Column("code", sa.String(length=6), nullable=False),
        sa.Column("patient_id", sa.Uuid(), nullable=True),
        sa.Column("birth_name", sa.String(length=100), nullable=False),
        sa.Column("given_names", sa.String(length=100), nullable=False),
        sa.Column("birth_date", sa.String(length=8), nullable=False),
        sa.Column("exams", sa.String(length=200), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("visit_id", sa.Uuid(), nullable=True),
        sa.Column("booked_at", UtcDateTime(), nullable=False),
        sa.Column("booked_by", sa.String(length=40), nullable=False),
        sa.Column("key", sa.String(length=32), nullable=False),
        sa.CheckConstraint("(state = 'arrived') = (visit_id IS NOT NULL)", name=op.f("ck_appointment_visit")),
        sa.CheckConstraint("length(code) = 6", name=op.f("ck_appointment_code")),
        sa.ForeignKeyConstraint(["patient_id"], ["patient.id"], name=op.f("fk_appointment_patient_id")),
        sa.ForeignKeyConstraint(["site_id"], ["site.id"], name=op.f("fk_appointment_site_id")),
        sa.ForeignKeyConstraint(["visit_id"], ["visit.id"], name=op.f("fk_appointment_visit_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_appointment")),
        sa.UniqueConstraint("site_id", "code", name=op.f("uq_appointment_site_id_code")),
        sa.UniqueConstraint("site_id", "key", name=op.f("uq_appointment_site_id_key")),
    )
    op.create_index(op.f("ix_appointment_site_id_appointment_day"), "appointment", ["site_id", "day"], unique=False)
    op.create_table(
        "convocation_shown",
        sa.Column("site_id", sa.Uuid(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("code_hash", sa.LargeBinary(length=32), nullable=False),
        sa.Column("visit_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(["site_id"], ["site.id"], name=op.f("fk_convocation_shown_site_id")),
        sa.ForeignKeyConstraint(["visit_id"], ["visit.id"], name=op.f("fk_convocation_shown_visit_id")),
        sa.PrimaryKeyConstraint("site_id", "day", "code_hash", name=op.f("pk_convocation_shown")),
    )
    op.create_table(
        "counter_answer",
        sa.Column("key", sa.String(length=32), nullable=False),
        sa.Column("question", sa.String(length=12), nullable=False),
        sa.Column("visit_id", sa.Uuid(), nullable=False),
        sa.Column("answer", sa.String(length=12), nullable=False),
        sa.Column("patient_said", sa.String(length=12), nullable=True),
        sa.Column("patient_said_at", UtcDateTime(), nullable=True),
        sa.Column("by", sa.String(length=40), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["visit_id"], ["visit.id"], name=op.f("fk_counter_answer_visit_id")),
        sa.PrimaryKeyConstraint("key", "question", name=op.f("pk_counter_answer")),
    )
    op.create_index(
        op.f("ix_counter_answer_visit_id_counter_answer_at"), "counter_answer", ["visit_id", "at"], unique=False
    )
    op.create_table(
        "identity_check",
        sa.Column("visit_id", sa.Uuid(), nullable=False),
        sa.Column("site_id", sa.Uuid(), nullable=False),
        sa.Column("proof", sa.String(length=10), nullable=False),
        sa.Column("by", sa.String(length=40), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.Column("key", sa.String(length=32), nullable=False),
        sa.ForeignKeyConstraint(["site_id"], ["site.id"], name=op.f("fk_identity_check_site_id")),
        sa.ForeignKeyConstraint(["visit_id"], ["visit.id"], name=op.f("fk_identity_check_visit_id")),
        sa.PrimaryKeyConstraint("visit_id", name=op.f("pk_identity_check")),
        sa.UniqueConstraint("site_id", "key", name=op.f("uq_identity_check_site_id_key")),
    )
    op.create_table(
        "plan_change",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("site_id", sa.Uuid(), nullable=False),
        sa.Column("visit_id", sa.Uuid(), nullable=False),
        sa.Column("change", sa.String(length=8), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("exams", sa.JSON(), nullable=False),
        sa.Column("minutes", sa.Integer(), nullable=True),
        sa.Column("reason", sa.String(length=120), nullable=False),
        sa.Column("by", sa.String(length=40), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.Column("undone_by", sa.String(length=40), nullable=True),
        sa.Column("undone_at", UtcDateTime(), nullable=True),
        sa.Column("key", sa.String(length=32), nullable=False),
        sa.CheckConstraint("(undone_at IS NULL) = (undone_by IS NULL)", name=op.f("ck_plan_change_undone")),
        sa.ForeignKeyConstraint(["site_id"], ["site.id"], name=op.f("fk_plan_change_site_id")),
        sa.ForeignKeyConstraint(["visit_id"], ["visit.id"], name=op.f("fk_plan_change_visit_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_plan_change")),
        sa.UniqueConstraint("site_id", "key", name=op.f("uq_plan_change_site_id_key")),
    )
    op.create_index(op.f("ix_plan_change_visit_id"), "plan_change", ["visit_id"], unique=False)
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
        "ticket_proof",
        sa.Column("visit_id", sa.Uuid(), nullable=False),
        sa.Column("by", sa.String(length=40), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["visit_id"], ["visit.id"], name=op.f("fk_ticket_proof_visit_id")),
        sa.PrimaryKeyConstraint("visit_id", name=op.f("pk_ticket_proof")),
    )
    op.create_table(
        "tube",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("site_id", sa.Uuid(), nullable=False),
        sa.Column("visit_id", sa.Uuid(), nullable=False),
        sa.Column("patient_id", sa.Uuid(), nullable=False),
        sa.Column("sample_number", sa.String(length=12), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("words", sa.String(length=12), nullable=True),
        sa.Column("cap", sa.String(length=14), nullable=True),
        sa.Column("parent_id", sa.Uuid(), nullable=True),
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
        sa.ForeignKeyConstraint(["parent_id"], ["tube.id"], name=op.f("fk_tube_parent_id")),
        sa.ForeignKeyConstraint(["patient_id"], ["patient.id"], name=op.f("fk_tube_patient_id")),
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
    op.create_index(op.f("ix_visit_move_site_id_visit_move_at"), "visit_move", ["site_id", "at"], unique=False)
    op.create_index(op.f("ix_visit_move_visit_id_visit_move_at"), "visit_move", ["visit_id", "at"], unique=False)
    op.create_table(
        "label_copy",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("site_id", sa.Uuid(), nullable=False),
        sa.Column("tube_id", sa.Uuid(), nullable=False),
        sa.Column("copy", sa.Integer(), nullable=False),
        sa.Column("reason", sa.String(length=120), nullable=True),
        sa.Column("by", sa.String(length=40), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.Column("key", sa.String(length=32), nullable=True),
        sa.CheckConstraint("(copy = 1) = (reason IS NULL)", name=op.f("ck_label_copy_reason")),
        sa.CheckConstraint("copy >= 1", name=op.f("ck_label_copy_copy")),
        sa.ForeignKeyConstraint(["site_id"], ["site.id"], name=op.f("fk_label_copy_site_id")),
        sa.ForeignKeyConstraint(["tube_id"], ["tube.id"], name=op.f("fk_label_copy_tube_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_label_copy")),
        sa.UniqueConstraint("site_id", "key", name=op.f("uq_label_copy_site_id_key")),
        sa.UniqueConstraint("tube_id", "copy", name=op.f("uq_label_copy_tube_id_copy")),
    )
    op.create_index(op.f("ix_label_copy_site_id_label_copy_at"), "label_copy", ["site_id", "at"], unique=False)
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
    op.create_table(
        "scan_form",
        sa.Column("scan_id", sa.Uuid(), nullable=False),
        sa.Column("site_id", sa.Uuid(), nullable=False),
        sa.Column("key", sa.String(length=32), nullable=False),
        sa.ForeignKeyConstraint(["scan_id"], ["tube_scan.id"], name=op.f("fk_scan_form_scan_id")),
        sa.ForeignKeyConstraint(["site_id"], ["site.id"], name=op.f("fk_scan_form_site_id")),
        sa.PrimaryKeyConstraint("scan_id", name=op.f("pk_scan_form")),
        sa.UniqueConstraint("site_id", "key", name=op.f("uq_scan_form_site_id_key")),
    )
    op.create_table(
        "stop_answer",
        sa.Column("scan_id", sa.Uuid(), nullable=False),
        sa.Column("by", sa.String(length=40), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["scan_id"], ["tube_scan.id"], name=op.f("fk_stop_answer_scan_id")),
        sa.PrimaryKeyConstraint("scan_id", name=op.f("pk_stop_answer")),
    )


def drop_register() -> None:
    op.drop_table("stop_answer")
    op.drop_table("scan_form")
    op.drop_table("prescribed_exam")
    op.drop_index(op.f("ix_label_copy_site_id_label_copy_at"), table_name="label_copy")
    op.drop_table("label_copy")
    op.drop_index(op.f("ix_visit_move_visit_id_visit_move_at"), table_name="visit_move")
    op.drop_index(op.f("ix_visit_move_site_id_visit_move_at"), table_name="visit_move")
    op.drop_table("visit_move")
    op.drop_index(op.f("ix_tube_scan_visit_id_tube_scan_at"), table_name="tube_scan")
    op.drop_table("tube_scan")
    op.drop_index(op.f("ix_tube_visit_id_tube_position"), table_name="tube")
    op.drop_table("tube")
    op.drop_table("ticket_proof")
    op.drop_table("said")
    op.drop_index(op.f("ix_recognition_patient_id"), table_name="recognition")
    op.drop_table("recognition")
    op.drop_index(op.f("ix_prescription_visit_id"), table_name="prescription")
    op.drop_table("prescription")
    op.drop_index(op.f("ix_plan_change_visit_id"), table_name="plan_change")
    op.drop_table("plan_change")
    op.drop_table("identity_check")
    op.drop_index(op.f("ix_counter_answer_visit_id_counter_answer_at"), table_name="counter_answer")
    op.drop_table("counter_answer")
    op.drop_table("convocation_shown")
    op.drop_index(op.f("ix_appointment_site_id_appointment_day"), table_name="appointment")
    op.drop_table("appointment")
    op.drop_index(op.f("ix_answer_visit_id_answer_at"), table_name="answer")
    op.drop_table("answer")
    op.drop_index("ix_visit_line", table_name="visit")
    op.drop_table("visit")
    op.drop_table("ticket_counter")
    op.drop_table("sample_counter")
    op.drop_table("patient_counter")
    op.drop_index(op.f("ix_patient_site_id_patient_folded_birth_name_patient_birth_date"), table_name="patient")
    op.drop_index(op.f("ix_patient_site_id_patient_birth_date"), table_name="patient")
    op.drop_table("patient")
    op.drop_table("learnt_laws")
    op.drop_table("forecast")
    op.drop_table("event_counter")
    op.drop_index(
        "ix_event_help",
        table_name="event",
        sqlite_where=sa.text("topic = 'help'"),
        postgresql_where=sa.text("topic = 'help'"),
    )
    op.drop_table("event")
    op.drop_index(op.f("ix_device_token_hash"), table_name="device")
    op.drop_table("device")
    op.drop_table("site")
    op.drop_table("journal_text")
    op.drop_table("journal_leaf")
    op.drop_table("journal_head")


def make_results() -> None:
    op.create_table(
        "biologist_message",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("site_id", sa.Uuid(), nullable=False),
        sa.Column("visit_id", sa.Uuid(), nullable=True),
        sa.Column("motive", sa.String(length=8), nullable=False),
        sa.Column("ring_back", sa.LargeBinary(), nullable=True),
        sa.Column("by", sa.Uuid(), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.Column("ending", sa.String(length=12), nullable=True),
        sa.Column("ended_by", sa.Uuid(), nullable=True),
        sa.Column("ended_at", UtcDateTime(), nullable=True),
        sa.Column("key", sa.String(length=32), nullable=False),
        sa.CheckConstraint("(ending IS NULL) = (ended_at IS NULL)", name=op.f("ck_biologist_message_ended")),
        sa.CheckConstraint(
            "(ending IS NULL) = (ring_back IS NOT NULL)", name=op.f("ck_biologist_message_ended_means_forgotten")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_biologist_message")),
        sa.UniqueConstraint("site_id", "key", name=op.f("uq_biologist_message_site_id_key")),
        schema="results",
    )
    op.create_index(
        op.f("ix_results_biologist_message_site_id_results_biologist_message_ended_at"),
        "biologist_message",
        ["site_id", "ended_at"],
        unique=False,
        schema="results",
    )
    op.create_table(
        "critical_drill",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("site_id", sa.Uuid(), nullable=False),
        sa.Column("starts_at", UtcDateTime(), nullable=False),
        sa.Column("ends_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_critical_drill")),
        schema="results",
    )
    op.create_index(
        op.f("ix_results_critical_drill_site_id_results_critical_drill_ends_at"),
        "critical_drill",
        ["site_id", "ends_at"],
        unique=False,
        schema="results",
    )
    op.create_table(
        "critical_limit",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("site_id", sa.Uuid(), nullable=False),
        sa.Column("code", sa.String(length=20), nullable=False),
        sa.Column("label", sa.String(length=80), nullable=False),
        sa.Column("unit", sa.String(length=20), nullable=False),
        sa.Column("low", sa.String(length=20), nullable=True),
        sa.Column("high", sa.String(length=20), nullable=True),
        sa.Column("by", sa.Uuid(), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.Column("ended_at", UtcDateTime(), nullable=True),
        sa.Column("key", sa.String(length=32), nullable=False),
        sa.Column("mac", sa.LargeBinary(length=32), nullable=False),
        sa.CheckConstraint("low IS NOT NULL OR high IS NOT NULL", name=op.f("ck_critical_limit_one_side")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_critical_limit")),
        sa.UniqueConstraint("site_id", "key", name=op.f("uq_critical_limit_site_id_key")),
        schema="results",
    )
    op.create_index(
        op.f("ix_results_critical_limit_site_id_results_critical_limit_code"),
        "critical_limit",
        ["site_id", "code"],
        unique=False,
        schema="results",
    )
    op.create_table(
        "delivery",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("site_id", sa.Uuid(), nullable=False),
        sa.Column("visit_id", sa.Uuid(), nullable=False),
        sa.Column("preference", sa.String(length=9), nullable=False),
        sa.Column("wants_phone", sa.Boolean(), nullable=False),
        sa.Column("document", sa.String(length=18), nullable=True),
        sa.Column("by", sa.Uuid(), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.Column("key", sa.String(length=32), nullable=False),
        sa.CheckConstraint("NOT wants_phone OR document IS NOT NULL", name=op.f("ck_delivery_phone_means_document")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_delivery")),
        sa.UniqueConstraint("site_id", "key", name=op.f("uq_delivery_site_id_key")),
        schema="results",
    )
    op.create_index(
        op.f("ix_results_delivery_visit_id_results_delivery_at"),
        "delivery",
        ["visit_id", "at"],
        unique=False,
        schema="results",
    )
    op.create_table(
        "discreet_visit",
        sa.Column("visit_id", sa.Uuid(), nullable=False),
        sa.Column("site_id", sa.Uuid(), nullable=False),
        sa.Column("by", sa.Uuid(), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.Column("decision", sa.String(length=6), nullable=True),
        sa.Column("decided_by", sa.Uuid(), nullable=True),
        sa.Column("decided_at", UtcDateTime(), nullable=True),
        sa.Column("confirmed_by", sa.Uuid(), nullable=True),
        sa.Column("confirmed_at", UtcDateTime(), nullable=True),
        sa.Column("key", sa.String(length=32), nullable=False),
        sa.Column("mac", sa.LargeBinary(length=32), nullable=False),
        sa.CheckConstraint("(confirmed_by IS NULL) = (confirmed_at IS NULL)", name=op.f("ck_discreet_visit_confirmed")),
        sa.CheckConstraint("(decision IS NULL) = (decided_at IS NULL)", name=op.f("ck_discreet_visit_decided")),
        sa.PrimaryKeyConstraint("visit_id", name=op.f("pk_discreet_visit")),
        sa.UniqueConstraint("site_id", "key", name=op.f("uq_discreet_visit_site_id_key")),
        schema="results",
    )
    op.create_index(
        op.f("ix_results_discreet_visit_site_id_results_discreet_visit_at"),
        "discreet_visit",
        ["site_id", "at"],
        unique=False,
        schema="results",
    )
    op.create_table(
        "dossier",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("site_id", sa.Uuid(), nullable=False),
        sa.Column("visit_id", sa.Uuid(), nullable=False),
        sa.Column("public", sa.LargeBinary(length=32), nullable=False),
        sa.Column("mac", sa.LargeBinary(length=32), nullable=False),
        sa.Column("fields_version", sa.Integer(), nullable=False),
        sa.Column("birth_check", sa.LargeBinary(length=16), nullable=False),
        sa.Column("expected", sa.String(length=40), nullable=False),
        sa.Column("wishes", sa.String(length=120), nullable=False),
        sa.Column("promised_at", UtcDateTime(), nullable=False),
        sa.Column("vouched", sa.LargeBinary(length=32), nullable=False),
        sa.Column("opened_at", UtcDateTime(), nullable=False),
        sa.Column("shredded_at", UtcDateTime(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_dossier")),
        sa.UniqueConstraint("site_id", "visit_id", name=op.f("uq_dossier_site_id_visit_id")),
        schema="results",
    )
    op.create_table(
        "escalation_step",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("site_id", sa.Uuid(), nullable=False),
        sa.Column("starts", sa.SmallInteger(), nullable=False),
        sa.Column("ends", sa.SmallInteger(), nullable=False),
        sa.Column("minute", sa.SmallInteger(), nullable=False),
        sa.Column("contact", sa.String(length=10), nullable=False),
        sa.Column("name", sa.String(length=60), nullable=False),
        sa.Column("number", sa.LargeBinary(), nullable=True),
        sa.Column("by", sa.Uuid(), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.Column("ended_at", UtcDateTime(), nullable=True),
        sa.Column("key", sa.String(length=32), nullable=False),
        sa.Column("mac", sa.LargeBinary(length=32), nullable=False),
        sa.CheckConstraint("minute BETWEEN 0 AND 120", name=op.f("ck_escalation_step_minute")),
        sa.CheckConstraint(
            "starts BETWEEN 0 AND 1439 AND ends BETWEEN 0 AND 1439", name=op.f("ck_escalation_step_hours")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_escalation_step")),
        sa.UniqueConstraint("site_id", "key", name=op.f("uq_escalation_step_site_id_key")),
        schema="results",
    )
    op.create_index(
        op.f("ix_results_escalation_step_site_id_results_escalation_step_ended_at"),
        "escalation_step",
        ["site_id", "ended_at"],
        unique=False,
        schema="results",
    )
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
    op.create_table(
        "letter",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("site_id", sa.Uuid(), nullable=False),
        sa.Column("visit_id", sa.Uuid(), nullable=False),
        sa.Column("dossier_id", sa.Uuid(), nullable=False),
        sa.Column("release_class", sa.String(length=2), nullable=False),
        sa.Column("sheets", sa.Integer(), nullable=False),
        sa.Column("again", sa.String(length=8), nullable=True),
        sa.Column("by", sa.Uuid(), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.Column("posted_by", sa.Uuid(), nullable=True),
        sa.Column("posted_at", UtcDateTime(), nullable=True),
        sa.Column("key", sa.String(length=32), nullable=False),
        sa.CheckConstraint("(posted_by IS NULL) = (posted_at IS NULL)", name=op.f("ck_letter_posted")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_letter")),
        sa.UniqueConstraint("site_id", "key", name=op.f("uq_letter_site_id_key")),
        schema="results",
    )
    op.create_index(
        op.f("ix_results_letter_site_id_results_letter_at"), "letter", ["site_id", "at"], unique=False, schema="results"
    )
    op.create_index(op.f("ix_results_letter_visit_id"), "letter", ["visit_id"], unique=False, schema="results")
    op.create_table(
        "mandate",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("site_id", sa.Uuid(), nullable=False),
        sa.Column("patient_id", sa.Uuid(), nullable=False),
        sa.Column("visit_id", sa.Uuid(), nullable=True),
        sa.Column("holder", sa.LargeBinary(), nullable=False),
        sa.Column("document", sa.String(length=18), nullable=False),
        sa.Column("until", sa.Date(), nullable=False),
        sa.Column("by", sa.Uuid(), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.Column("ended_by", sa.Uuid(), nullable=True),
        sa.Column("ended_at", UtcDateTime(), nullable=True),
        sa.Column("key", sa.String(length=32), nullable=False),
        sa.Column("mac", sa.LargeBinary(length=32), nullable=False),
        sa.CheckConstraint("(ended_by IS NULL) = (ended_at IS NULL)", name=op.f("ck_mandate_ended")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_mandate")),
        sa.UniqueConstraint("site_id", "key", name=op.f("uq_mandate_site_id_key")),
        schema="results",
    )
    op.create_index(op.f("ix_results_mandate_patient_id"), "mandate", ["patient_id"], unique=False, schema="results")
    op.create_table(
        "matrix",
        sa.Column("version", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("json", sa.Text(), nullable=False),
        sa.Column("signer", sa.String(length=40), nullable=False),
        sa.Column("signature", sa.LargeBinary(length=64), nullable=False),
        sa.Column("signed_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("version", name=op.f("pk_matrix")),
        schema="results",
    )
    op.create_table(
        "message",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("site_id", sa.Uuid(), nullable=False),
        sa.Column("connection", sa.String(length=40), nullable=False),
        sa.Column("state", sa.String(length=8), nullable=False),
        sa.Column("received_at", UtcDateTime(), nullable=False),
        sa.Column("bytes_mac", sa.LargeBinary(length=32), nullable=False),
        sa.Column("content_mac", sa.LargeBinary(length=32), nullable=False),
        sa.Column("number_mac", sa.LargeBinary(length=32), nullable=False),
        sa.Column("is_number_reused", sa.Boolean(), nullable=False),
        sa.Column("mac_version", sa.Integer(), nullable=False),
        sa.Column("raw", sa.LargeBinary(), nullable=False),
        sa.Column("identity", sa.LargeBinary(), nullable=True),
        sa.Column("reason", sa.String(length=160), nullable=True),
        sa.Column("is_urgent", sa.Boolean(), nullable=False),
        sa.Column("matched_by", sa.String(length=20), nullable=True),
        sa.Column("visit", sa.Uuid(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_message")),
        sa.UniqueConstraint("site_id", "connection", "bytes_mac", name=op.f("uq_message_site_id_connection_bytes_mac")),
        schema="results",
    )
    op.create_index(op.f("ix_results_message_content_mac"), "message", ["content_mac"], unique=False, schema="results")
    op.create_index(op.f("ix_results_message_number_mac"), "message", ["number_mac"], unique=False, schema="results")
    op.create_index(op.f("ix_results_message_state"), "message", ["state"], unique=False, schema="results")
    op.create_table(
        "note_comparison",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("site_id", sa.Uuid(), nullable=False),
        sa.Column("side", sa.String(length=8), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("is_sound", sa.Boolean(), nullable=False),
        sa.Column("is_last", sa.Boolean(), nullable=False),
        sa.Column("stop", sa.Integer(), nullable=True),
        sa.Column("by", sa.Uuid(), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.Column("key", sa.String(length=32), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_note_comparison")),
        sa.UniqueConstraint("site_id", "key", name=op.f("uq_note_comparison_site_id_key")),
        schema="results",
    )
    op.create_index(
        op.f("ix_results_note_comparison_site_id_results_note_comparison_at"),
        "note_comparison",
        ["site_id", "at"],
        unique=False,
        schema="results",
    )
    op.create_table(
        "phone_call",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("site_id", sa.Uuid(), nullable=False),
        sa.Column("by", sa.Uuid(), nullable=False),
        sa.Column("opened_at", UtcDateTime(), nullable=False),
        sa.Column("ends_at", UtcDateTime(), nullable=False),
        sa.Column("slip_id", sa.Uuid(), nullable=True),
        sa.Column("state", sa.String(length=9), nullable=False),
        sa.Column("reads_back", sa.Boolean(), nullable=False),
        sa.Column("read_back_tries", sa.Integer(), nullable=False),
        sa.Column("outcome", sa.String(length=12), nullable=True),
        sa.Column("ring_back", sa.LargeBinary(), nullable=True),
        sa.Column("birth_tries", sa.Integer(), nullable=False),
        sa.Column("told_at", UtcDateTime(), nullable=True),
        sa.Column("told_key", sa.String(length=32), nullable=True),
        sa.Column("closed_at", UtcDateTime(), nullable=True),
        sa.Column("key", sa.String(length=32), nullable=False),
        sa.CheckConstraint(
            "(state = 'closed') = (outcome IS NOT NULL)", name=op.f("ck_phone_call_closed_means_outcome")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_phone_call")),
        sa.UniqueConstraint("site_id", "key", name=op.f("uq_phone_call_site_id_key")),
        schema="results",
    )
    op.create_index(
        op.f("ix_results_phone_call_by_results_phone_call_opened_at"),
        "phone_call",
        ["by", "opened_at"],
        unique=False,
        schema="results",
    )
    op.create_index(
        op.f("ix_results_phone_call_site_id_results_phone_call_state"),
        "phone_call",
        ["site_id", "state"],
        unique=False,
        schema="results",
    )
    op.create_index(op.f("ix_results_phone_call_slip_id"), "phone_call", ["slip_id"], unique=False, schema="results")
    op.create_table(
        "phone_closure",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("site_id", sa.Uuid(), nullable=False),
        sa.Column("closed_at", UtcDateTime(), nullable=False),
        sa.Column("until", UtcDateTime(), nullable=False),
        sa.Column("reopened_by", sa.Uuid(), nullable=True),
        sa.Column("reopened_at", UtcDateTime(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_phone_closure")),
        schema="results",
    )
    op.create_index(
        op.f("ix_results_phone_closure_site_id_results_phone_closure_until"),
        "phone_closure",
        ["site_id", "until"],
        unique=False,
        schema="results",
    )
    op.create_table(
        "physician",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("site_id", sa.Uuid(), nullable=False),
        sa.Column("rpps", sa.String(length=11), nullable=False),
        sa.Column("name", sa.String(length=80), nullable=False),
        sa.Column("phone", sa.LargeBinary(), nullable=True),
        sa.Column("phone_by", sa.Uuid(), nullable=True),
        sa.Column("phone_at", UtcDateTime(), nullable=True),
        sa.Column("totp_seed", sa.LargeBinary(), nullable=True),
        sa.Column("is_enrolled", sa.Boolean(), nullable=False),
        sa.Column("last_step", sa.Integer(), nullable=False),
        sa.Column("made_by", sa.Uuid(), nullable=False),
        sa.Column("made_at", UtcDateTime(), nullable=False),
        sa.Column("closed_at", UtcDateTime(), nullable=True),
        sa.Column("key", sa.String(length=32), nullable=False),
        sa.Column("mac", sa.LargeBinary(length=32), nullable=False),
        sa.CheckConstraint("last_step >= 0", name=op.f("ck_physician_last_step")),
        sa.CheckConstraint("length(rpps) = 11", name=op.f("ck_physician_rpps")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_physician")),
        sa.UniqueConstraint("site_id", "key", name=op.f("uq_physician_site_id_key")),
        sa.UniqueConstraint("site_id", "rpps", name=op.f("uq_physician_site_id_rpps")),
        schema="results",
    )
    op.create_table(
        "physician_call",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("site_id", sa.Uuid(), nullable=False),
        sa.Column("by", sa.Uuid(), nullable=False),
        sa.Column("opened_at", UtcDateTime(), nullable=False),
        sa.Column("ends_at", UtcDateTime(), nullable=False),
        sa.Column("rpps", sa.String(length=11), nullable=False),
        sa.Column("physician_id", sa.Uuid(), nullable=True),
        sa.Column("proof", sa.String(length=9), nullable=True),
        sa.Column("visit_id", sa.Uuid(), nullable=True),
        sa.Column("state", sa.String(length=9), nullable=False),
        sa.Column("told_at", UtcDateTime(), nullable=True),
        sa.Column("told_key", sa.String(length=32), nullable=True),
        sa.Column("read_back_tries", sa.Integer(), nullable=False),
        sa.Column("outcome", sa.String(length=11), nullable=True),
        sa.Column("closed_at", UtcDateTime(), nullable=True),
        sa.Column("key", sa.String(length=32), nullable=False),
        sa.CheckConstraint(
            "(state = 'closed') = (outcome IS NOT NULL)", name=op.f("ck_physician_call_closed_means_outcome")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_physician_call")),
        sa.UniqueConstraint("site_id", "key", name=op.f("uq_physician_call_site_id_key")),
        schema="results",
    )
    op.create_index(
        op.f("ix_results_physician_call_by_results_physician_call_opened_at"),
        "physician_call",
        ["by", "opened_at"],
        unique=False,
        schema="results",
    )
    op.create_index(
        op.f("ix_results_physician_call_physician_id"),
        "physician_call",
        ["physician_id"],
        unique=False,
        schema="results",
    )
    op.create_index(
        op.f("ix_results_physician_call_site_id_results_physician_call_state"),
        "physician_call",
        ["site_id", "state"],
        unique=False,
        schema="results",
    )
    op.create_table(
        "physician_try",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("account", sa.LargeBinary(length=32), nullable=False),
        sa.Column("call_id", sa.Uuid(), nullable=False),
        sa.Column("by", sa.Uuid(), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.Column("outcome", sa.String(length=6), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_physician_try")),
        schema="results",
    )
    op.create_index(
        op.f("ix_results_physician_try_account_results_physician_try_at"),
        "physician_try",
        ["account", "at"],
        unique=False,
        schema="results",
    )
    op.create_index(
        op.f("ix_results_physician_try_call_id"), "physician_try", ["call_id"], unique=False, schema="results"
    )
    op.create_table(
        "release_act",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("site_id", sa.Uuid(), nullable=False),
        sa.Column("dossier_id", sa.Uuid(), nullable=False),
        sa.Column("report_id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("matrix_version", sa.Integer(), nullable=False),
        sa.Column("channel", sa.String(length=12), nullable=False),
        sa.Column("person", sa.String(length=16), nullable=False),
        sa.Column("document", sa.String(length=20), nullable=True),
        sa.Column("attempt_id", sa.Uuid(), nullable=True),
        sa.Column("call_id", sa.Uuid(), nullable=True),
        sa.Column("by", sa.Uuid(), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_release_act")),
        schema="results",
    )
    op.create_index(op.f("ix_results_release_act_call_id"), "release_act", ["call_id"], unique=False, schema="results")
    op.create_index(
        op.f("ix_results_release_act_dossier_id"), "release_act", ["dossier_id"], unique=False, schema="results"
    )
    op.create_index(
        op.f("ix_results_release_act_report_id_results_release_act_version"),
        "release_act",
        ["report_id", "version"],
        unique=False,
        schema="results",
    )
    op.create_table(
        "release_stop",
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("site_id", sa.Uuid(), nullable=False),
        sa.Column("side", sa.String(length=8), nullable=True),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("first_bad", sa.Integer(), nullable=False),
        sa.Column("by", sa.Uuid(), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.Column("key", sa.String(length=32), nullable=False),
        sa.Column("cleared_by", sa.Uuid(), nullable=True),
        sa.Column("cleared_at", UtcDateTime(), nullable=True),
        sa.Column("reason", sa.LargeBinary(), nullable=True),
        sa.Column("mac", sa.LargeBinary(length=32), nullable=False),
        sa.CheckConstraint("(cleared_by IS NULL) = (cleared_at IS NULL)", name=op.f("ck_release_stop_cleared")),
        sa.CheckConstraint("(cleared_by IS NULL) = (reason IS NULL)", name=op.f("ck_release_stop_reason")),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_release_stop")),
        sa.UniqueConstraint("id", name=op.f("uq_release_stop_id")),
        sa.UniqueConstraint("site_id", "key", name=op.f("uq_release_stop_site_id_key")),
        schema="results",
    )
    op.create_table(
        "report",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("site_id", sa.Uuid(), nullable=False),
        sa.Column("dossier", sa.Uuid(), nullable=True),
        sa.Column("connection", sa.String(length=40), nullable=False),
        sa.Column("key_mac", sa.LargeBinary(length=32), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_report")),
        sa.UniqueConstraint(
            "site_id", "connection", "key_mac", "dossier", name=op.f("uq_report_site_id_connection_key_mac_dossier")
        ),
        schema="results",
    )
    op.create_index(op.f("ix_results_report_dossier"), "report", ["dossier"], unique=False, schema="results")
    op.create_table(
        "said_prescriber",
        sa.Column("dossier_id", sa.Uuid(), nullable=False),
        sa.Column("rpps", sa.String(length=11), nullable=False),
        sa.Column("site_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.String(length=80), nullable=False),
        sa.Column("message_id", sa.Uuid(), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("dossier_id", "rpps", name=op.f("pk_said_prescriber")),
        schema="results",
    )
    op.create_index(
        op.f("ix_results_said_prescriber_site_id_results_said_prescriber_at"),
        "said_prescriber",
        ["site_id", "at"],
        unique=False,
        schema="results",
    )
    op.create_table(
        "sealed_key",
        sa.Column("item", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("part", sa.String(length=8), nullable=False),
        sa.Column("recipient", sa.String(length=8), nullable=False),
        sa.Column("key_version", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("box", sa.LargeBinary(length=101), nullable=False),
        sa.PrimaryKeyConstraint("item", "version", "part", "recipient", "key_version", name=op.f("pk_sealed_key")),
        schema="results",
    )
    op.create_table(
        "sign_in_try",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("account", sa.LargeBinary(length=32), nullable=False),
        sa.Column("device", sa.LargeBinary(length=32), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.Column("outcome", sa.String(length=6), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sign_in_try")),
        schema="results",
    )
    op.create_index(
        op.f("ix_results_sign_in_try_account_results_sign_in_try_device_results_sign_in_try_at"),
        "sign_in_try",
        ["account", "device", "at"],
        unique=False,
        schema="results",
    )
    op.create_table(
        "slip_request",
        sa.Column("reason", sa.String(length=13), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("site_id", sa.Uuid(), nullable=False),
        sa.Column("visit_id", sa.Uuid(), nullable=False),
        sa.Column("document", sa.String(length=18), nullable=False),
        sa.Column("by", sa.Uuid(), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.Column("reply", sa.String(length=8), nullable=True),
        sa.Column("replied_by", sa.Uuid(), nullable=True),
        sa.Column("replied_at", UtcDateTime(), nullable=True),
        sa.Column("key", sa.String(length=32), nullable=False),
        sa.CheckConstraint("(reply IS NULL) = (replied_at IS NULL)", name=op.f("ck_slip_request_replied")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_slip_request")),
        sa.UniqueConstraint("site_id", "key", name=op.f("uq_slip_request_site_id_key")),
        schema="results",
    )
    op.create_index(
        op.f("ix_results_slip_request_site_id_results_slip_request_at"),
        "slip_request",
        ["site_id", "at"],
        unique=False,
        schema="results",
    )
    op.create_table(
        "staff",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.String(length=80), nullable=False),
        sa.Column("login", sa.String(length=31), nullable=False),
        sa.Column("password_hash", sa.LargeBinary(), nullable=True),
        sa.Column("pin_hash", sa.LargeBinary(), nullable=True),
        sa.Column("totp_seed", sa.LargeBinary(), nullable=True),
        sa.Column("last_step", sa.Integer(), nullable=False),
        sa.Column("invitation", sa.LargeBinary(length=32), nullable=True),
        sa.Column("invited_until", UtcDateTime(), nullable=True),
        sa.Column("made_at", UtcDateTime(), nullable=False),
        sa.Column("disabled_at", UtcDateTime(), nullable=True),
        sa.Column("mac", sa.LargeBinary(length=32), nullable=False),
        sa.CheckConstraint("last_step >= 0", name=op.f("ck_staff_last_step")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_staff")),
        sa.UniqueConstraint("login", name=op.f("uq_staff_login")),
        schema="results",
    )
    op.create_table(
        "tube_table",
        sa.Column("version", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("json", sa.Text(), nullable=False),
        sa.Column("signer", sa.String(length=40), nullable=False),
        sa.Column("signature", sa.LargeBinary(length=64), nullable=False),
        sa.Column("signed_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("version", name=op.f("pk_tube_table")),
        schema="results",
    )
    op.create_table(
        "upheld",
        sa.Column("id", sa.LargeBinary(length=32), nullable=False),
        sa.Column("by", sa.String(length=31), nullable=False),
        sa.Column("signature", sa.LargeBinary(length=64), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_upheld")),
        schema="results",
    )
    op.create_table(
        "critical_alert",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("site_id", sa.Uuid(), nullable=False),
        sa.Column("report_id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("cause", sa.String(length=10), nullable=False),
        sa.Column("lines_mac", sa.LargeBinary(length=32), nullable=True),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.Column("received_at", UtcDateTime(), nullable=False),
        sa.Column("found_at", UtcDateTime(), nullable=False),
        sa.Column("seen_at", UtcDateTime(), nullable=True),
        sa.Column("called_at", UtcDateTime(), nullable=True),
        sa.Column("reached_at", UtcDateTime(), nullable=True),
        sa.Column("read_back_at", UtcDateTime(), nullable=True),
        sa.Column("acknowledged_at", UtcDateTime(), nullable=True),
        sa.Column("sent_at", UtcDateTime(), nullable=True),
        sa.Column("moved_at", UtcDateTime(), nullable=False),
        sa.Column("contact", sa.String(length=10), nullable=True),
        sa.Column("caller", sa.Uuid(), nullable=True),
        sa.Column("read_back_tries", sa.Integer(), nullable=False),
        sa.Column("end_reason", sa.String(length=12), nullable=True),
        sa.Column("key", sa.String(length=32), nullable=False),
        sa.CheckConstraint(
            "(state = 'closed') = (end_reason IS NOT NULL)", name=op.f("ck_critical_alert_closed_means_reason")
        ),
        sa.ForeignKeyConstraint(["report_id"], ["results.report.id"], name=op.f("fk_critical_alert_report_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_critical_alert")),
        sa.UniqueConstraint("site_id", "key", name=op.f("uq_critical_alert_site_id_key")),
        schema="results",
    )
    op.create_index(
        op.f("ix_results_critical_alert_report_id"), "critical_alert", ["report_id"], unique=False, schema="results"
    )
    op.create_index(
        op.f("ix_results_critical_alert_site_id_results_critical_alert_state"),
        "critical_alert",
        ["site_id", "state"],
        unique=False,
        schema="results",
    )
    op.create_table(
        "escrow_share",
        sa.Column("dossier_id", sa.Uuid(), nullable=False),
        sa.Column("key_version", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("part", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("scheme", sa.String(length=8), nullable=False),
        sa.Column("box", sa.LargeBinary(length=97), nullable=False),
        sa.ForeignKeyConstraint(["dossier_id"], ["results.dossier.id"], name=op.f("fk_escrow_share_dossier_id")),
        sa.PrimaryKeyConstraint("dossier_id", "key_version", "part", name=op.f("pk_escrow_share")),
        schema="results",
    )
    op.create_table(
        "flag_lift",
        sa.Column("report_id", sa.Uuid(), nullable=False),
        sa.Column("flag", sa.String(length=13), nullable=False),
        sa.Column("by", sa.Uuid(), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.Column("mac", sa.LargeBinary(length=32), nullable=False),
        sa.ForeignKeyConstraint(["report_id"], ["results.report.id"], name=op.f("fk_flag_lift_report_id")),
        sa.PrimaryKeyConstraint("report_id", "flag", name=op.f("pk_flag_lift")),
        schema="results",
    )
    op.create_table(
        "flag_notice",
        sa.Column("message_id", sa.Uuid(), nullable=False),
        sa.Column("report_id", sa.Uuid(), nullable=False),
        sa.Column("flags", sa.String(length=60), nullable=False),
        sa.Column("received_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["report_id"], ["results.report.id"], name=op.f("fk_flag_notice_report_id")),
        sa.PrimaryKeyConstraint("message_id", "report_id", name=op.f("pk_flag_notice")),
        schema="results",
    )
    op.create_index(
        op.f("ix_results_flag_notice_report_id"), "flag_notice", ["report_id"], unique=False, schema="results"
    )
    op.create_table(
        "hand_over",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("site_id", sa.Uuid(), nullable=False),
        sa.Column("visit_id", sa.Uuid(), nullable=False),
        sa.Column("dossier_id", sa.Uuid(), nullable=False),
        sa.Column("person", sa.String(length=12), nullable=False),
        sa.Column("mandate_id", sa.Uuid(), nullable=True),
        sa.Column("document", sa.String(length=18), nullable=False),
        sa.Column("reason", sa.String(length=10), nullable=True),
        sa.Column("release_class", sa.String(length=2), nullable=False),
        sa.Column("is_sealed", sa.Boolean(), nullable=False),
        sa.Column("sheets", sa.Integer(), nullable=False),
        sa.Column("signed_by", sa.Uuid(), nullable=True),
        sa.Column("signed_at", UtcDateTime(), nullable=True),
        sa.Column("by", sa.Uuid(), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.Column("key", sa.String(length=32), nullable=False),
        sa.CheckConstraint("(person = 'mandated') = (mandate_id IS NOT NULL)", name=op.f("ck_hand_over_mandated_by")),
        sa.CheckConstraint("(signed_by IS NULL) = (signed_at IS NULL)", name=op.f("ck_hand_over_signed_for")),
        sa.ForeignKeyConstraint(["mandate_id"], ["results.mandate.id"], name=op.f("fk_hand_over_mandate_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_hand_over")),
        sa.UniqueConstraint("site_id", "key", name=op.f("uq_hand_over_site_id_key")),
        schema="results",
    )
    op.create_index(
        op.f("ix_results_hand_over_visit_id_results_hand_over_at"),
        "hand_over",
        ["visit_id", "at"],
        unique=False,
        schema="results",
    )
    op.create_table(
        "message_repeat",
        sa.Column("site_id", sa.Uuid(), nullable=False),
        sa.Column("connection", sa.String(length=40), nullable=False),
        sa.Column("bytes_mac", sa.LargeBinary(length=32), nullable=False),
        sa.Column("message_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(["message_id"], ["results.message.id"], name=op.f("fk_message_repeat_message_id")),
        sa.PrimaryKeyConstraint("site_id", "connection", "bytes_mac", name=op.f("pk_message_repeat")),
        schema="results",
    )
    op.create_table(
        "order_physician",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("site_id", sa.Uuid(), nullable=False),
        sa.Column("visit_id", sa.Uuid(), nullable=False),
        sa.Column("physician_id", sa.Uuid(), nullable=False),
        sa.Column("standing", sa.String(length=10), nullable=False),
        sa.Column("by", sa.Uuid(), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.Column("mac", sa.LargeBinary(length=32), nullable=False),
        sa.ForeignKeyConstraint(
            ["physician_id"], ["results.physician.id"], name=op.f("fk_order_physician_physician_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_order_physician")),
        sa.UniqueConstraint("visit_id", "physician_id", name=op.f("uq_order_physician_visit_id_physician_id")),
        schema="results",
    )
    op.create_index(
        op.f("ix_results_order_physician_physician_id"),
        "order_physician",
        ["physician_id"],
        unique=False,
        schema="results",
    )
    op.create_table(
        "paired_pc",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.String(length=40), nullable=False),
        sa.Column("desk", sa.String(length=40), nullable=False),
        sa.Column("token", sa.LargeBinary(length=32), nullable=False),
        sa.Column("paired_by", sa.Uuid(), nullable=False),
        sa.Column("paired_at", UtcDateTime(), nullable=False),
        sa.Column("revoked_at", UtcDateTime(), nullable=True),
        sa.Column("mac", sa.LargeBinary(length=32), nullable=False),
        sa.ForeignKeyConstraint(["paired_by"], ["results.staff.id"], name=op.f("fk_paired_pc_paired_by")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_paired_pc")),
        sa.UniqueConstraint("token", name=op.f("uq_paired_pc_token")),
        schema="results",
    )
    op.create_table(
        "patient_number",
        sa.Column("delivery_id", sa.Uuid(), nullable=False),
        sa.Column("site_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["delivery_id"], ["results.delivery.id"], name=op.f("fk_patient_number_delivery_id")),
        sa.PrimaryKeyConstraint("delivery_id", name=op.f("pk_patient_number")),
        schema="results",
    )
    op.create_table(
        "proof_reset",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("staff", sa.Uuid(), nullable=False),
        sa.Column("asked_by", sa.Uuid(), nullable=False),
        sa.Column("asked_at", UtcDateTime(), nullable=False),
        sa.Column("confirmed_by", sa.Uuid(), nullable=True),
        sa.Column("confirmed_at", UtcDateTime(), nullable=True),
        sa.Column("mac", sa.LargeBinary(length=32), nullable=False),
        sa.ForeignKeyConstraint(["asked_by"], ["results.staff.id"], name=op.f("fk_proof_reset_asked_by")),
        sa.ForeignKeyConstraint(["confirmed_by"], ["results.staff.id"], name=op.f("fk_proof_reset_confirmed_by")),
        sa.ForeignKeyConstraint(["staff"], ["results.staff.id"], name=op.f("fk_proof_reset_staff")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_proof_reset")),
        schema="results",
    )
    op.create_index(op.f("ix_results_proof_reset_staff"), "proof_reset", ["staff"], unique=False, schema="results")
    op.create_table(
        "report_hold",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("site_id", sa.Uuid(), nullable=False),
        sa.Column("report_id", sa.Uuid(), nullable=False),
        sa.Column("reason", sa.String(length=10), nullable=False),
        sa.Column("by", sa.Uuid(), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.Column("key", sa.String(length=32), nullable=False),
        sa.Column("lifted_by", sa.Uuid(), nullable=True),
        sa.Column("lifted_at", UtcDateTime(), nullable=True),
        sa.Column("mac", sa.LargeBinary(length=32), nullable=False),
        sa.ForeignKeyConstraint(["report_id"], ["results.report.id"], name=op.f("fk_report_hold_report_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_report_hold")),
        sa.UniqueConstraint("site_id", "key", name=op.f("uq_report_hold_site_id_key")),
        schema="results",
    )
    op.create_index(
        op.f("ix_results_report_hold_report_id"), "report_hold", ["report_id"], unique=False, schema="results"
    )
    op.create_table(
        "report_version",
        sa.Column("report_id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("message_id", sa.Uuid(), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("dossier", sa.Uuid(), nullable=True),
        sa.Column("release_class", sa.String(length=2), nullable=False),
        sa.Column("is_known", sa.Boolean(), nullable=False),
        sa.Column("matrix_version", sa.Integer(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("not_before", UtcDateTime(), nullable=True),
        sa.Column("is_partial", sa.Boolean(), nullable=False),
        sa.Column("is_corrected", sa.Boolean(), nullable=False),
        sa.Column("is_order_uncertain", sa.Boolean(), nullable=False),
        sa.Column("flags", sa.String(length=60), nullable=False),
        sa.Column("said_at", UtcDateTime(), nullable=True),
        sa.Column("received_at", UtcDateTime(), nullable=False),
        sa.Column("commitment", sa.LargeBinary(length=32), nullable=True),
        sa.Column("signature", sa.LargeBinary(length=64), nullable=True),
        sa.Column("signer", sa.Uuid(), nullable=True),
        sa.Column("signed_at", UtcDateTime(), nullable=True),
        sa.Column("withdrawn_at", UtcDateTime(), nullable=True),
        sa.Column("reason", sa.String(length=10), nullable=True),
        sa.CheckConstraint(
            "state != 'signed' OR (signature IS NOT NULL AND commitment IS NOT NULL AND signer IS NOT NULL AND signed_at IS NOT NULL AND not_before IS NOT NULL AND dossier IS NOT NULL)",
            name=op.f("ck_report_version_signed_whole"),
        ),
        sa.CheckConstraint(
            "state != 'withdrawn' OR (withdrawn_at IS NOT NULL AND reason IS NOT NULL)",
            name=op.f("ck_report_version_withdrawn_why"),
        ),
        sa.CheckConstraint(
            "state NOT IN ('sealed', 'signed') OR dossier IS NOT NULL", name=op.f("ck_report_version_sealed_to_someone")
        ),
        sa.CheckConstraint("version > 0", name=op.f("ck_report_version_version")),
        sa.ForeignKeyConstraint(["report_id"], ["results.report.id"], name=op.f("fk_report_version_report_id")),
        sa.PrimaryKeyConstraint("report_id", "version", name=op.f("pk_report_version")),
        schema="results",
    )
    op.create_index(
        op.f("ix_results_report_version_message_id"), "report_version", ["message_id"], unique=False, schema="results"
    )
    op.create_table(
        "retraction",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("site_id", sa.Uuid(), nullable=False),
        sa.Column("report_id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("why", sa.String(length=6), nullable=False),
        sa.Column("by", sa.Uuid(), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.Column("key", sa.String(length=32), nullable=False),
        sa.ForeignKeyConstraint(["report_id"], ["results.report.id"], name=op.f("fk_retraction_report_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_retraction")),
        sa.UniqueConstraint("site_id", "key", name=op.f("uq_retraction_site_id_key")),
        schema="results",
    )
    op.create_index(
        op.f("ix_results_retraction_report_id"), "retraction", ["report_id"], unique=False, schema="results"
    )
    op.create_table(
        "role",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("staff", sa.Uuid(), nullable=False),
        sa.Column("role", sa.String(length=13), nullable=False),
        sa.Column("signer", sa.Uuid(), nullable=True),
        sa.Column("granted_at", UtcDateTime(), nullable=True),
        sa.Column("signature", sa.LargeBinary(length=64), nullable=True),
        sa.Column("end_asked_by", sa.Uuid(), nullable=True),
        sa.Column("end_asked_at", UtcDateTime(), nullable=True),
        sa.Column("ended_by", sa.Uuid(), nullable=True),
        sa.Column("ended_at", UtcDateTime(), nullable=True),
        sa.Column("end_signature", sa.LargeBinary(length=64), nullable=True),
        sa.Column("mac", sa.LargeBinary(length=32), nullable=False),
        sa.CheckConstraint("(ended_at IS NULL) = (end_signature IS NULL)", name=op.f("ck_role_ended_means_signed")),
        sa.ForeignKeyConstraint(["end_asked_by"], ["results.staff.id"], name=op.f("fk_role_end_asked_by")),
        sa.ForeignKeyConstraint(["ended_by"], ["results.staff.id"], name=op.f("fk_role_ended_by")),
        sa.ForeignKeyConstraint(["signer"], ["results.staff.id"], name=op.f("fk_role_signer")),
        sa.ForeignKeyConstraint(["staff"], ["results.staff.id"], name=op.f("fk_role_staff")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_role")),
        schema="results",
    )
    op.create_index(
        "uq_role_in_force",
        "role",
        ["staff", "role"],
        unique=True,
        schema="results",
        sqlite_where=sa.text("ended_at IS NULL"),
        postgresql_where=sa.text("ended_at IS NULL"),
    )
    op.create_table(
        "slip",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("site_id", sa.Uuid(), nullable=False),
        sa.Column("dossier_id", sa.Uuid(), nullable=False),
        sa.Column("handle_key", sa.LargeBinary(length=16), nullable=False),
        sa.Column("fields_version", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(length=8), nullable=False),
        sa.Column("issued_by", sa.Uuid(), nullable=False),
        sa.Column("issued_at", UtcDateTime(), nullable=False),
        sa.Column("confirmed_at", UtcDateTime(), nullable=True),
        sa.Column("voided_at", UtcDateTime(), nullable=True),
        sa.CheckConstraint("state != 'valid' OR confirmed_at IS NOT NULL", name=op.f("ck_slip_valid_means_confirmed")),
        sa.ForeignKeyConstraint(["dossier_id"], ["results.dossier.id"], name=op.f("fk_slip_dossier_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_slip")),
        sa.UniqueConstraint("site_id", "handle_key", name=op.f("uq_slip_site_id_handle_key")),
        schema="results",
    )
    op.create_index(op.f("ix_results_slip_dossier_id"), "slip", ["dossier_id"], unique=False, schema="results")
    op.create_table(
        "told_again",
        sa.Column("release_id", sa.Uuid(), nullable=False),
        sa.Column("how", sa.String(length=7), nullable=False),
        sa.Column("by", sa.Uuid(), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["release_id"], ["results.release_act.id"], name=op.f("fk_told_again_release_id")),
        sa.PrimaryKeyConstraint("release_id", name=op.f("pk_told_again")),
        schema="results",
    )
    op.create_table(
        "whole_dossier",
        sa.Column("dossier_id", sa.Uuid(), nullable=False),
        sa.Column("expected", sa.String(length=40), nullable=False),
        sa.Column("by", sa.Uuid(), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.Column("mac", sa.LargeBinary(length=32), nullable=False),
        sa.ForeignKeyConstraint(["dossier_id"], ["results.dossier.id"], name=op.f("fk_whole_dossier_dossier_id")),
        sa.PrimaryKeyConstraint("dossier_id", name=op.f("pk_whole_dossier")),
        schema="results",
    )
    op.create_table(
        "attempt",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("site_id", sa.Uuid(), nullable=False),
        sa.Column("key", sa.String(length=64), nullable=False),
        sa.Column("slip_id", sa.Uuid(), nullable=False),
        sa.Column("line", sa.Integer(), nullable=False),
        sa.Column("call_id", sa.Uuid(), nullable=False),
        sa.Column("way", sa.String(length=8), nullable=False),
        sa.Column("by", sa.Uuid(), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.Column("state", sa.String(length=8), nullable=False),
        sa.Column("is_tested", sa.Boolean(), nullable=False),
        sa.Column("why", sa.String(length=20), nullable=True),
        sa.ForeignKeyConstraint(["slip_id"], ["results.slip.id"], name=op.f("fk_attempt_slip_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_attempt")),
        sa.UniqueConstraint("key", name=op.f("uq_attempt_key")),
        schema="results",
    )
    op.create_index(op.f("ix_results_attempt_call_id"), "attempt", ["call_id"], unique=False, schema="results")
    op.create_index(
        op.f("ix_results_attempt_site_id_results_attempt_at"),
        "attempt",
        ["site_id", "at"],
        unique=False,
        schema="results",
    )
    op.create_index(
        "uq_attempt_pending",
        "attempt",
        ["slip_id"],
        unique=True,
        schema="results",
        sqlite_where=sa.text("state = 'pending'"),
        postgresql_where=sa.text("state = 'pending'"),
    )
    op.create_table(
        "code_line",
        sa.Column("slip_id", sa.Uuid(), nullable=False),
        sa.Column("line", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("state", sa.String(length=6), nullable=False),
        sa.Column("pepper_version", sa.Integer(), nullable=False),
        sa.Column("salt", sa.LargeBinary(length=16), nullable=True),
        sa.Column("wrap", sa.LargeBinary(length=74), nullable=True),
        sa.Column("ended_at", UtcDateTime(), nullable=True),
        sa.CheckConstraint("(state = 'ready') = (wrap IS NOT NULL)", name=op.f("ck_code_line_only_ready_opens")),
        sa.CheckConstraint("(wrap IS NULL) = (salt IS NULL)", name=op.f("ck_code_line_wrap_and_salt")),
        sa.ForeignKeyConstraint(["slip_id"], ["results.slip.id"], name=op.f("fk_code_line_slip_id")),
        sa.PrimaryKeyConstraint("slip_id", "line", name=op.f("pk_code_line")),
        schema="results",
    )
    op.create_table(
        "critical_step",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("alert_id", sa.Uuid(), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.Column("by", sa.Uuid(), nullable=False),
        sa.Column("verb", sa.String(length=11), nullable=False),
        sa.Column("contact", sa.String(length=10), nullable=True),
        sa.Column("who", sa.LargeBinary(), nullable=True),
        sa.ForeignKeyConstraint(["alert_id"], ["results.critical_alert.id"], name=op.f("fk_critical_step_alert_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_critical_step")),
        schema="results",
    )
    op.create_index(
        op.f("ix_results_critical_step_alert_id_results_critical_step_at"),
        "critical_step",
        ["alert_id", "at"],
        unique=False,
        schema="results",
    )
    op.create_table(
        "duty",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("staff", sa.Uuid(), nullable=False),
        sa.Column("pc", sa.Uuid(), nullable=False),
        sa.Column("since", UtcDateTime(), nullable=False),
        sa.Column("until", UtcDateTime(), nullable=False),
        sa.Column("ended_at", UtcDateTime(), nullable=True),
        sa.Column("mac", sa.LargeBinary(length=32), nullable=False),
        sa.ForeignKeyConstraint(["pc"], ["results.paired_pc.id"], name=op.f("fk_duty_pc")),
        sa.ForeignKeyConstraint(["staff"], ["results.staff.id"], name=op.f("fk_duty_staff")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_duty")),
        sa.UniqueConstraint("staff", "pc", name=op.f("uq_duty_staff_pc")),
        schema="results",
    )
    op.create_index(op.f("ix_results_duty_pc"), "duty", ["pc"], unique=False, schema="results")
    op.create_table(
        "hand_over_request",
        sa.Column("hand_over_id", sa.Uuid(), nullable=True),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("site_id", sa.Uuid(), nullable=False),
        sa.Column("visit_id", sa.Uuid(), nullable=False),
        sa.Column("document", sa.String(length=18), nullable=False),
        sa.Column("by", sa.Uuid(), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.Column("reply", sa.String(length=8), nullable=True),
        sa.Column("replied_by", sa.Uuid(), nullable=True),
        sa.Column("replied_at", UtcDateTime(), nullable=True),
        sa.Column("key", sa.String(length=32), nullable=False),
        sa.CheckConstraint(
            "(hand_over_id IS NOT NULL) = (reply IS NOT NULL AND reply = 'agreed')",
            name=op.f("ck_hand_over_request_agreed"),
        ),
        sa.CheckConstraint("(reply IS NULL) = (replied_at IS NULL)", name=op.f("ck_hand_over_request_replied")),
        sa.ForeignKeyConstraint(
            ["hand_over_id"], ["results.hand_over.id"], name=op.f("fk_hand_over_request_hand_over_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_hand_over_request")),
        sa.UniqueConstraint("site_id", "key", name=op.f("uq_hand_over_request_site_id_key")),
        schema="results",
    )
    op.create_index(
        op.f("ix_results_hand_over_request_site_id_results_hand_over_request_at"),
        "hand_over_request",
        ["site_id", "at"],
        unique=False,
        schema="results",
    )
    op.create_table(
        "sign_in",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("token", sa.LargeBinary(length=32), nullable=False),
        sa.Column("staff", sa.Uuid(), nullable=False),
        sa.Column("desk", sa.String(length=40), nullable=False),
        sa.Column("pc", sa.Uuid(), nullable=True),
        sa.Column("is_by_pin", sa.Boolean(), nullable=False),
        sa.Column("opened_at", UtcDateTime(), nullable=False),
        sa.Column("proved_at", UtcDateTime(), nullable=False),
        sa.Column("raised_until", UtcDateTime(), nullable=True),
        sa.Column("seen_at", UtcDateTime(), nullable=False),
        sa.Column("idle_s", sa.Integer(), nullable=False),
        sa.Column("ends_at", UtcDateTime(), nullable=False),
        sa.Column("closed_at", UtcDateTime(), nullable=True),
        sa.Column("mac", sa.LargeBinary(length=32), nullable=False),
        sa.ForeignKeyConstraint(["pc"], ["results.paired_pc.id"], name=op.f("fk_sign_in_pc")),
        sa.ForeignKeyConstraint(["staff"], ["results.staff.id"], name=op.f("fk_sign_in_staff")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sign_in")),
        sa.UniqueConstraint("token", name=op.f("uq_sign_in_token")),
        schema="results",
    )
    op.create_index(op.f("ix_results_sign_in_pc"), "sign_in", ["pc"], unique=False, schema="results")
    op.create_index(op.f("ix_results_sign_in_staff"), "sign_in", ["staff"], unique=False, schema="results")
    op.create_table(
        "slip_order",
        sa.Column("slip_id", sa.Uuid(), nullable=False),
        sa.Column("site_id", sa.Uuid(), nullable=False),
        sa.Column("visit_id", sa.Uuid(), nullable=False),
        sa.Column("key", sa.String(length=32), nullable=False),
        sa.ForeignKeyConstraint(["slip_id"], ["results.slip.id"], name=op.f("fk_slip_order_slip_id")),
        sa.PrimaryKeyConstraint("slip_id", name=op.f("pk_slip_order")),
        sa.UniqueConstraint("site_id", "key", name=op.f("uq_slip_order_site_id_key")),
        schema="results",
    )
    op.create_table(
        "pin_try",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("duty", sa.Uuid(), nullable=False),
        sa.Column("key", sa.String(length=32), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.Column("outcome", sa.String(length=6), nullable=False),
        sa.ForeignKeyConstraint(["duty"], ["results.duty.id"], name=op.f("fk_pin_try_duty")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_pin_try")),
        sa.UniqueConstraint("key", name=op.f("uq_pin_try_key")),
        schema="results",
    )
    op.create_index(
        op.f("ix_results_pin_try_duty_results_pin_try_at"), "pin_try", ["duty", "at"], unique=False, schema="results"
    )


def drop_results() -> None:
    op.drop_index(op.f("ix_results_pin_try_duty_results_pin_try_at"), table_name="pin_try", schema="results")
    op.drop_table("pin_try", schema="results")
    op.drop_table("slip_order", schema="results")
    op.drop_index(op.f("ix_results_sign_in_staff"), table_name="sign_in", schema="results")
    op.drop_index(op.f("ix_results_sign_in_pc"), table_name="sign_in", schema="results")
    op.drop_table("sign_in", schema="results")
    op.drop_index(
        op.f("ix_results_hand_over_request_site_id_results_hand_over_request_at"),
        table_name="hand_over_request",
        schema="results",
    )
    op.drop_table("hand_over_request", schema="results")
    op.drop_index(op.f("ix_results_duty_pc"), table_name="duty", schema="results")
    op.drop_table("duty", schema="results")
    op.drop_index(
        op.f("ix_results_critical_step_alert_id_results_critical_step_at"), table_name="critical_step", schema="results"
    )
    op.drop_table("critical_step", schema="results")
    op.drop_table("code_line", schema="results")
    op.drop_index(
        "uq_attempt_pending",
        table_name="attempt",
        schema="results",
        sqlite_where=sa.text("state = 'pending'"),
        postgresql_where=sa.text("state = 'pending'"),
    )
    op.drop_index(op.f("ix_results_attempt_site_id_results_attempt_at"), table_name="attempt", schema="results")
    op.drop_index(op.f("ix_results_attempt_call_id"), table_name="attempt", schema="results")
    op.drop_table("attempt", schema="results")
    op.drop_table("whole_dossier", schema="results")
    op.drop_table("told_again", schema="results")
    op.drop_index(op.f("ix_results_slip_dossier_id"), table_name="slip", schema="results")
    op.drop_table("slip", schema="results")
    op.drop_index(
        "uq_role_in_force",
        table_name="role",
        schema="results",
        sqlite_where=sa.text("ended_at IS NULL"),
        postgresql_where=sa.text("ended_at IS NULL"),
    )
    op.drop_table("role", schema="results")
    op.drop_index(op.f("ix_results_retraction_report_id"), table_name="retraction", schema="results")
    op.drop_table("retraction", schema="results")
    op.drop_index(op.f("ix_results_report_version_message_id"), table_name="report_version", schema="results")
    op.drop_table("report_version", schema="results")
    op.drop_index(op.f("ix_results_report_hold_report_id"), table_name="report_hold", schema="results")
    op.drop_table("report_hold", schema="results")
    op.drop_index(op.f("ix_results_proof_reset_staff"), table_name="proof_reset", schema="results")
    op.drop_table("proof_reset", schema="results")
    op.drop_table("patient_number", schema="results")
    op.drop_table("paired_pc", schema="results")
    op.drop_index(op.f("ix_results_order_physician_physician_id"), table_name="order_physician", schema="results")
    op.drop_table("order_physician", schema="results")
    op.drop_table("message_repeat", schema="results")
    op.drop_index(op.f("ix_results_hand_over_visit_id_results_hand_over_at"), table_name="hand_over", schema="results")
    op.drop_table("hand_over", schema="results")
    op.drop_index(op.f("ix_results_flag_notice_report_id"), table_name="flag_notice", schema="results")
    op.drop_table("flag_notice", schema="results")
    op.drop_table("flag_lift", schema="results")
    op.drop_table("escrow_share", schema="results")
    op.drop_index(
        op.f("ix_results_critical_alert_site_id_results_critical_alert_state"),
        table_name="critical_alert",
        schema="results",
    )
    op.drop_index(op.f("ix_results_critical_alert_report_id"), table_name="critical_alert", schema="results")
    op.drop_table("critical_alert", schema="results")
    op.drop_table("upheld", schema="results")
    op.drop_table("tube_table", schema="results")
    op.drop_table("staff", schema="results")
    op.drop_index(
        op.f("ix_results_slip_request_site_id_results_slip_request_at"), table_name="slip_request", schema="results"
    )
    op.drop_table("slip_request", schema="results")
    op.drop_index(
        op.f("ix_results_sign_in_try_account_results_sign_in_try_device_results_sign_in_try_at"),
        table_name="sign_in_try",
        schema="results",
    )
    op.drop_table("sign_in_try", schema="results")
    op.drop_table("sealed_key", schema="results")
    op.drop_index(
        op.f("ix_results_said_prescriber_site_id_results_said_prescriber_at"),
        table_name="said_prescriber",
        schema="results",
    )
    op.drop_table("said_prescriber", schema="results")
    op.drop_index(op.f("ix_results_report_dossier"), table_name="report", schema="results")
    op.drop_table("report", schema="results")
    op.drop_table("release_stop", schema="results")
    op.drop_index(
        op.f("ix_results_release_act_report_id_results_release_act_version"), table_name="release_act", schema="results"
    )
    op.drop_index(op.f("ix_results_release_act_dossier_id"), table_name="release_act", schema="results")
    op.drop_index(op.f("ix_results_release_act_call_id"), table_name="release_act", schema="results")
    op.drop_table("release_act", schema="results")
    op.drop_index(op.f("ix_results_physician_try_call_id"), table_name="physician_try", schema="results")
    op.drop_index(
        op.f("ix_results_physician_try_account_results_physician_try_at"), table_name="physician_try", schema="results"
    )
    op.drop_table("physician_try", schema="results")
    op.drop_index(
        op.f("ix_results_physician_call_site_id_results_physician_call_state"),
        table_name="physician_call",
        schema="results",
    )
    op.drop_index(op.f("ix_results_physician_call_physician_id"), table_name="physician_call", schema="results")
    op.drop_index(
        op.f("ix_results_physician_call_by_results_physician_call_opened_at"),
        table_name="physician_call",
        schema="results",
    )
    op.drop_table("physician_call", schema="results")
    op.drop_table("physician", schema="results")
    op.drop_index(
        op.f("ix_results_phone_closure_site_id_results_phone_closure_until"),
        table_name="phone_closure",
        schema="results",
    )
    op.drop_table("phone_closure", schema="results")
    op.drop_index(op.f("ix_results_phone_call_slip_id"), table_name="phone_call", schema="results")
    op.drop_index(
        op.f("ix_results_phone_call_site_id_results_phone_call_state"), table_name="phone_call", schema="results"
    )
    op.drop_index(
        op.f("ix_results_phone_call_by_results_phone_call_opened_at"), table_name="phone_call", schema="results"
    )
    op.drop_table("phone_call", schema="results")
    op.drop_index(
        op.f("ix_results_note_comparison_site_id_results_note_comparison_at"),
        table_name="note_comparison",
        schema="results",
    )
    op.drop_table("note_comparison", schema="results")
    op.drop_index(op.f("ix_results_message_state"), table_name="message", schema="results")
    op.drop_index(op.f("ix_results_message_number_mac"), table_name="message", schema="results")
    op.drop_index(op.f("ix_results_message_content_mac"), table_name="message", schema="results")
    op.drop_table("message", schema="results")
    op.drop_table("matrix", schema="results")
    op.drop_index(op.f("ix_results_mandate_patient_id"), table_name="mandate", schema="results")
    op.drop_table("mandate", schema="results")
    op.drop_index(op.f("ix_results_letter_visit_id"), table_name="letter", schema="results")
    op.drop_index(op.f("ix_results_letter_site_id_results_letter_at"), table_name="letter", schema="results")
    op.drop_table("letter", schema="results")
    op.drop_table("journal_text", schema="results")
    op.drop_table("journal_leaf", schema="results")
    op.drop_table("journal_head", schema="results")
    op.drop_index(
        op.f("ix_results_escalation_step_site_id_results_escalation_step_ended_at"),
        table_name="escalation_step",
        schema="results",
    )
    op.drop_table("escalation_step", schema="results")
    op.drop_table("dossier", schema="results")
    op.drop_index(
        op.f("ix_results_discreet_visit_site_id_results_discreet_visit_at"),
        table_name="discreet_visit",
        schema="results",
    )
    op.drop_table("discreet_visit", schema="results")
    op.drop_index(op.f("ix_results_delivery_visit_id_results_delivery_at"), table_name="delivery", schema="results")
    op.drop_table("delivery", schema="results")
    op.drop_index(
        op.f("ix_results_critical_limit_site_id_results_critical_limit_code"),
        table_name="critical_limit",
        schema="results",
    )
    op.drop_table("critical_limit", schema="results")
    op.drop_index(
        op.f("ix_results_critical_drill_site_id_results_critical_drill_ends_at"),
        table_name="critical_drill",
        schema="results",
    )
    op.drop_table("critical_drill", schema="results")
    op.drop_index(
        op.f("ix_results_biologist_message_site_id_results_biologist_message_ended_at"),
        table_name="biologist_message",
        schema="results",
    )
    op.drop_table("biologist_message", schema="results")
