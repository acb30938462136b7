"""What Mien talks about: faces, geometry, plans, errors. Pure values, no I/O, nothing of ours imported."""
