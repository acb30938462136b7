"""Measuring the product: speed and accuracy, one command each, a table and a JSON."""
