"""Mien on a laptop: HTTP in, API Gateway events, the same authorizer and functions that run on AWS."""
