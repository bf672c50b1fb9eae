"""Small limits, so that questions run into them."""

OBSERVATIONS = 40
OTHERS = 30
