"""What this node has learnt about each peer: how long it takes, whether to ask it now, how much may be asked again.

The cores are pure and get the time passed in (seconds of one monotonic clock). Each worker process learns for itself.
"""
