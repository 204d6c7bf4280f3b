"""Random data, random queries, two answers: the project beside the reference, or beside a slow oracle in Python."""
