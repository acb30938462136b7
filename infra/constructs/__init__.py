"""The pieces the stacks are made of, one file each."""
