"""Keeping a database up to date: feeds of numbered diffs, fetched, verified and applied; clones of whole databases."""
