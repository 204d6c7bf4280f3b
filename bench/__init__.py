"""The benchmark: standard data, standard queries, imports and diffs, against the targets and against a reference."""
