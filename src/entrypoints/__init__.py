"""Where the world enters: settings, the composition root, the command line, the MCP server. Only this package reads
the environment.
"""
