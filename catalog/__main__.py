"""`python -m catalog` is `kb`."""

from catalog.cli import main

main()
