"""The OpenAPI document, made of the tables and types that the code runs on. No function loads it: they serve the file
that `python -m mien.openapi` writes.
"""
