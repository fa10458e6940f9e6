"""Groups of the engine's operations. `engine.Engine` is made of them; nobody else uses them."""
