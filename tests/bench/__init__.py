"""How fast, how large, how soon: `make bench`. Nothing here is a test; pytest finds nothing to run."""
