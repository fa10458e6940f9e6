"""Schedules at work: due times become slots of the ledger, and executions, each in one transaction.

**On time, late, missed.** A due time runs on time within `policy.ON_TIME_MS`. A single one that comes up to
`policy.LATE_MS` late runs late, whatever the policy: a slow computer is no absence. Otherwise nobody was at work, and
the schedule's policy decides; the newest due time, if it is on time, runs all the same and stands for the others.

**The clock.** What holds is what the wall clock shows now. A due time that ran is never run again, however often the
clock passes it. Where the clock was set forward by up to `scheduler.CORRECTION_MS`, the due times that it passed over
are dealt with as after an absence; more than that is a correction of a wrong clock, and they are missed. Where it was
set back, the ledger begins again at the new time: a row that was settled at a time that has not come again, and for
which nothing ran, is void once its due time really comes; so is what a correction had passed over while the time was
wrong. A clock that was set while nobody was at work is seen as an absence.

**Pauses.** While a schedule is paused, nothing of it is looked at; when it is resumed, the due times in between become
one row: skipped. Where its task is switched off, they are skipped as they come.

**Changes.** A change first deals with what is due by the old rule, and the new one begins now.
"""
