"""Broken images and bodies without end, handed to a process that may die of them: `make fuzz`."""
