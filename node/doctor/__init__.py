"""Whether a node is well: a row for each thing that must hold, with what to do if it does not.

`here` looks at this node alone, `peers` at the other cities as this node sees them. The command only prints.
"""
