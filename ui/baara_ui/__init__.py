"""The pages of Baara: they show what the engine knows, and pass on what people ask. None are built yet."""
