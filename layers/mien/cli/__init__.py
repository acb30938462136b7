"""The command line. It may use everything."""
