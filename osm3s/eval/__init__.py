"""The meaning of a query: one file per word of the language, in `statements/` and `filters/`."""
