"""Queries, and the index that answers them: derived from the paper files, and made again whenever it is lost."""
