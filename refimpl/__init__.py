"""One reference implementation a paper, and the registry that reads them without importing torch."""
