"""The cellar: checks, copies and rehearsals, opened by the command alone."""
