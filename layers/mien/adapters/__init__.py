"""The ports on real stores. boto3 and sqlite3 live here and nowhere else."""
