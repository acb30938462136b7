"""Mien on AWS, as CDK stacks. Reads the contract's data from `mien`; the product knows nothing of it."""
