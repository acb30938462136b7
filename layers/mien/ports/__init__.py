"""What use cases need of the world, as Protocols. Each is implemented in `adapters` and has one contract suite."""
