"""Papers as other programs read them: .bib, CSL, RIS, Hayagriva, SQLite, tables, reading lists. Values in, text out."""
