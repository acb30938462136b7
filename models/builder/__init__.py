"""The model build: fetch pinned packages, convert their weights to ONNX, verify, write `models/built`.

Run `python -m models.builder`. Never imported at run time.
"""
