"""The person's MCP servers as tools of the agent.

A server is started when an execution first needs it, shared by all executions of the engine, started again after it has
died, and ended with the engine.
"""
