"""Mien beside other packages that know faces, on the same photos: `make bench-peers`."""
