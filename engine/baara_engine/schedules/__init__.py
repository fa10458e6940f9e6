"""When something is due: rules, and reading them from what people type. Pure: no store, and no look at the clock."""
