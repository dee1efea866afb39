"""readrun: a reading list as typed paper files, and what is done with them. `kb` is its command."""
