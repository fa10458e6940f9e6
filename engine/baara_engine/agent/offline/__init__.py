"""The offline model: a planner of fixed steps that needs no key and no network, and speaks the Messages API.

A request goes through these files in this order:

    transport    what the SDK talks to: takes the request, sends the answer back as a stream
    planner      finds the next step by replaying the plan over the conversation so far; it keeps no state
    grammar      what the prompt asks for: a list of jobs, or nothing that it knows
    jobs         a plan for each small job
    look_over    the plan for looking over a folder
    plan         what plans are made of: turns, tool calls, results
    extract      the telling sentences of a text
    wire         how the Messages API writes an answer

It is called offline everywhere and never passes for more than it is.
"""
