"""Tests of the query language front end."""
