"""Observations that come one by one or in small batches, while the node serves: by mutation, or by MQTT.

`checks` is pure: which observations can be stored. `writer` stores what many senders bring in one transaction.
The roads are `service` (the mutation) and `mqtt` (a broker).
"""
