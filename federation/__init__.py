"""How cities ask each other: membership and trust, tokens for peers, fan-out, and the merge of answers.

The merge is pure; everything that touches the network is in `client` and `fanout`.
"""
