"""The agent: a model that answers, tools that act, and the loop between them."""
