"""What the public app may read and write: one list that feeds SQLite's authorizer and PostgreSQL's GRANT."""

READ = frozenset({"read"})
APPEND = frozenset({"insert"})
WRITE = frozenset({"read", "insert", "update"})

#: Table -> verbs. Whatever is not named is refused, ATTACH included. What was typed is insert-only: the public
#: app that writes it cannot read it back.
PUBLIC = {
    "alembic_version": READ,
    "site": READ,
    "visit": WRITE,
    "visit_move": frozenset({"read", "insert"}),
    "said": APPEND,
    "answer": APPEND,
    "convocation_shown": WRITE,
    "device": frozenset({"read", "update"}),
    "ticket_counter": WRITE,
    "forecast": READ,
    "event": frozenset({"read", "insert"}),
    "event_counter": WRITE,
    "journal_leaf": frozenset({"insert"}),
    "journal_text": frozenset({"insert"}),
    "journal_head": WRITE,
}


def grant_statements(role: str) -> list[str]:
    """The same list as PostgreSQL GRANTs to a role that has no right on the results schema."""
    verbs = {"read": "SELECT", "insert": "INSERT", "update": "UPDATE", "delete": "DELETE"}
    return [
        f"GRANT {', '.join(sorted(verbs[verb] for verb in allowed))} ON public.{table} TO {role}"
        for table, allowed in PUBLIC.items()
    ]
