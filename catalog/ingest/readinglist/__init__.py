"""Markdown reading lists, in the shapes people write them: headings, bullets, tables, prose that cites.

What is not understood is kept in a paper's notes and reported with its line; nothing that belongs to a paper is lost.
"""

from catalog.ingest.readinglist.document import looks_like, read

__all__ = ["looks_like", "read"]
