"""Imports what other modules import only when they need it, so that the warmed parent has it before a query comes."""

from __future__ import annotations

import hashlib as hashlib

import lmdb._envid as lmdb_envid  # noqa: F401

import osm3s.dispatch.request_hash as request_hash  # noqa: F401
import osm3s.eval.statements.count_only as count_only  # noqa: F401
import osm3s.ql.functions as functions  # noqa: F401
import osm3s.ql.print_ql as print_ql  # noqa: F401
import osm3s.ql.print_xml as print_xml  # noqa: F401
import osm3s.ql.xml_reader as xml_reader  # noqa: F401
import osm3s.serve.admission as admission  # noqa: F401
import osm3s.serve.console as console  # noqa: F401
