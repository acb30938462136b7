"""Training of Mien's own networks, on a CPU. It has an environment of its own (requirements.txt): `make train`."""
