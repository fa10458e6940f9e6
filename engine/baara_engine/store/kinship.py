"""Who has submitted whom, as SQL: what an agent submits is the child of its own execution.

`execution_child` is a partial index, so a statement must say that there is a parent.
"""

# An execution (the parameter) and all that it has submitted, and so on downwards, as `family`.
FAMILY = """
WITH RECURSIVE family(id) AS (
    SELECT ? UNION SELECT execution.id FROM execution JOIN family
    ON execution.parent_id = family.id AND execution.parent_id IS NOT NULL)
"""
MOST = 1000  # generations: far more than an agent may have below it, and an end to a circle on a damaged disk
# An execution (the parameter) and those that it is part of, upwards, as `above`.
ABOVE = f"""
WITH RECURSIVE above(id, parent_id, far) AS (
    SELECT id, parent_id, 0 FROM execution WHERE id = ?
    UNION ALL SELECT execution.id, execution.parent_id, far + 1
    FROM execution JOIN above ON execution.id = above.parent_id
    WHERE far < {MOST})
"""
