"""The pool side: one connection, its jobs in, shares out, verdicts back."""
